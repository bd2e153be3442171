//! Who may do what: roles, policies from Git, `who` of a prompt, scopes of tokens. Pure: who somebody is was found out elsewhere.
//!
//! ```text
//! the controller's own tokens ─▶ everything
//! a scope that leaves it out ─▶ no      a policy that denies ─▶ no, whatever follows
//! `who` of a prompt ─▶ those, and nobody else
//! a role that has the verb ─▶ yes       a policy that allows ─▶ yes       else ─▶ no
//! ```

mod decide;
mod group;
mod policy;
mod subject;

pub use crd_schemas::manifest::Verb;
pub use decide::{Access, Denied, Object};
pub use group::RoleGroups;
pub use policy::{Policy, PolicyOrigin};
pub use subject::{InvalidSubject, Kind, Role, Scope, Subject, SubjectPattern};

#[cfg(test)]
mod tests;
