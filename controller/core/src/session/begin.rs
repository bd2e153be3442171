//! May a session begin? The store asks this and writes in one compare-and-set; a copied or restored disk is caught here.

use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{Epoch, Incarnation};

/// What is known of the agent whose name is said.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its key.
    pub public_key: &'a str,
    /// Its last session.
    pub epoch: Epoch,
    /// The journal of its last session; absent before the first.
    pub incarnation: Option<Incarnation>,
    /// The highest sequence that was heard of that journal.
    pub sequence: u64,
    /// It must not come back.
    pub revoked: bool,
    /// Why it is in quarantine, if it is.
    pub quarantine: Option<&'a str>,
}

/// What the one who comes says and has proven.
#[derive(Debug, Clone, Copy)]
pub struct Coming<'a> {
    /// The key that its signature was checked with.
    pub public_key: &'a str,
    /// The epoch that was seen when it was let in.
    pub seen_epoch: Epoch,
    /// Its journal.
    pub incarnation: Incarnation,
    /// The journal's last sequence.
    pub sequence: u64,
    /// It has answered a ping since it said all this. Without that its word may have been under way for long, and somebody else may have
    /// come in its place meanwhile.
    pub alive: bool,
}

/// Why a session does not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barred {
    /// No agent of this name has this key.
    Unknown,
    /// It was revoked.
    Revoked,
    /// It is in quarantine, with the reason.
    Quarantined(String),
    /// Its journal is another one than that of the last session, or is not as far: find out whether it lives, and ask again.
    Doubtful,
    /// Its journal has forgotten what it had already said, so its word is no proof any more: quarantine it.
    SequenceWentBack {
        /// The highest sequence that was heard.
        stored: u64,
        /// The sequence it came with.
        said: u64,
    },
    /// Another session began meanwhile.
    Superseded,
}

/// The epoch of the session, if it may begin.
pub fn may_begin(known: Option<Known<'_>>, coming: &Coming<'_>) -> Result<Epoch, Barred> {
    let Some(known) = known.filter(|known| known.public_key == coming.public_key) else { return Err(Barred::Unknown) };
    if known.revoked {
        return Err(Barred::Revoked);
    }
    if let Some(reason) = known.quarantine {
        return Err(Barred::Quarantined(reason.to_owned()));
    }
    let same = known.incarnation == Some(coming.incarnation);
    let went_back = same && known.sequence > coming.sequence;
    if (went_back || !same && known.incarnation.is_some()) && !coming.alive {
        return Err(Barred::Doubtful);
    }
    if went_back && !planted::is(Bug::SequenceIgnored) {
        return Err(Barred::SequenceWentBack { stored: known.sequence, said: coming.sequence });
    }
    if known.epoch != coming.seen_epoch {
        return Err(Barred::Superseded);
    }
    Ok(Epoch(known.epoch.0.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const FIRST: Incarnation = Incarnation(Uuid::from_u128(1));
    const OTHER: Incarnation = Incarnation(Uuid::from_u128(2));

    fn known() -> Known<'static> {
        let (incarnation, sequence) = (Some(FIRST), 7);
        Known { public_key: "k", epoch: Epoch(4), incarnation, sequence, revoked: false, quarantine: None }
    }
    fn coming() -> Coming<'static> {
        Coming { public_key: "k", seen_epoch: Epoch(4), incarnation: FIRST, sequence: 7, alive: false }
    }

    #[test]
    fn the_epoch_rises_for_a_journal_that_went_on_or_is_a_new_one() {
        assert_eq!(may_begin(Some(known()), &coming()), Ok(Epoch(5)));
        assert_eq!(may_begin(Some(Known { incarnation: None, ..known() }), &coming()), Ok(Epoch(5)));
        let fresh = Coming { incarnation: OTHER, sequence: 0, alive: true, ..coming() };
        assert_eq!(may_begin(Some(known()), &fresh), Ok(Epoch(5)));
    }

    #[test]
    fn a_word_that_may_have_been_under_way_for_long_proves_nothing() {
        for coming in [Coming { sequence: 6, ..coming() }, Coming { incarnation: OTHER, ..coming() }] {
            assert_eq!(may_begin(Some(known()), &coming), Err(Barred::Doubtful));
        }
    }

    #[test]
    fn everything_else_is_barred_for_its_own_reason() {
        let back = Coming { sequence: 6, alive: true, ..coming() };
        assert_eq!(may_begin(Some(known()), &back), Err(Barred::SequenceWentBack { stored: 7, said: 6 }));
        let late = Coming { seen_epoch: Epoch(3), ..coming() };
        assert_eq!(may_begin(Some(known()), &late), Err(Barred::Superseded));
        assert_eq!(may_begin(None, &coming()), Err(Barred::Unknown));
        assert_eq!(may_begin(Some(Known { public_key: "x", ..known() }), &coming()), Err(Barred::Unknown));
        assert_eq!(may_begin(Some(Known { revoked: true, ..known() }), &back), Err(Barred::Revoked));
        let held = Known { quarantine: Some("cloned"), ..known() };
        assert_eq!(may_begin(Some(held), &coming()), Err(Barred::Quarantined("cloned".into())));
    }
}
