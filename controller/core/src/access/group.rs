//! Which groups of the identity provider mean which role.

use super::Role;
use std::collections::{BTreeMap, BTreeSet};

/// Groups by role. What is not said is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGroups(BTreeMap<Role, BTreeSet<String>>);

impl Default for RoleGroups {
    fn default() -> Self {
        let of = |role, groups: &[&str]| (role, groups.iter().map(|group| (*group).to_owned()).collect());
        Self(BTreeMap::from([
            of(Role::Admin, &["admin"]),
            of(Role::Operator, &["employee", "operator"]),
            of(Role::Viewer, &["viewer"]),
            of(Role::Auditor, &["auditor"]),
        ]))
    }
}

impl RoleGroups {
    /// Says which groups mean a role.
    pub fn set(&mut self, role: Role, groups: BTreeSet<String>) {
        self.0.insert(role, groups);
    }

    /// The roles that somebody's groups give. None: a stranger.
    pub fn roles(&self, groups: &BTreeSet<String>) -> BTreeSet<Role> {
        self.0.iter().filter(|(_, wanted)| !wanted.is_disjoint(groups)).map(|(role, _)| *role).collect()
    }

    /// Whether a group means anything.
    pub fn knows(&self, group: &str) -> bool {
        self.0.values().any(|groups| groups.contains(group))
    }
}
