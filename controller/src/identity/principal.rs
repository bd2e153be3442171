//! Somebody who has come in.

use pulse_core::access::{Kind, Role, Scope, Subject};
use std::collections::BTreeSet;

/// The name under which the administrator's token acts.
const ADMIN: &str = "admin";

/// By what somebody has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// The administrator's token.
    AdminToken,
}

/// Somebody who has come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// As rules see them.
    pub subject: Subject,
    /// What people call them.
    pub display_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// How they came in.
    pub means: Means,
}

impl Principal {
    /// Whoever has the administrator's token.
    pub fn admin() -> Self {
        let (name, roles) = (ADMIN.to_owned(), BTreeSet::from([Role::Admin]));
        let subject = Subject { kind: Kind::Root, name, groups: BTreeSet::new(), roles, scope: Scope::default() };
        Self { subject, display_name: None, email: None, means: Means::AdminToken }
    }

    /// How histories name them. A person cannot be taken for a token, nor for the administrator's.
    pub fn by(&self) -> String {
        let name = &self.subject.name;
        match self.subject.kind {
            Kind::Root => name.clone(),
            Kind::Token => format!("token:{name}"),
            Kind::User if name == ADMIN || name.contains(':') => format!("user:{name}"),
            Kind::User => name.clone(),
        }
    }
}
