//! What may be named at one place of a workflow.

use std::sync::Arc;

/// What may be named at one place of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The workflow's parameters.
    pub params: Vec<String>,
    /// The steps that can have ended before this place, in the order of the workflow.
    pub earlier_steps: Vec<EarlierStep>,
    /// Something that is rendered once for each target, so that `agent.…` means that target.
    pub in_target: bool,
    /// A command that stands alone: it has no parameters, and no steps come before it.
    pub lone: Option<Lone>,
    /// Something that is settled when the execution is accepted: only parameters can be named.
    pub before_start: bool,
}

/// Whose a command that stands alone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lone {
    /// A schedule's.
    Schedule,
    /// That of a request.
    Request,
}

impl Lone {
    /// What sentences call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Schedule => "a schedule's command",
            Self::Request => "a command by itself",
        }
    }
}

/// A step that can have ended before a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierStep {
    /// Its id.
    pub id: Arc<str>,
    /// Its `type`, such as `execute`: what it has depends on it.
    pub kind: &'static str,
}

impl EarlierStep {
    /// A step with this id of a type.
    pub fn new(id: &str, kind: &'static str) -> Self {
        Self { id: id.into(), kind }
    }
}

impl Scope {
    /// The step of this id, if it can have ended before.
    pub(crate) fn step(&self, id: &str) -> Option<&EarlierStep> {
        self.earlier_steps.iter().find(|step| &*step.id == id)
    }

    /// Ids of the steps of a type that can have ended before.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.earlier_steps.iter().filter(move |step| step.kind == kind).map(|step| &*step.id)
    }
}
