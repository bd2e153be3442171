//! One prompt, many who want to close it at the same moment: exactly one of them does, and the others are told who.

use crate::harness::{Api, Engine, Scene, on_both};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::Duration;

on_both! {
    of_fifty_answers_at_once_one_counts
    answer_timeout_and_cancel_race_for_one_end
}

const ANSWERS: usize = 50;
/// As many as a prompt may have.
const OPTIONS: usize = 20;
const ROUNDS: usize = 30;

fn options() -> Vec<String> {
    (0..OPTIONS).map(|number| format!("option {number}")).collect()
}

/// Whether this counts as an answer, and which option it names as the winner.
fn judged(status: u16, body: &Value, wanted: &str) -> (bool, String) {
    let winner = body["answer"].as_str().unwrap_or_else(|| panic!("{status} {body:#}")).to_owned();
    match status {
        200 => assert_eq!(winner, wanted, "{body:#}"),
        409 => assert_eq!((&body["code"], winner == wanted), (&json!("already_answered"), false), "{body:#}"),
        _ => panic!("{status} {body:#}"),
    }
    if status == 409 {
        assert!(body["answeredBy"].is_string() && body["answeredAt"].is_string(), "it names who and when: {body:#}");
    }
    (status == 200 && body["changed"] == true, winner)
}

fn of_fifty_answers_at_once_one_counts(engine: Engine) {
    let mut scene = Scene::on(engine, "races: 50 answers at once");
    let steps = json!([{ "id": "ask", "type": "prompt", "message": "Which?", "options": options() }]);
    scene.write_workflow("ask", &json!({ "steps": steps }));
    scene.controller.start(&[]);
    let api = scene.api();
    let id = scene.start("ask");
    let prompt = api.wait_prompt(&id);
    let path = format!("/api/v1/prompts/{}/answer", prompt["id"].as_str().unwrap());
    let together = Barrier::new(ANSWERS);
    let answers: Vec<(String, u16, Value)> = std::thread::scope(|scope| {
        let asking = (0..ANSWERS).map(|number| {
            let (path, together) = (&path, &together);
            // A connection of its own, open before the moment.
            let api = api.patient(Duration::from_secs(40));
            scope.spawn(move || {
                let answer = format!("option {}", number % OPTIONS);
                let body = json!({ "answer": answer, "comment": format!("of {number}") });
                assert!(api.is_ready());
                together.wait();
                let (status, body) = api.try_post(path, &body, &[]).expect("an answer");
                (answer, status, body)
            })
        });
        let asking: Vec<_> = asking.collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let judged: Vec<_> = answers.iter().map(|(answer, status, body)| judged(*status, body, answer)).collect();
    assert_eq!(judged.iter().filter(|(won, _)| *won).count(), 1, "one answer counts: {answers:#?}");
    let named: BTreeSet<&str> = judged.iter().map(|(_, winner)| winner.as_str()).collect();
    assert_eq!(named.len(), 1, "all name the same winner: {named:?}");
    let winner = *named.first().unwrap();
    let told = |status: u16| answers.iter().filter(|(_, said, _)| *said == status).count();
    let same = (0..ANSWERS).filter(|number| format!("option {}", number % OPTIONS) == winner).count();
    assert_eq!((told(200), told(409)), (same, ANSWERS - same), "the same answer by the same person is no contradiction");
    let events = api.events_of(&id, &["prompt_answered", "prompt_expired"]);
    assert_eq!((events.len(), &events[0]["answer"]), (1, &json!(winner)), "{events:#?}");
    let closed = api.prompt(&prompt["id"]);
    assert_eq!((&closed["answer"], &closed["comment"]), (&json!(winner), &events[0]["comment"]), "{closed:#}");
    assert_eq!(api.wait_ended(&id)["status"], "succeeded");
}

/// What became of the answer and of the cancel of one round.
type Said = [(u16, Value); 2];

/// Answers and cancels at the deadline: the one a bit before the other, both around the timeout.
fn race(api: &Api, prompt: &Value, execution: &str, round: usize) -> Said {
    let deadline: jiff::Timestamp = prompt["deadline"].as_str().expect("a deadline").parse().unwrap();
    let paths = [
        (format!("/api/v1/prompts/{}/answer", prompt["id"].as_str().unwrap()), json!({ "answer": "Yes" })),
        (format!("/api/v1/executions/{execution}/cancel"), json!({ "reason": "a race" })),
    ];
    let offsets = [(round * 7) % 31, (round * 11) % 31].map(|offset| i64::try_from(offset).unwrap() * 16 - 320);
    std::thread::scope(|scope| {
        let mut both = paths.iter().zip(offsets).map(|((path, body), offset)| {
            scope.spawn(move || {
                let api = api.patient(Duration::from_secs(40));
                let at = deadline.checked_add(jiff::SignedDuration::from_millis(offset)).unwrap();
                let left = at.duration_since(jiff::Timestamp::now());
                std::thread::sleep(left.try_into().unwrap_or_default());
                api.try_post(path, body, &[]).expect("an answer")
            })
        });
        let both = [both.next().unwrap(), both.next().unwrap()];
        both.map(|thread| thread.join().unwrap())
    })
}

fn answer_timeout_and_cancel_race_for_one_end(engine: Engine) {
    let mut scene = Scene::on(engine, "races: answer, timeout, cancel");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Now?", "options": ["Yes", "Late"], "timeout": "2s",
                      "onTimeout": { "answer": "Late" } });
    let rest = json!({ "id": "rest", "type": "wait", "duration": "1h" });
    scene.write_workflow("race", &json!({ "concurrency": { "policy": "Allow" }, "steps": [ask, rest] }));
    scene.controller.start(&[]);
    let api = scene.api();
    let mut ways = BTreeSet::new();
    std::thread::scope(|scope| {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|round| {
                let id = scene.start("race");
                let prompt = api.wait_prompt(&id);
                scope.spawn(move || (race(api, &prompt, &id, round), prompt, id))
            })
            .collect();
        for round in rounds {
            let (said, prompt, id) = round.join().unwrap();
            ways.insert(one_end(api, &said, &prompt, &id));
        }
    });
    assert!(ways.len() > 1, "the rounds ended in several ways, or nothing raced: {ways:?}");
}

