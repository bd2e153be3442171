//! Where the fields of an `execute` step stand: what comes before them and which commit their files are of depends on it.

use super::scope::Scope;

/// Where a command stands.
#[derive(Clone, Copy)]
pub enum Place<'s> {
    /// In a workflow, among its steps.
    Step(&'s Scope<'s>),
    /// In a schedule.
    Schedule,
    /// In a request, of no commit.
    Request,
}
