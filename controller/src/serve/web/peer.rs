//! Whom a connection comes from.

use std::net::SocketAddr;

/// The address at the other end of the socket that a request came over, as an extension of every request: what a header says of it
/// anybody could have written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
