//! `pulse-controller backup` and `restore`: the whole database as one file, which every engine takes. Lines of JSON, compressed, with a digest
//! at the end that is verified before anything is written.
//!
//! ```text
//! line 1     {"pulse":"backup","format":1,"schema":9,…}     what this is, and of when
//! a table    {"table":"executions","columns":[["id","text"],…]}, then its rows, each an array
//! a secret   {"file":"admin-token","text":"…"}              only where it is asked for
//! last line  {"end":{"lines":…,"rows":…,"sha256":"…"}}      of everything before it
//! ```

mod files;
mod line;
mod progress;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod write;

pub use run::{backup, restore};
