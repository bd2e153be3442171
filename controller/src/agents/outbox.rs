//! The way to one agent's session.

use pulse_protocol::ToAgent;
use tokio::sync::mpsc;

/// Messages that wait to be written to one agent. They are boxed: a channel keeps room for 32 from its beginning, and thousands of idle sessions
/// need none of it.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::Sender<Box<ToAgent>>);

/// The session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Outbox {
    /// One in which `most` messages may wait, and its other end.
    pub(super) fn of(most: usize) -> (Self, mpsc::Receiver<Box<ToAgent>>) {
        let (outbox, messages) = mpsc::channel(most);
        (Self(outbox), messages)
    }

    /// Puts a message in, once there is room.
    pub(super) async fn send(&self, message: ToAgent) -> Result<(), Closed> {
        self.0.send(Box::new(message)).await.map_err(|_| Closed)
    }

    /// Puts a message in, if there is room. `false`: there is none, or nobody who would write it.
    pub(crate) fn try_send(&self, message: ToAgent) -> bool {
        self.0.try_send(Box::new(message)).is_ok()
    }
}
