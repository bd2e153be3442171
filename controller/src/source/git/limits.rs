//! How long and how much a look at a repository may take.

use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// Bounds of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands: the name's address, and TCP with TLS.
    pub connect: Duration,
    /// Without a single byte.
    pub idle: Duration,
    /// The whole look.
    pub total: Duration,
    /// Bytes received in one look.
    pub received_bytes: u64,
    /// Bytes of the mirror on disk, above which the next fetch begins a new one.
    pub mirror_bytes: u64,
    /// Packs in the mirror, above which the next fetch begins a new one.
    pub mirror_packs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(120),
            received_bytes: 500_000_000,
            mirror_bytes: 1_000_000_000,
            mirror_packs: 50,
        }
    }
}

/// When a look has to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(total: Duration) -> Self {
        Self(Instant::now() + total)
    }

    /// What is left; never nothing, because a time-out of zero means none to many libraries.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    pub(super) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Bytes that come from outside, counted, and no later than the deadline.
pub(super) struct Metered<R> {
    inner: R,
    left: u64,
    deadline: Deadline,
}

/// More came than is allowed; travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("more bytes came than are allowed")]
pub(super) struct TooMuch;

impl<R> Metered<R> {
    pub(super) fn new(inner: R, most: u64, deadline: Deadline) -> Self {
        Self { inner, left: most, deadline }
    }
}

impl<R: io::Read> io::Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(read)
    }
}
