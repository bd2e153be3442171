//! What a pause does to slots: those that come due while it holds are skipped, and never caught up.

use crate::bench::{Bench, at, pause, schedule};
use pulse_core::schedule::Waiting;
use serde_json::json;

const START: &str = "2026-11-21T12:00Z";

fn started(spec: serde_json::Value) -> Bench {
    let mut bench = Bench::new(schedule(spec), at(START));
    bench.settle(at(START));
    bench
}

#[test]
fn what_comes_due_while_it_holds_is_skipped_and_what_comes_after_fires() {
    for catch_up in ["none", "latest", "all"] {
        let mut bench = started(json!({"cron": "0 * * * *", "catchUp": catch_up}));
        bench.world.pauses = vec![pause("schedule/nightly", at("2026-11-21T12:30Z"), None)];
        bench.settle(at("2026-11-21T12:30Z"));
        let waits = bench.last.clone().expect("a decision").waiting;
        assert!(matches!(waits, Waiting::Paused { .. }), "{waits}");
        assert_eq!(
            waits.to_string(),
            "the next slot, 2026-11-21T13:00:00Z, which is skipped: paused (schedule/nightly) by anna: a freeze"
        );
        bench.run(at("2026-11-21T12:30Z"), at("2026-11-21T14:30Z"), true);
        bench.world.pauses.clear();
        bench.run(at("2026-11-21T14:30Z"), at("2026-11-21T15:00Z"), true);
        let said = bench.said();
        let wanted = "2026-11-21T13:00:00Z skipped paused: paused (schedule/nightly) by anna: a freeze\n\
            2026-11-21T14:00:00Z skipped paused: paused (schedule/nightly) by anna: a freeze\n2026-11-21T15:00:00Z fired\n";
        assert_eq!(said, wanted, "catchUp: {catch_up}");
        assert!(bench.schedule.continues(&bench.rows[0], &bench.rows[1]), "one record holds both");
    }
}

#[test]
fn one_that_ended_by_itself_while_nobody_looked_has_held_its_slots() {
    let pauses = vec![pause("all", at("2026-11-21T12:30Z"), Some(at("2026-11-21T15:00Z")))];
    let mut bench = started(json!({"cron": "0 * * * *", "catchUp": "all", "startingDeadline": "10m"}));
    bench.world.pauses.clone_from(&pauses);
    bench.world.steady_since = at("2026-11-21T16:30Z");
    bench.run(at("2026-11-21T16:30Z"), at("2026-11-21T16:40Z"), true);
    insta::assert_snapshot!(bench.said(), @r"
    2026-11-21T13:00:00Z skipped paused: paused (all) by anna: a freeze
    2026-11-21T14:00:00Z skipped paused: paused (all) by anna: a freeze
    2026-11-21T15:00:00Z fired
    2026-11-21T16:00:00Z fired
    ");
    let slots: Vec<_> = bench.fires.iter().map(|(_, slot, _)| *slot).collect();
    assert_eq!(slots, [at("2026-11-21T15:00Z"), at("2026-11-21T16:00Z")], "it is over at its very end");
}

#[test]
fn whose_turn_to_catch_up_comes_while_it_holds_is_skipped_too() {
    let mut bench = started(json!({"cron": "0 * * * *", "catchUp": "latest", "startingDeadline": "10m"}));
    bench.world.steady_since = at("2026-11-21T13:30Z");
    bench.settle(at("2026-11-21T13:30Z"));
    assert!(matches!(bench.last.clone().expect("a decision").waiting, Waiting::CatchUp { .. }), "spread");
    bench.world.pauses = vec![pause("all", at("2026-11-21T13:30Z"), None)];
    bench.settle(at("2026-11-21T13:30Z"));
    bench.world.pauses.clear();
    bench.run(at("2026-11-21T13:31Z"), at("2026-11-21T13:59Z"), true);
    assert_eq!(bench.said(), "2026-11-21T13:00:00Z skipped paused: paused (all) by anna: a freeze\n");
}

#[test]
fn an_execution_that_is_being_replaced_is_not_waited_for() {
    let mut bench = started(json!({"cron": "0 * * * *", "concurrencyPolicy": "Replace"}));
    bench.settle(at("2026-11-21T13:00Z"));
    bench.settle(at("2026-11-21T14:00Z"));
    bench.world.pauses = vec![pause("schedule/nightly", at("2026-11-21T14:00Z"), None)];
    bench.settle(at("2026-11-21T14:01Z"));
    bench.finish();
    bench.settle(at("2026-11-21T14:02Z"));
    assert_eq!(bench.fires.len(), 1, "what it was replaced for starts nothing");
    assert!(bench.said().ends_with("2026-11-21T14:00:00Z skipped paused: paused (schedule/nightly) by anna: a freeze\n"));
}

#[test]
fn scopes_name_schedules_by_name_and_label_and_suspend_stays_what_it_is() {
    let fires = |scope: &str, labels: &[(&str, &str)]| {
        let mut bench = started(json!({"cron": "0 * * * *"}));
        bench.schedule.labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        bench.world.pauses = vec![pause(scope, at(START), None)];
        bench.settle(at("2026-11-21T13:00Z"));
        bench.fires.len()
    };
    assert_eq!((fires("team=infra", &[("team", "infra")]), fires("team=infra", &[("team", "web")])), (0, 1));
    assert_eq!((fires("schedule/other", &[]), fires("agent/nightly", &[]), fires("all", &[])), (1, 1, 0));
    assert_eq!(fires("workflow/w", &[]), 1, "its executions wait; its slots fire");
    let mut bench = started(json!({"cron": "0 * * * *", "suspend": true}));
    bench.world.pauses = vec![pause("all", at(START), None)];
    bench.settle(at("2026-11-21T13:00Z"));
    assert_eq!((bench.said().as_str(), bench.last.expect("a decision").waiting), ("", Waiting::Suspended), "nothing is recorded");
}
