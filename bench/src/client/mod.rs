//! What asks a controller: as light as it can be, because it works on the same cores. The floor answers on the same paths, so that
//! one client measures both.

mod events;
mod http;
mod load;
mod stamps;

pub use events::Watcher;
pub use http::Http;
pub use load::{Load, Timed, Wait};
pub use stamps::Stamps;

use std::net::SocketAddr;

/// A controller, or the floor.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// What lets us in.
    pub token: String,
}
