//! Who runs and who waits, for each right that one execution has at a time. The rows of `claims` decide; this is what memory believes of
//! them, so that two decisions of one controller never race for a row.

use crate::decide::Ahead;
use crate::execution::ClaimKey;
use pulse_protocol::ExecutionId;
use std::collections::{BTreeMap, BTreeSet};

/// Rights and their queues, by the text of the claim.
#[derive(Debug, Default)]
pub(super) struct Turns {
    rights: BTreeMap<String, Right>,
    /// What people call an execution, `update#812`.
    names: BTreeMap<ExecutionId, String>,
}

#[derive(Debug, Default)]
struct Right {
    holder: Option<ExecutionId>,
    /// Who waits, the oldest first, each with its place.
    queue: BTreeMap<ExecutionId, u32>,
}

/// What a claim means here.
pub(super) enum Turn {
    /// The right itself.
    Right(String),
    /// A place in the queue for it.
    Place(String, u32),
}

impl Turn {
    pub(super) fn of(claim: &ClaimKey) -> Option<Self> {
        match claim {
            ClaimKey::Slot { .. } => None,
            ClaimKey::Workflow { .. } | ClaimKey::Place { .. } => Self::parse(&claim.to_string()),
        }
    }

    /// From a row's key.
    pub(super) fn parse(key: &str) -> Option<Self> {
        if key.starts_with("workflow/") {
            return Some(Self::Right(key.to_owned()));
        }
        let (of, place) = key.strip_prefix("queue/")?.rsplit_once('/')?;
        Some(Self::Place(format!("workflow/{of}"), place.parse().ok()?))
    }
}

impl Turns {
    pub(super) fn name(&mut self, execution: ExecutionId, name: String) {
        self.names.insert(execution, name);
    }

    /// Takes what is about to be written. A right that another one is believed to hold stays with it: the row decides, and says so
    /// then.
    pub(super) fn take(&mut self, execution: ExecutionId, turn: Turn) {
        match turn {
            Turn::Right(right) => drop(self.rights.entry(right).or_default().holder.get_or_insert(execution)),
            Turn::Place(right, place) => drop(self.rights.entry(right).or_default().queue.insert(execution, place)),
        }
    }

    /// Takes in what a row says, whoever was believed to hold the right.
    pub(super) fn believe(&mut self, execution: ExecutionId, turn: Turn) {
        match turn {
            Turn::Right(right) => {
                let before = self.rights.entry(right).or_default().holder.replace(execution);
                before.into_iter().for_each(|before| self.forget_name(before));
            }
            place @ Turn::Place(..) => self.take(execution, place),
        }
    }

    /// Lets go of a claim, if this execution has it; answers who may be next.
    pub(super) fn free(&mut self, execution: ExecutionId, turn: &Turn) -> Option<ExecutionId> {
        let next = self.let_go(execution, turn);
        // Also of one that never had it: it is over, or decides again and says its name again.
        self.forget_name(execution);
        next
    }

    fn let_go(&mut self, execution: ExecutionId, turn: &Turn) -> Option<ExecutionId> {
        let (Turn::Right(key) | Turn::Place(key, _)) = turn;
        let right = self.rights.get_mut(key)?;
        match turn {
            Turn::Right(_) if right.holder == Some(execution) => right.holder = None,
            Turn::Place(_, place) if right.queue.get(&execution) == Some(place) => drop(right.queue.remove(&execution)),
            _ => return None,
        }
        let next = right.queue.keys().next().copied().filter(|_| right.holder.is_none());
        if right.holder.is_none() && right.queue.is_empty() {
            self.rights.remove(key);
        }
        next
    }

    /// Who may be next wherever nobody is believed to hold the right.
    pub(super) fn heads(&self) -> Vec<ExecutionId> {
        let free = self.rights.values().filter(|right| right.holder.is_none());
        free.filter_map(|right| right.queue.keys().next().copied()).collect()
    }

    /// Forgets everything that an execution was believed to have; answers who may be next.
    pub(super) fn disown(&mut self, execution: ExecutionId) -> BTreeSet<ExecutionId> {
        let mut had = Vec::new();
        for (key, right) in &self.rights {
            if right.holder == Some(execution) {
                had.push(Turn::Right(key.clone()));
            }
            if let Some(place) = right.queue.get(&execution) {
                had.push(Turn::Place(key.clone(), *place));
            }
        }
        had.iter().filter_map(|turn| self.free(execution, turn)).collect()
    }

    fn forget_name(&mut self, execution: ExecutionId) {
        let has = |right: &Right| right.holder == Some(execution) || right.queue.contains_key(&execution);
        if !self.rights.values().any(has) {
            self.names.remove(&execution);
        }
    }

