//! Real Git remotes on loopback for tests and benchmarks: repositories made with the `git` program, served by Git's own
//! `git http-backend` and by OpenSSH's `sshd`, with switches for every way in which a remote fails.

mod cgi;
mod http;
mod relay;
mod repository;
mod ssh;
mod switch;

pub use http::{Authority, HttpRemote};
pub use relay::Relay;
pub use repository::Repository;
pub use ssh::SshRemote;
pub use switch::Fault;
