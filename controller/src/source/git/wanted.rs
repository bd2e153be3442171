//! Which commit is wanted, and which one that is on a remote.

use super::Remote;
use super::advert::Advert;
use super::fail::fail;
use crate::source::tree::{SourceError, SourceReason};
use git2::{Oid, Reference, Repository};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The head of the source's branch.
    Branch,
    /// A branch, a tag, a full reference or a commit's id.
    Named(String),
}

impl Wanted {
    /// A reference as people write it.
    pub(super) fn named(text: &str) -> Result<Self, SourceError> {
        let name = format!("refs/heads/{text}");
        if text.starts_with('-') || !Reference::is_valid_name(&name) {
            let message = format!("`{}` is no name of a branch, tag or commit", text.escape_debug());
            return Err(fail(SourceReason::BranchMissing, message));
        }
        Ok(Self::Named(text.to_owned()))
    }

    /// Which commit that is on a remote that has said what it has.
    pub(super) fn on(&self, advert: &Advert, remote: &Remote) -> Result<Oid, SourceError> {
        self.names(remote).iter().find_map(|name| advert.find(name)).or_else(|| self.id()).ok_or_else(|| {
            let others = Others { empty: advert.is_empty(), default: advert.default_branch(), branches: advert.branches() };
            self.missing(remote, &others)
        })
    }

    /// Which commit that is in a repository of this machine.
    pub(super) fn within(&self, repository: &Repository, remote: &Remote) -> Result<Oid, SourceError> {
        let found = self.names(remote).iter().find_map(|name| repository.refname_to_id(name).ok());
        found.or_else(|| self.id()).ok_or_else(|| {
            let names = repository.references_glob("refs/heads/*").into_iter().flatten().filter_map(Result::ok);
            let mut names: Vec<_> = names.filter_map(|name| name.shorthand().map(|name| format!("`{name}`")).ok()).collect();
            let empty = names.is_empty();
            names.truncate(10);
            self.missing(remote, &Others { empty, default: None, branches: names.join(", ") })
        })
    }

    fn names(&self, remote: &Remote) -> Vec<String> {
        match self {
            Self::Branch => vec![format!("refs/heads/{}", remote.branch)],
            Self::Named(name) if name.starts_with("refs/") || name == "HEAD" => vec![name.clone()],
            Self::Named(name) => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
        }
    }

    /// A whole id.
    fn id(&self) -> Option<Oid> {
        match self {
            Self::Named(name) if name.len() == 40 => Oid::from_str(name).ok(),
            _ => None,
        }
    }

    fn missing(&self, remote: &Remote, others: &Others<'_>) -> SourceError {
        let at = &remote.location;
        let message = match self {
            Self::Named(name) => {
                format!("{at} has no branch and no tag `{name}`; a commit is named by its whole id of 40 hex digits")
            }
            Self::Branch if others.empty => format!("{at} is empty; push the branch `{}`", remote.branch),
            Self::Branch => {
                let default = others.default.map_or(String::new(), |name| format!(", by default `{name}`"));
                let (branch, branches) = (&remote.branch, remote.said(&others.branches));
                format!("{at} has no branch `{branch}`; it has {branches}{default}; push the branch, or set PULSE_SOURCE_BRANCH")
            }
        };
        fail(SourceReason::BranchMissing, message)
    }
}

/// What there is instead.
struct Others<'a> {
    empty: bool,
    default: Option<&'a str>,
    branches: String,
}
