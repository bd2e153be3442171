//! The decision.

use super::{Kind, Policy, PolicyOrigin, Subject, SubjectPattern, Verb};
use std::collections::BTreeMap;
use std::fmt;

/// What something is done to.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    /// The installation itself.
    Pulse,
    /// A workflow, its executions, and the schedules that start it.
    Workflow {
        /// The source that declares it.
        source: &'a str,
        /// Its name.
        name: &'a str,
        /// Its labels; of an execution those that it was started with.
        labels: &'a BTreeMap<String, String>,
    },
    /// A prompt of an execution.
    Prompt {
        /// The source of its workflow.
        source: &'a str,
        /// The workflow's name.
        workflow: &'a str,
        /// The workflow's labels.
        labels: &'a BTreeMap<String, String>,
        /// The step that asks.
        step: &'a str,
        /// Who may answer; everyone who may answer this workflow's prompts where there is none.
        who: &'a [String],
    },
    /// An agent.
    Agent {
        /// Its name.
        name: &'a str,
        /// Its labels.
        labels: &'a BTreeMap<String, String>,
    },
}

impl<'a> Object<'a> {
    pub(super) fn source(&self) -> Option<&'a str> {
        match self {
            Self::Workflow { source, .. } | Self::Prompt { source, .. } => Some(source),
            Self::Pulse | Self::Agent { .. } => None,
        }
    }
    pub(super) fn workflow(&self) -> Option<(&'a str, &'a BTreeMap<String, String>)> {
        match self {
            Self::Workflow { name, labels, .. } | Self::Prompt { workflow: name, labels, .. } => Some((name, labels)),
            Self::Pulse | Self::Agent { .. } => None,
        }
    }
    pub(super) fn agent(&self) -> Option<(&'a str, &'a BTreeMap<String, String>)> {
        match self {
            Self::Agent { name, labels } => Some((name, labels)),
            _ => None,
        }
    }
    pub(super) fn step(&self) -> Option<&'a str> {
        match self {
            Self::Prompt { step, .. } => Some(step),
            _ => None,
        }
    }
    fn who(&self) -> &'a [String] {
        match self {
            Self::Prompt { who, .. } => who,
            _ => &[],
        }
    }
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The token is not made for it.
    Scope,
    /// A policy denies it.
    Policy(PolicyOrigin),
    /// The prompt names others.
    Who(Vec<String>),
    /// Neither a role nor a policy allows it.
    NoRight(Verb),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope => f.write_str("the token's scope does not hold it"),
            Self::Policy(PolicyOrigin { name, .. }) => write!(f, "the AccessPolicy `{name}` denies it"),
            Self::Who(who) => write!(f, "the prompt is for {}", who.join(", ")),
            Self::NoRight(verb) => write!(f, "neither a role nor an AccessPolicy gives the right to `{}` it", verb.as_str()),
        }
    }
}

/// The policies that are live, of all sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    policies: BTreeMap<PolicyOrigin, Policy>,
}

impl Access {
    /// Puts a policy in, or in the place of the one before.
    pub fn put(&mut self, policy: Policy) {
        self.policies.insert(policy.origin.clone(), policy);
    }

    /// Takes a policy out.
    pub fn remove(&mut self, origin: &PolicyOrigin) {
        self.policies.remove(origin);
    }

    /// Whether somebody may do something.
    pub fn decide(&self, subject: &Subject, verb: Verb, object: &Object) -> Result<(), Denied> {
        if subject.kind == Kind::Root {
            return Ok(());
        }
        if !subject.scope.holds(verb, object) {
            return Err(Denied::Scope);
        }
        let covering = || self.policies.values().filter(|policy| policy.covers(subject, verb, object));
        if let Some(policy) = covering().find(|policy| policy.denies()) {
            return Err(Denied::Policy(policy.origin.clone()));
        }
        let who = object.who();
        if verb == Verb::Answer && !who.is_empty() {
            let is_named = who.iter().any(|text| text.parse::<SubjectPattern>().is_ok_and(|one| one.matches(subject)));
            return if is_named { Ok(()) } else { Err(Denied::Who(who.to_vec())) };
        }
        let allowed = subject.roles.iter().any(|role| role.has(verb)) || covering().any(|policy| !policy.denies());
        if allowed { Ok(()) } else { Err(Denied::NoRight(verb)) }
    }

    /// Whether somebody may do something to whatever there is: neither is it denied as a whole, nor for any part.
    pub fn decide_all(&self, subject: &Subject, verb: Verb) -> Result<(), Denied> {
        self.decide(subject, verb, &Object::Pulse)?;
        let denying = self.policies.values().find(|policy| policy.denies() && policy.speaks_of(subject, verb));
        match denying.filter(|_| subject.kind != Kind::Root) {
            Some(policy) => Err(Denied::Policy(policy.origin.clone())),
            None => Ok(()),
        }
    }

    /// Whether somebody may do something to anything at all. A prompt may name anybody, so that everyone who has come in might
    /// answer one.
    pub fn could(&self, subject: &Subject, verb: Verb) -> Result<(), Denied> {
        if subject.kind == Kind::Root {
            return Ok(());
        }
        if !subject.scope.could_hold(verb) {
            return Err(Denied::Scope);
        }
        if verb == Verb::Answer || subject.roles.iter().any(|role| role.has(verb)) {
            return Ok(());
        }
        let allowed = self.policies.values().any(|policy| !policy.denies() && policy.speaks_of(subject, verb));
        if allowed { Ok(()) } else { Err(Denied::NoRight(verb)) }
    }
}
