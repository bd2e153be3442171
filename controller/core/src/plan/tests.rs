//! The diff, its display and its guard.

use super::*;

fn live(kind: Kind, name: &str, digest: &str, retired: bool) -> LiveObject {
    LiveObject { kind, name: name.into(), digest: digest.into(), path: String::new(), retired, unreadable: false, generation: 4 }
}

fn wanted(kind: Kind, name: &str, digest: &str) -> WantedObject {
    WantedObject { kind, name: name.into(), digest: digest.into(), path: format!("ops/{name}.yaml") }
}

#[test]
fn a_plan_says_what_would_change() {
    let now = [
        live(Kind::Workflow, "same", "aaaaaaaaaaaa", false),
        live(Kind::Workflow, "edited", "bbbbbbbbbbbb", false),
        live(Kind::Agent, "edited", "cccccccccccc", false),
        live(Kind::Workflow, "gone", "dddddddddddd", false),
        live(Kind::Workflow, "long-gone", "eeeeeeeeeeee", true),
        live(Kind::AgentGroup, "back", "ffffffffffff", true),
    ];
    let then = [
        wanted(Kind::Workflow, "new", "111111111111"),
        wanted(Kind::Workflow, "edited", "222222222222"),
        wanted(Kind::Workflow, "same", "aaaaaaaaaaaa"),
        wanted(Kind::AgentGroup, "back", "ffffffffffff"),
        wanted(Kind::Agent, "edited", "cccccccccccc"),
    ];
    let plan = Plan::between(&now, &then);
    insta::assert_snapshot!(plan);
    let generations: Vec<_> =
        plan.create.iter().chain(&plan.update).chain(&plan.unchanged).map(|c| (c.name.as_str(), c.generation)).collect();
    assert_eq!(generations, [("new", 1), ("back", 5), ("edited", 5), ("same", 4), ("edited", 4)]);
    let mut turned = then.to_vec();
    turned.reverse();
    assert_eq!(Plan::between(&now, &turned).digest(), plan.digest(), "the order of files is no change");
    assert_ne!(Plan::between(&now, &then[1..]).digest(), plan.digest());
}

#[test]
fn what_is_live_and_wanted_alike_is_an_empty_plan() {
    let plan = Plan::between(&[live(Kind::Agent, "a", "1", false)], &[wanted(Kind::Agent, "a", "1")]);
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "Nothing to change: 1 unchanged.");
}

#[test]
fn a_large_retirement_waits_for_a_person() {
    for (of, gone, held) in [(4, 3, false), (4, 4, true), (40, 4, false), (39, 4, true), (41, 5, true), (3, 3, false)] {
        let now: Vec<_> = (0..of).map(|n| live(Kind::Workflow, &format!("w{n}"), "1", false)).collect();
        let then: Vec<_> = (gone..of).map(|n| wanted(Kind::Workflow, &format!("w{n}"), "1")).collect();
        let plan = Plan::between(&now, &then);
        assert_eq!(plan.needs_confirmation(), held, "{gone} of {of}");
        assert_eq!(plan.to_string().contains("a person must confirm"), held);
    }
}

#[test]
fn what_cannot_be_read_is_written_anew_or_retired_and_counts_as_live() {
    let unreadable = |name: &str| LiveObject { unreadable: true, ..live(Kind::Schedule, name, "1", false) };
    let now = [unreadable("same"), unreadable("edited"), unreadable("gone"), live(Kind::Schedule, "fine", "1", false)];
    let then = ["same", "fine"].map(|name| wanted(Kind::Schedule, name, "1"));
    let plan = Plan::between(&now, &[then.as_slice(), &[wanted(Kind::Schedule, "edited", "2")]].concat());
    let said = |changes: &[Change]| changes.iter().map(|c| (c.name.clone(), c.generation)).collect::<Vec<_>>();
    assert_eq!((said(&plan.create), said(&plan.unchanged)), (vec![], vec![("fine".to_owned(), 4)]));
    assert_eq!(said(&plan.update), [("edited".to_owned(), 5), ("same".to_owned(), 5)]);
    assert_eq!(said(&plan.retire), [("gone".to_owned(), 5)]);
    // A person is asked before many of them go, as of any others.
    let many: Vec<_> = (0..5).map(|n| unreadable(&format!("s{n}"))).collect();
    assert!(Plan::between(&many, &[]).needs_confirmation());
    let back = LiveObject { retired: true, ..unreadable("same") };
    assert_eq!(said(&Plan::between([&back], &then[..1]).create), [("same".to_owned(), 5)], "a retired one comes back as ever");
}
