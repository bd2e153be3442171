//! What was typed before a question could be read is no answer to it: a terminal keeps whole lines that nobody has read yet, and the beginning
//! of one.

use rustix::termios::{QueueSelector, tcflush};

/// Forgets what the terminal keeps. Where stdin is none, nothing is lost.
pub fn forget() {
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
}
