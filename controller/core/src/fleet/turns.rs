//! Who runs and who waits, for each right that one execution has at a time. The rows of `claims` decide; this is what memory believes of
//! them, so that two decisions of one controller never race for a row.

use crate::decide::{Ahead, Neighbour};
use crate::execution::ClaimKey;
use pulse_protocol::ExecutionId;
use std::collections::{BTreeMap, BTreeSet};

/// Rights and their queues, by the text of the claim.
#[derive(Debug, Default)]
pub(super) struct Turns {
    rights: BTreeMap<String, Right>,
    known: BTreeMap<ExecutionId, Known>,
}

#[derive(Debug, Default)]
struct Right {
    holder: Option<ExecutionId>,
    /// Who waits, the first one first, each with its place.
    queue: BTreeMap<Rank, u32>,
}

/// What is known of one execution.
#[derive(Debug, Default)]
struct Known {
    /// What people call it, `update#812`, and its number.
    name: Option<(String, i64)>,
    /// What it has; found from here, so that nobody walks all rights for one execution.
    turns: BTreeSet<Turn>,
}

/// An execution's rank in a queue. Numbers of a workflow only grow; ids follow a clock, which may be set back. One whose number is
/// not known yet comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    number: i64,
    execution: ExecutionId,
}

/// What a claim means here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

impl Right {
    /// Who waits for the longest.
    fn first(&self) -> Option<ExecutionId> {
        Some(self.queue.first_key_value()?.0.execution)
    }
}

impl Turns {
    /// What people call an execution, and its number among those of its workflow.
    pub(super) fn name(&mut self, execution: ExecutionId, name: String, number: i64) {
        let before = self.rank(execution);
        let known = self.known.entry(execution).or_default();
        known.name = Some((name, number));
        if before.number == number {
            return;
        }
        for turn in &known.turns {
            let Turn::Place(right, place) = turn else { continue };
            if let Some(right) = self.rights.get_mut(right) {
                right.queue.remove(&before);
                right.queue.insert(Rank { number, execution }, *place);
            }
        }
    }

    fn rank(&self, execution: ExecutionId) -> Rank {
        let number = self.known.get(&execution).and_then(|known| known.name.as_ref()).map_or(i64::MAX, |(_, number)| *number);
        Rank { number, execution }
    }

    /// Takes what is about to be written. A right that another one is believed to hold stays with it: the row decides, and says so
    /// then.
    pub(super) fn take(&mut self, execution: ExecutionId, turn: Turn) {
        let rank = self.rank(execution);
        let has = match &turn {
            Turn::Right(right) => *self.rights.entry(right.clone()).or_default().holder.get_or_insert(execution) == execution,
            Turn::Place(right, place) => {
                let before = self.rights.entry(right.clone()).or_default().queue.insert(rank, *place);
                let turns = self.known.get_mut(&execution).map(|known| &mut known.turns);
                if let (Some(before), Some(turns)) = (before, turns) {
                    turns.remove(&Turn::Place(right.clone(), before));
                }
                true
            }
        };
        if has {
            self.known.entry(execution).or_default().turns.insert(turn);
        }
    }

    /// Takes in what a row says, whoever was believed to hold the right.
    pub(super) fn believe(&mut self, execution: ExecutionId, turn: Turn) {
        if let Turn::Right(key) = &turn {
            let before = self.rights.get_mut(key).and_then(|right| right.holder.replace(execution));
            before.filter(|before| *before != execution).into_iter().for_each(|before| self.forget_turn(before, &turn));
        }
        self.take(execution, turn);
    }

    /// Lets go of a claim, if this execution has it; answers who may be next.
    pub(super) fn free(&mut self, execution: ExecutionId, turn: &Turn) -> Option<ExecutionId> {
        let next = self.let_go(execution, turn);
        // Also of one that never had it: it is over, or decides again and says its name again.
        self.forget_turn(execution, turn);
        next
    }

    fn let_go(&mut self, execution: ExecutionId, turn: &Turn) -> Option<ExecutionId> {
        let rank = self.rank(execution);
        let (Turn::Right(key) | Turn::Place(key, _)) = turn;
        let right = self.rights.get_mut(key)?;
        match turn {
            Turn::Right(_) if right.holder == Some(execution) => right.holder = None,
            Turn::Place(_, place) if right.queue.get(&rank) == Some(place) => drop(right.queue.remove(&rank)),
            _ => return None,
        }
        let next = right.first().filter(|_| right.holder.is_none());
        if right.holder.is_none() && right.queue.is_empty() {
            self.rights.remove(key);
        }
        next
    }

    /// Who may be next wherever nobody is believed to hold the right.
    pub(super) fn heads(&self) -> Vec<ExecutionId> {
        self.rights.values().filter(|right| right.holder.is_none()).filter_map(Right::first).collect()
    }

    /// Forgets everything that an execution was believed to have; answers who may be next.
    pub(super) fn disown(&mut self, execution: ExecutionId) -> BTreeSet<ExecutionId> {
        let had = self.known.get(&execution).map(|known| known.turns.clone()).unwrap_or_default();
        had.iter().filter_map(|turn| self.free(execution, turn)).collect()
    }

    /// An execution has this no more; once it has nothing, nobody asks for its name.
    fn forget_turn(&mut self, execution: ExecutionId, turn: &Turn) {
        let Some(known) = self.known.get_mut(&execution) else { return };
        known.turns.remove(turn);
        if known.turns.is_empty() {
            self.known.remove(&execution);
        }
    }