    /// What comes before an execution: who has the right, and who waits for longer.
    pub(super) fn ahead(&self, right: &ClaimKey, execution: ExecutionId) -> Option<Ahead> {
        let right = self.rights.get(&right.to_string())?;
        let holder = right.holder.filter(|holder| *holder != execution);
        let waiting = right.queue.range(..execution).count();
        let first = holder.or_else(|| right.queue.keys().next().copied().filter(|first| *first < execution))?;
        let count = u32::try_from(waiting + usize::from(holder.is_some())).unwrap_or(u32::MAX);
        Some(Ahead { execution: first, name: self.name_of(first), count })
    }

    fn name_of(&self, execution: ExecutionId) -> String {
        self.names.get(&execution).cloned().unwrap_or_else(|| execution.to_string())
    }

    /// A free place in the queue, if fewer than `most` wait.
    pub(super) fn free_place(&self, right: &ClaimKey, most: u32) -> Option<u32> {
        let Some(right) = self.rights.get(&right.to_string()) else { return Some(0) };
        let taken: BTreeSet<u32> = right.queue.values().copied().collect();
        (0..most).find(|place| !taken.contains(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> ExecutionId {
        ExecutionId(Uuid::from_u128(number))
    }
    fn right() -> ClaimKey {
        ClaimKey::Workflow { source: "main".into(), name: "update".into(), key: None }
    }
    fn place(place: u32) -> Turn {
        Turn::of(&ClaimKey::Place { source: "main".into(), name: "update".into(), key: None, place }).expect("a turn")
    }
    fn held() -> Turn {
        Turn::of(&right()).expect("a turn")
    }

    #[test]
    fn first_in_is_first_out_whatever_place_it_has() {
        let mut turns = Turns::default();
        turns.name(id(1), "update#1".into());
        turns.take(id(1), held());
        assert_eq!(turns.free_place(&right(), 2), Some(0));
        turns.take(id(3), place(0));
        turns.take(id(2), place(1));
        assert_eq!(turns.free_place(&right(), 2), None, "both places are taken");
        assert_eq!(turns.ahead(&right(), id(2)), Some(Ahead { execution: id(1), name: "update#1".into(), count: 1 }));
        assert_eq!(turns.ahead(&right(), id(3)), Some(Ahead { execution: id(1), name: "update#1".into(), count: 2 }));
        assert_eq!(turns.free(id(1), &held()), Some(id(2)), "the oldest is next");
        assert_eq!(turns.ahead(&right(), id(2)), None);
        assert_eq!(turns.ahead(&right(), id(3)).map(|ahead| (ahead.execution, ahead.count)), Some((id(2), 1)));
    }

    #[test]
    fn who_goes_away_while_waiting_leaves_its_place() {
        let mut turns = Turns::default();
        turns.take(id(1), held());
        turns.take(id(2), place(0));
        turns.take(id(3), place(1));
        assert!(turns.disown(id(2)).is_empty(), "the right is not free");
        assert_eq!(turns.free_place(&right(), 2), Some(0));
        assert_eq!(turns.free(id(2), &place(0)), None, "it has no place any more");
        assert_eq!(turns.disown(id(1)), BTreeSet::from([id(3)]));
    }

    #[test]
    fn who_comes_second_does_not_take_the_right_from_its_holder() {
        let mut turns = Turns::default();
        turns.name(id(1), "update#1".into());
        turns.take(id(1), held());
        turns.take(id(3), place(0));
        turns.name(id(2), "update#2".into());
        turns.take(id(2), held());
        let behind = Some(Ahead { execution: id(1), name: "update#1".into(), count: 1 });
        assert_eq!(turns.ahead(&right(), id(3)), behind);
        assert_eq!(turns.free(id(2), &held()), None, "it never had it");
        assert_eq!(turns.ahead(&right(), id(3)), behind);
        assert!(!turns.names.contains_key(&id(2)), "nobody asks for the name of one that is refused");
        assert!(turns.heads().is_empty(), "the right is held");
        assert_eq!(turns.free(id(1), &held()), Some(id(3)), "who waits is told");
        assert!(turns.names.is_empty());
        assert_eq!(turns.heads(), [id(3)]);
    }

    #[test]
    fn a_row_is_believed_before_memory() {
        let mut turns = Turns::default();
        turns.name(id(1), "update#1".into());
        turns.take(id(1), held());
        turns.believe(id(2), held());
        assert_eq!(turns.ahead(&right(), id(3)).map(|ahead| ahead.execution), Some(id(2)));
        assert!(turns.names.is_empty());
    }

    #[test]
    fn keys_of_rows_are_read_back() {
        let keyed = ClaimKey::Place { source: "main".into(), name: "update".into(), key: Some("eu/west".into()), place: 12 };
        let Some(Turn::Place(right, 12)) = Turn::parse(&keyed.to_string()) else { panic!("a place") };
        let own = ClaimKey::Workflow { source: "main".into(), name: "update".into(), key: Some("eu/west".into()) };
        assert_eq!(right, own.to_string());
        assert!(Turn::parse("slot/web1/0").is_none() && Turn::parse("queue/main/update/x").is_none());
    }
}