/// Exactly one of the three closed the prompt, and all that was said agrees with it. Answers which.
fn one_end(api: &Api, said: &Said, prompt: &Value, id: &str) -> &'static str {
    let [answered, cancelled] = said;
    assert_eq!((cancelled.0, &cancelled.1["changed"]), (200, &json!(true)), "it still waits: {:#}", cancelled.1);
    assert_eq!(api.wait_ended(id)["status"], "cancelled");
    let events = api.events_of(id, &["prompt_opened", "prompt_answered", "prompt_expired", "cancel_requested", "ended"]);
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let closed = api.prompt(&prompt["id"]);
    let (way, history, code, answer) = match closed["status"].as_str().unwrap() {
        "answered" => ("answered", vec!["prompt_opened", "prompt_answered", "cancel_requested", "ended"], None, json!("Yes")),
        "expired" => (
            "expired",
            vec!["prompt_opened", "prompt_expired", "cancel_requested", "ended"],
            Some("prompt_expired"),
            json!("Late"),
        ),
        "withdrawn" => ("withdrawn", vec!["prompt_opened", "cancel_requested", "ended"], Some("prompt_withdrawn"), Value::Null),
        other => panic!("{other}: {closed:#}"),
    };
    assert_eq!((types, &closed["answer"]), (history, &answer), "{closed:#}");
    let expected = if code.is_some() { 409 } else { 200 };
    assert_eq!((answered.0, answered.1["code"].as_str()), (expected, code), "{:#}", answered.1);
    way
}
