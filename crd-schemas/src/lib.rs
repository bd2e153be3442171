//! The language users write: typed manifests, problems with positions, JSON Schemas and Kubernetes definitions. No I/O.
//!
//! ```text
//! text ─▶ tree (spanned, parsed once) ─▶ manifest (typed) + every Problem ─▶ core: definitions
//! ```
//!
//! [`parse_file`] is the way in. What it answers are [`Document`]s, which turn a JSON pointer into a [`Problem`] with file,
//! line and column, so that checks made elsewhere say where, too.

mod crd;
mod decode;
pub mod document;
pub mod duration;
pub mod listing;
pub mod manifest;
pub mod parse;
pub mod problem;
mod request;
mod scalar;
mod schema;
mod source;
mod tree;
pub mod unsupported;
mod yaml;
mod yaml_hints;

pub use crd::crds;
pub use decode::{NAME_FORM, is_name, nearest};
pub use document::Document;
pub use duration::Duration;
pub use manifest::{Kind, Manifest};
pub use parse::{MAX_FILE_BYTES, ParsedFile, parse_file};
pub use problem::{Problem, Severity};
pub use request::decode_command;
pub use schema::schemas;
