//! `/api/v1/settings`.

mod get;
