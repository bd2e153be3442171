//! What is known and told of agents.

use super::*;
use pulse_protocol::Incarnation;

const START: Timestamp = Timestamp(1_700_000_000_000_000);

fn after(seconds: i64) -> Timestamp {
    Timestamp(START.0 + seconds * 1_000_000)
}

fn name(text: &str) -> AgentName {
    text.parse().unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn fleet_of(names: &[&str]) -> Fleet<()> {
    let mut fleet = Fleet::default();
    for text in names {
        let labels = Enrolled::labels(map(&[("os", "linux")]), map(&[("pool", "web")]));
        let facts = Arc::new(map(&[("cpus", "4")]));
        fleet.enrol(&name(text), Enrolled { labels, facts, slots: 5, ..Enrolled::default() }, false, START);
    }
    fleet
}

#[test]
fn each_change_of_a_state_is_told_once() {
    let mut fleet = fleet_of(&["a", "b"]);
    let stale = |text: &str| (name(text), AgentState::Stale);
    assert_eq!(fleet.changed_states(after(1)), [stale("a"), stale("b")]);
    assert_eq!(fleet.changed_states(after(2)), []);
    fleet.open_session(&name("b"), Epoch(7), (), after(3));
    fleet.connected(&name("b"), Epoch(7), Incarnation(uuid::Uuid::nil()));
    assert_eq!(fleet.changed_states(after(3)), [(name("b"), AgentState::Online)]);
    // Its row was read again: what listeners know of it does not begin anew.
    fleet.enrol(&name("a"), Enrolled::default(), false, START);
    assert_eq!(fleet.changed_states(after(4)), []);
    fleet.beat(&name("b"), Epoch(7), Vitals::default(), after(20));
    assert_eq!(fleet.changed_states(after(31)), [(name("a"), AgentState::Offline)]);
    // Of an older session: it says nothing.
    fleet.beat(&name("b"), Epoch(6), Vitals::default(), after(45));
    assert_eq!(fleet.changed_states(after(51)), [(name("b"), AgentState::Offline)]);
}

#[test]
fn a_manifest_adds_to_what_an_agent_says_of_itself_while_it_is_there() {
    let mut fleet = fleet_of(&["a"]);
    let own = map(&[("pool", "web"), ("self/os", "linux")]);
    let of_a = |fleet: &Fleet<()>| fleet.agent(&name("a")).map(|view| (view.slots, view.value.clone())).unwrap();
    let (slots, value) = of_a(&fleet);
    assert_eq!((slots, &*value.labels, &value.vars, &*value.facts), (5, &own, &BTreeMap::new(), &map(&[("cpus", "4")])));
    let (labels, vars) = (map(&[("pool", "db"), ("rack", "7")]), map(&[("port", "80")]));
    fleet.declare([(name("a"), Some(Declared { labels, vars: vars.clone(), slots: Some(9) }))].into());
    let (slots, value) = of_a(&fleet);
    assert_eq!((slots, &value.vars, &*value.facts), (9, &vars, &map(&[("cpus", "4")])));
    assert_eq!(*value.labels, map(&[("pool", "db"), ("rack", "7"), ("self/os", "linux")]));
    fleet.declare([(name("a"), None)].into());
    let (slots, value) = of_a(&fleet);
    assert_eq!((slots, &*value.labels, &value.vars), (5, &own, &BTreeMap::new()));
}