    /// What comes before an execution: who has the right, and who waits for longer.
    pub(super) fn ahead(&self, right: &ClaimKey, execution: ExecutionId) -> Option<Ahead> {
        let right = self.rights.get(&right.to_string())?;
        let holder = right.holder.filter(|holder| *holder != execution);
        let before = right.queue.range(..self.rank(execution));
        let last = before.clone().next_back().map(|(rank, _)| rank.execution);
        let first = holder.or_else(|| right.first().filter(|_| last.is_some()))?;
        let count = before.count() + usize::from(holder.is_some());
        let neighbour = last.filter(|last| *last != first);
        Some(Ahead {
            execution: first,
            name: self.name_of(first),
            begun: holder.is_some(),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            directly_behind: neighbour.map(|last| Neighbour { execution: last, name: self.name_of(last) }),
        })
    }

    fn name_of(&self, execution: ExecutionId) -> String {
        let name = self.known.get(&execution).and_then(|known| known.name.as_ref());
        name.map_or_else(|| execution.to_string(), |(name, _)| name.clone())
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

    /// Named as people know it, `update#1`.
    fn named(turns: &mut Turns, execution: ExecutionId, number: i64) {
        turns.name(execution, format!("update#{number}"), number);
    }
    /// The sentence's end for one that waits.
    fn behind(turns: &Turns, execution: ExecutionId) -> Option<String> {
        turns.ahead(&right(), execution).map(|ahead| ahead.to_string())
    }

    #[test]
    fn first_in_is_first_out_whatever_place_it_has_and_whatever_the_clock_said() {
        let mut turns = Turns::default();
        // The clock was set back between each two of them: the later the number, the earlier the id.
        for (execution, number) in [(id(9), 1), (id(8), 2), (id(7), 3), (id(6), 4)] {
            named(&mut turns, execution, number);
        }
        turns.take(id(9), held());
        assert_eq!(turns.free_place(&right(), 3), Some(0));
        turns.take(id(7), place(0));
        turns.take(id(8), place(1));
        turns.take(id(6), place(2));
        assert_eq!(turns.free_place(&right(), 3), None, "every place is taken");
        assert_eq!(behind(&turns, id(8)).as_deref(), Some("update#1, which has begun"));
        assert_eq!(behind(&turns, id(7)).as_deref(), Some("update#1, which has begun, and update#2"));
        let last = turns.ahead(&right(), id(6)).expect("it waits");
        assert_eq!((last.execution, last.begun, last.count), (id(9), true, 3));
        assert_eq!(last.directly_behind, Some(Neighbour { execution: id(7), name: "update#3".into() }));
        assert_eq!(last.to_string(), "update#1, which has begun, and 2 more; directly behind update#3");
        assert_eq!(turns.free(id(9), &held()), Some(id(8)), "the one with the smallest number is next");
        assert_eq!(behind(&turns, id(8)), None);
        assert_eq!(behind(&turns, id(7)).as_deref(), Some("update#2, which is next"));
        assert_eq!(behind(&turns, id(6)).as_deref(), Some("update#2, which is next, and update#3"));
    }

    #[test]
    fn one_whose_number_comes_later_finds_its_turn() {
        let mut turns = Turns::default();
        named(&mut turns, id(1), 2);
        turns.take(id(1), place(0));
        turns.take(id(2), place(1));
        assert_eq!((behind(&turns, id(1)), turns.heads()), (None, vec![id(1)]), "what is not known comes last");
        named(&mut turns, id(2), 1);
        assert_eq!((behind(&turns, id(2)), turns.heads()), (None, vec![id(2)]));
        assert_eq!(behind(&turns, id(1)).as_deref(), Some("update#1, which is next"));
        assert_eq!(turns.free(id(2), &place(1)), Some(id(1)));
        assert_eq!(turns.disown(id(1)), BTreeSet::new());
        assert!(turns.known.is_empty() && turns.rights.is_empty(), "{turns:?}");
    }

    #[test]
    fn who_begins_has_the_right_before_it_leaves_its_place() {
        let mut turns = Turns::default();
        (1..=2).for_each(|number| named(&mut turns, id(number), i64::try_from(number).expect("small")));
        turns.take(id(1), place(0));
        turns.take(id(2), place(1));
        turns.take(id(1), held());
        turns.believe(id(1), held());
        assert_eq!(behind(&turns, id(2)).as_deref(), Some("update#1, which has begun"));
        assert_eq!(turns.free(id(1), &place(0)), None, "the right is held");
        assert_eq!(behind(&turns, id(2)).as_deref(), Some("update#1, which has begun"));
        assert_eq!(turns.disown(id(1)), BTreeSet::from([id(2)]));
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
        named(&mut turns, id(1), 1);
        turns.take(id(1), held());
        turns.take(id(3), place(0));
        named(&mut turns, id(2), 2);
        turns.take(id(2), held());
        assert_eq!(behind(&turns, id(3)).as_deref(), Some("update#1, which has begun"));
        assert_eq!(turns.free(id(2), &held()), None, "it never had it");
        assert_eq!(behind(&turns, id(3)).as_deref(), Some("update#1, which has begun"));
        assert!(!turns.known.contains_key(&id(2)), "nobody asks for the name of one that is refused");
        assert!(turns.heads().is_empty(), "the right is held");
        assert_eq!(turns.free(id(1), &held()), Some(id(3)), "who waits is told");
        assert!(!turns.known.contains_key(&id(1)));
        assert_eq!(turns.heads(), [id(3)]);
    }

    #[test]
    fn a_row_is_believed_before_memory() {
        let mut turns = Turns::default();
        named(&mut turns, id(1), 1);
        turns.take(id(1), held());
        turns.believe(id(2), held());
        assert_eq!(turns.ahead(&right(), id(3)).map(|ahead| ahead.execution), Some(id(2)));
        assert!(!turns.known.contains_key(&id(1)));
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
