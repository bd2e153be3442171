//! `/metrics`.

mod get;
mod table;
