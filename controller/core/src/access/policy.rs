//! A policy, ready to be asked.

use super::{Object, Subject, SubjectPattern, Verb};
use crate::selector::Selector;
use crd_schemas::manifest::{AccessPolicySpec, Effect};
use std::collections::{BTreeMap, BTreeSet};

/// Where a policy stands: its source and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyOrigin {
    /// The source that declares it.
    pub source: String,
    /// Its name.
    pub name: String,
}

/// A policy that is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where it stands.
    pub origin: PolicyOrigin,
    effect: Effect,
    subjects: Vec<SubjectPattern>,
    verbs: BTreeSet<Verb>,
    workflows: Vec<String>,
    steps: Vec<String>,
    agents: Vec<String>,
}

impl Policy {
    /// A policy of a source. What cannot be read any more, because an older release accepted it, names nobody where it allows and
    /// everybody where it denies: a doubt never gives a right.
    pub fn of(origin: PolicyOrigin, spec: &AccessPolicySpec) -> Self {
        let mut subjects = Vec::new();
        for text in &spec.subjects {
            match text.parse() {
                Ok(subject) => subjects.push(subject),
                Err(_) if spec.effect == Effect::Deny => subjects.push(SubjectPattern::Everyone),
                Err(_) => {}
            }
        }
        Self {
            origin,
            effect: spec.effect,
            subjects,
            verbs: spec.verbs.iter().copied().collect(),
            workflows: spec.workflows.clone(),
            steps: spec.steps.clone(),
            agents: spec.agents.clone(),
        }
    }

    pub(super) fn denies(&self) -> bool {
        self.effect == Effect::Deny
    }

    /// Whether it speaks of this subject, verb and object.
    pub(super) fn covers(&self, subject: &Subject, verb: Verb, object: &Object) -> bool {
        self.speaks_of(subject, verb) && self.holds(object)
    }

    /// Whether it speaks of this subject and verb, with whatever object.
    pub(super) fn speaks_of(&self, subject: &Subject, verb: Verb) -> bool {
        self.verbs.contains(&verb) && self.subjects.iter().any(|pattern| pattern.matches(subject))
    }

    fn holds(&self, object: &Object) -> bool {
        let of_source = object.source().is_none_or(|source| source == self.origin.source);
        of_source
            && (self.workflows.is_empty() || is_of(&self.workflows, object.workflow()))
            && (self.agents.is_empty() || is_of(&self.agents, object.agent()))
            && (self.steps.is_empty() || object.step().is_some_and(|step| self.steps.iter().any(|one| one == step)))
    }
}

/// Whether a list of names and selectors means something. What is not there is meant by none.
pub(super) fn is_of(items: &[String], named: Option<(&str, &BTreeMap<String, String>)>) -> bool {
    let Some((name, labels)) = named else { return false };
    let means = |item: &String| match item.contains(['=', ',', '!']) {
        true => item.parse::<Selector>().is_ok_and(|selector| selector.matches(labels)),
        false => item == name,
    };
    items.iter().any(means)
}
