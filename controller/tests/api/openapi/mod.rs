//! `/openapi.json` and `/docs`.

mod get;
mod page;
