//! Which steps can come before which, with every way that a workflow can take.

use super::*;
use serde_json::{Value, json};

fn steps(list: &[Value]) -> Vec<Step> {
    list.iter().map(|step| serde_json::from_value(step.clone()).expect("a step")).collect()
}

/// An `execute` step with more fields.
fn run(id: &str, more: Value) -> Value {
    let mut step = json!({"id": id, "type": "execute", "targets": ["a"], "command": "true"});
    step.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    step
}

/// `b: a c` for each step, and `!` in front of one that is never reached.
fn before(list: &[Value]) -> String {
    let steps = steps(list);
    let flow = Flow::of(&steps);
    let lost: Vec<String> = flow.unreachable().map(|finding| finding.pointer).collect();
    let line = |place: usize| {
        let names: Vec<&str> = flow.before(place).map(|other| steps[other].id.as_str()).collect();
        let mark = if lost.contains(&format!("/spec/steps/{place}")) { "!" } else { "" };
        format!("{mark}{}:{}", steps[place].id, names.iter().map(|name| format!(" {name}")).collect::<String>())
    };
    (0..steps.len()).map(line).collect::<Vec<_>>().join(", ")
}

#[test]
fn steps_come_in_order_unless_something_leads_elsewhere() {
    let plain = |id: &str| run(id, json!({}));
    let prompt = |more: Value| {
        let mut step = json!({"id": "ask", "type": "prompt", "message": "?", "options": ["Yes", {"value": "No", "goto": "end"}]});
        step.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        step
    };
    let route = |routes: Value| json!({"id": "r", "type": "route", "routes": routes});
    let both = json!([{"value": "Yes", "goto": "b"}, {"value": "No", "goto": "end"}]);
    let cases = [
        (vec![plain("a"), plain("b"), plain("c")], "a:, b: a, c: a b"),
        // A skip, a way back, the end.
        (vec![run("a", json!({"goto": "c"})), plain("b"), plain("c")], "a:, !b: a, c: a"),
        (vec![plain("a"), run("b", json!({"goto": "a"})), plain("c")], "a: a b, b: a b, !c: a b"),
        (vec![plain("a"), run("b", json!({"goto": "end"})), plain("c")], "a:, b: a, !c: a b"),
        // A skipped step leads to the next one.
        (vec![run("a", json!({"goto": "c", "when": "true"})), plain("b"), plain("c")], "a:, b: a, c: a b"),
        (vec![plain("a"), run("b", json!({"goto": "a", "when": "true"})), plain("c")], "a: a b, b: a b, c: a b"),
        // What no way leads to adds nothing to what comes behind it.
        (vec![run("a", json!({"goto": "c"})), run("b", json!({"goto": "c"})), plain("c")], "a:, !b: a, c: a"),
        // Options: an own `goto`, else the step's, else the next one.
        (vec![prompt(json!({})), plain("b")], "ask:, b: ask"),
        (vec![prompt(json!({"goto": "b"})), plain("a"), plain("b")], "ask:, !a: ask, b: ask"),
        (vec![prompt(json!({"options": both})), plain("a"), plain("b")], "ask:, !a: ask, b: ask"),
        (vec![prompt(json!({"options": both, "continueOnError": true})), plain("a"), plain("b")], "ask:, a: ask, b: ask a"),
        (vec![prompt(json!({"options": both, "when": "true"})), plain("a"), plain("b")], "ask:, a: ask, b: ask a"),
        // Routes: the same, and without a default none may hold.
        (vec![route(json!([{"if": "true", "goto": "b"}])), plain("a"), plain("b")], "r:, a: r, b: r a"),
        (
            vec![route(json!([{"if": "true", "goto": "b"}, {"default": true, "goto": "end"}])), plain("a"), plain("b")],
            "r:, !a: r, b: r",
        ),
        (vec![route(json!([{"if": "true", "goto": "end"}, {"default": true}])), plain("a")], "r:, a: r"),
        (vec![], ""),
    ];
    for (list, expected) in cases {
        assert_eq!(before(&list), expected, "{}", json!(list));
    }
}

/// A slow reading of the same rule, by walking.
fn walked(steps: &[Step], to: usize) -> Vec<usize> {
    let index: HashMap<&str, usize> = steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
    let next = |place: usize| Followers { steps, index: &index, place, step: &steps[place] }.all().collect::<Vec<_>>();
    let all_from = |start: Vec<usize>| {
        let (mut seen, mut left) = (std::collections::BTreeSet::new(), start);
        while let Some(place) = left.pop() {
            if seen.insert(place) {
                left.extend(next(place));
            }
        }
        seen
    };
    let reached = all_from(vec![0]);
    reached.into_iter().filter(|&place| all_from(next(place)).contains(&to)).collect()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn the_closure_is_what_walking_finds(gotos in proptest::collection::vec((0..140_usize, proptest::bool::ANY), 1..130)) {
        let size = gotos.len();
        let list: Vec<Value> = gotos.iter().enumerate().map(|(place, (to, when))| {
            let mut more = json!({});
            if *to < size {
                more["goto"] = json!(format!("s{to}"));
            }
            if *when {
                more["when"] = json!("true");
            }
            run(&format!("s{place}"), more)
        }).collect();
        let steps = steps(&list);
        let flow = Flow::of(&steps);
        let lost: Vec<String> = flow.unreachable().map(|finding| finding.pointer).collect();
        for to in 0..size {
            if !lost.contains(&format!("/spec/steps/{to}")) {
                proptest::prop_assert_eq!(flow.before(to).collect::<Vec<_>>(), walked(&steps, to));
            }
        }
    }
}
