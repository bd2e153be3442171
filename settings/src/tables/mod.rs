//! The tables: every name that the design promises, those of later releases too, so that none is accepted and ignored.

mod agent;
mod cli;
mod controller;
mod identity;
mod keep;
mod observe;
mod source;

pub use agent::AGENT;
pub use cli::CLI;
pub use controller::CONTROLLER;

use crate::setting::Kind;

/// What the value of a key of a file is. A key that several programs have is the same kind in all of them.
pub(crate) fn kind_of(key: &str) -> Option<Kind> {
    [&CONTROLLER, &AGENT].into_iter().find_map(|program| program.of_key(key)).map(|(setting, _)| setting.kind)
}

#[cfg(test)]
mod tests;
