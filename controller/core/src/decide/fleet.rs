//! What decisions see of agents: presence, slots, values.

use crate::time::Timestamp;
use crate::values::AgentValue;
use crd_schemas::Duration;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{BootId, Incarnation};

/// Without a heartbeat for so long, an agent is offline; until then it is a blip.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(30);

/// One agent.
#[derive(Debug, Clone)]
pub struct AgentView {
    /// Is it there?
    pub presence: Presence,
    /// Last word of it, or the controller's own start if that is later: time without a controller does not count.
    pub last_seen: Timestamp,
    /// The boot of its host, as it said last.
    pub boot: Option<BootId>,
    /// Commands side by side.
    pub slots: u32,
    /// Slots that are taken.
    pub taken: std::collections::BTreeSet<u32>,
    /// What `{{ agent.… }}` sees.
    pub value: AgentValue,
}

/// Is an agent there?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// A session is open and its full picture is taken in.
    Connected(Incarnation),
    /// No session.
    Disconnected,
    /// A session is open that gets no work, with the reason.
    Quarantined(String),
    /// It must not come back.
    Revoked,
}

/// What can be done with an agent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Work may be sent: this slot, this journal.
    Ready { slot: u32, incarnation: Incarnation },
    /// Every slot is taken.
    Busy { slots: u32 },
    /// Not there, for less than [`OFFLINE_AFTER`].
    Blip { offline_at: Timestamp },
    /// Not there.
    Offline { since: Timestamp },
    /// There, but quarantined.
    Quarantined { reason: String },
    /// Never to come back.
    Gone,
}

impl AgentView {
    pub(super) fn offline_at(&self) -> Timestamp {
        self.last_seen.plus(OFFLINE_AFTER)
    }

    pub(super) fn is_offline(&self, now: Timestamp) -> bool {
        now >= self.offline_at()
    }

    /// A session is open and alive.
    pub fn is_present(&self, now: Timestamp) -> bool {
        matches!(self.presence, Presence::Connected(_)) && !self.is_offline(now)
    }

    pub(super) fn readiness(&self, now: Timestamp) -> Readiness {
        match &self.presence {
            Presence::Revoked => Readiness::Gone,
            Presence::Quarantined(reason) => Readiness::Quarantined { reason: reason.clone() },
            _ if self.is_offline(now) => Readiness::Offline { since: self.last_seen },
            Presence::Disconnected => Readiness::Blip { offline_at: self.offline_at() },
            Presence::Connected(incarnation) => {
                match (0..self.slots).find(|slot| !self.taken.contains(slot) || planted::is(Bug::ClaimTwice)) {
                    Some(slot) => Readiness::Ready { slot, incarnation: *incarnation },
                    None => Readiness::Busy { slots: self.slots },
                }
            }
        }
    }
}
