//! The closed sets of words that say how a source stands.

/// Why a source cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceReason {
    /// Nobody answers there: name, network, TLS, the folder is gone.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// The user, token or key is refused.
    Unauthorized,
    /// The host's key or certificate is not the one that is expected.
    HostUntrusted,
    /// There is no such repository.
    RepositoryMissing,
    /// The branch does not exist, or does not exist any more.
    BranchMissing,
    /// The path does not exist in the commit.
    PathMissing,
    /// What came is damaged, or no repository.
    Corrupt,
    /// It is larger than the bounds.
    TooLarge,
    /// It changes faster than it can be read.
    Restless,
    /// This machine: no space, no permission.
    Local,
}

/// Why a sync ended as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyncReason {
    /// The commit is live, and it changed something.
    Applied,
    /// The commit is live, and said what was live already.
    Unchanged,
    /// The commit has errors.
    InvalidManifests,
    /// It would retire so much that a person must confirm it.
    Held,
    /// The source cannot be looked at.
    Source(SourceReason),
    /// The controller could not do its part: its database or itself.
    Internal,
}

/// Why a condition is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionReason {
    /// No look has ended yet.
    NeverSynced,
    /// What the last sync said.
    Sync(SyncReason),
    /// A look is under way.
    Progressing,
    /// The last look failed, and it is tried again.
    Retrying,
}

impl SourceReason {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::Unauthorized,
        Self::HostUntrusted,
        Self::RepositoryMissing,
        Self::BranchMissing,
        Self::PathMissing,
        Self::Corrupt,
        Self::TooLarge,
        Self::Restless,
        Self::Local,
    ];

    /// The word in API, conditions and database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::Unauthorized => "Unauthorized",
            Self::HostUntrusted => "HostUntrusted",
            Self::RepositoryMissing => "RepositoryMissing",
            Self::BranchMissing => "BranchMissing",
            Self::PathMissing => "PathMissing",
            Self::Corrupt => "Corrupt",
            Self::TooLarge => "TooLarge",
            Self::Restless => "Restless",
            Self::Local => "Local",
        }
    }

    /// Only a person can mend it; trying again soon helps nobody.
    pub const fn is_stalled(self) -> bool {
        !matches!(self, Self::Unreachable | Self::TimedOut | Self::Restless)
    }
}

impl SyncReason {
    /// Those that are no [`SourceReason`].
    pub(super) const OWN: [Self; 5] = [Self::Applied, Self::Unchanged, Self::InvalidManifests, Self::Held, Self::Internal];

    /// The word in API, conditions and database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Unchanged => "Unchanged",
            Self::InvalidManifests => "InvalidManifests",
            Self::Held => "Held",
            Self::Source(reason) => reason.as_str(),
            Self::Internal => "Internal",
        }
    }

    /// The reason of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        let mut all = Self::OWN.into_iter().chain(SourceReason::ALL.map(Self::Source));
        all.find(|reason| reason.as_str() == word)
    }

    /// What the source holds is live.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Applied | Self::Unchanged)
    }

    /// Another look may end better by itself, without another commit and without a person.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Source(_) | Self::Internal)
    }

    /// Nothing changes until a person does something.
    pub const fn is_stalled(self) -> bool {
        match self {
            Self::InvalidManifests | Self::Held => true,
            Self::Source(reason) => reason.is_stalled(),
            Self::Applied | Self::Unchanged | Self::Internal => false,
        }
    }
}

impl ConditionReason {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverSynced => "NeverSynced",
            Self::Sync(reason) => reason.as_str(),
            Self::Progressing => "Progressing",
            Self::Retrying => "Retrying",
        }
    }
}
