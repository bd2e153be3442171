//! An execution as a trace. Ids are made of the execution's own, and spans of its history: whoever makes them, and however often, makes the
//! same ones. So a restart leaves no gap and no double, and nothing has to be kept while an execution runs.
//!
//! ```text
//! caller's span ─▶ RUN workflow (execution) ─▶ RUN step (a visit) ─▶ attempt (a command on an agent) ─▶ the command's own spans
//! ```

mod context;
mod history;
mod span;
#[cfg(test)]
mod tests;

pub use context::TraceContext;
pub use history::spans;
pub use span::{Link, Moment, Result, Span, SpanKind, Value, of_id};
