//! How a remote misbehaves.

use std::sync::Mutex;
use std::time::Duration;

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Accepts the connection and never says a word, not even TLS.
    Mute,
    /// Reads the request for the references, and never answers.
    StallAdvert,
    /// Answers the request for the pack with its head, and nothing after so many bytes.
    StallPack(usize),
    /// Ends the connection after so many bytes of the pack's answer.
    CutPack(usize),
    /// Answers with bytes that are no pack, after so many that are.
    GarbagePack(usize),
    /// Flips one byte of the pack's answer.
    FlipPack(usize),
    /// Answers the request for the references with a web page.
    Page,
    /// Answers the request for the references with bytes that are not Git's protocol, under Git's content type.
    GarbageAdvert,
    /// Sends one byte at a time, with a pause.
    Trickle(Duration),
    /// Answers with this status.
    Status(u16),
    /// Sends the client to this path of another host.
    Redirect,
    /// Sends references for ever.
    Endless,
    /// Repeats the request's credentials in an error of Git's protocol.
    Echo,
}

/// The fault that is switched on.
#[derive(Debug, Default)]
pub struct Switch(Mutex<Option<Fault>>);

impl Switch {
    /// Switches it on, or all off.
    pub fn set(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap() = fault;
    }

    /// The one that is on.
    pub fn get(&self) -> Option<Fault> {
        *self.0.lock().unwrap()
    }
}
