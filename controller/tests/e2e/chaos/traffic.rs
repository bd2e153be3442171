//! What goes on meanwhile: clients that ask for executions, each with a key and again until they are answered, a schedule, and somebody
//! who answers prompts.

use super::dice::Dice;
use super::plan::AGENTS;
use super::tally::{Accepted, Tally};
use crate::harness::{Api, Scene, manifest, step, wait, with};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a request may go unanswered once all is healed.
const ANSWERED: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_millis(150);
/// The steps of `three`, in their order; those of `ask` that run commands, too.
pub const ORDER: [&str; 3] = ["one", "two", "three"];
/// The schedule, and its executions' workflow.
pub const SCHEDULE: &str = "beat";

/// What a command writes.
pub fn output(attempt: &str) -> String {
    let lines: String = (1..=200).map(|line| format!("{line}\n")).collect();
    format!("one {attempt}\n{lines}two {attempt}\n")
}

/// Signs its start, writes, takes a while, writes, and signs its end.
fn command(scene: &Scene, sleep: &str) -> String {
    scene.signed(&format!("echo \"one $PULSE_ATTEMPT\"\nseq 1 200\nsleep {sleep}\necho \"two $PULSE_ATTEMPT\""))
}

/// The workflows and the schedule.
pub fn write_workflows(scene: &Scene) {
    let patient = || json!({ "onOffline": "wait 10m" });
    let run = |id: &str, targets: &[&str], sleep: &str| with(step(id, targets, &command(scene, sleep)), patient());
    let allow = json!({ "policy": "Allow" });
    let one = run("one", &["{{ params.agent }}"], "1.$(($$ % 10))");
    let agent = json!([{ "name": "agent", "type": "agent", "required": true }]);
    scene.write_workflow("one", &json!({ "concurrency": allow, "params": agent, "steps": [one] }));
    let three: Vec<Value> = ORDER.map(|id| run(id, &["all"], "0.$(($$ % 6))")).into();
    scene.write_workflow("three", &json!({ "concurrency": allow, "steps": three }));
    let question = json!({ "id": "question", "type": "prompt", "message": "Go on?", "options": ["Yes", "No"] });
    let ask = [run("one", &["a2"], "0.1"), question, run("two", &["a3"], "0.1")];
    scene.write_workflow("ask", &json!({ "concurrency": allow, "steps": ask }));
    let turns = json!({ "policy": "Queue", "maxQueued": 100 });
    scene.write_workflow("turns", &json!({ "concurrency": turns, "steps": [run("one", &["a1"], "0.1")] }));
    let every = json!({ "every": "2s", "concurrencyPolicy": "Allow", "startingDeadline": "10s", "targets": ["a2"],
        "command": command(scene, "0.2"), "onOffline": "wait 10m", "onUnknown": "wait" });
    std::fs::write(scene.source("beat.yaml"), manifest("Schedule", SCHEDULE, &every)).unwrap();
}

/// It fires no more.
pub fn stop_the_schedule(root: &Path, api: &Api) {
    std::fs::remove_file(root.join("source/beat.yaml")).unwrap();
    wait("the schedule to be gone", || {
        drop(api.try_post("/api/v1/syncs", &json!({}), &[]));
        api.try_get(&format!("/api/v1/schedules/{SCHEDULE}")).filter(|(status, _)| *status == 404).map(drop)
    });
}

/// Asks for one execution after the other.
pub struct Client<'run> {
    api: Api,
    tally: &'run Tally,
    dice: Dice,
}

impl<'run> Client<'run> {
    /// One of several.
    pub fn new(api: &Api, tally: &'run Tally, seed: u64, number: u64) -> Self {
        Self { api: api.patient(PATIENCE), tally, dice: Dice::new(seed, 100 + number) }
    }

    /// Until nothing new is asked for; the last request is repeated until it is answered.
    pub fn ask(&mut self) {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        while !self.tally.is_closing() {
            let (key, body) = (KEYS.fetch_add(1, Ordering::Relaxed), self.body());
            let begun = Instant::now();
            let mut closed = None;
            while !self.try_ask(key, &body) {
                if self.tally.is_closing() && closed.get_or_insert_with(Instant::now).elapsed() > ANSWERED {
                    let waited = begun.elapsed();
                    return self.tally.broken("I2", format!("request {key} {body} was not answered for {waited:?}"));
                }
                sleep(AGAIN);
            }
            sleep(self.dice.milliseconds(200, 900));
        }
    }

    fn body(&mut self) -> Value {
        match self.dice.below(12) {
            0..=6 => json!({ "workflow": "one", "params": { "agent": format!("a{}", 1 + self.dice.place(AGENTS)) } }),
            7..=9 => json!({ "workflow": "three" }),
            10 => json!({ "workflow": "ask" }),
            _ => json!({ "workflow": "turns" }),
        }
    }

    /// Whether it was answered.
    fn try_ask(&self, key: u64, body: &Value) -> bool {
        match ask_once(&self.api, key, body) {
            Some((200..=299, answer)) => {
                let execution = answer["id"].as_str().expect("an id").to_owned();
                self.tally.counts().accepted.insert(key, Accepted { body: body.clone(), execution, at: Instant::now() });
                true
            }
            Some((409, answer)) if answer["code"] == "queue_full" => false,
            Some((status @ 300..=499, answer)) if status != 429 => {
                self.tally.broken("I2", format!("request {key} {body} was answered {status} {answer}"));
                true
            }
            _ => false,
        }
    }
}

/// Sends a request with its key; sent again it starts nothing new.
pub fn ask_once(api: &Api, key: u64, body: &Value) -> Option<(u16, Value)> {
    api.try_post("/api/v1/executions", body, &[("Idempotency-Key", &format!("key-{key}"))])
}

/// Answers every prompt, and then answers it otherwise: that must be refused.
pub fn answer_prompts(api: &Api, tally: &Tally) {
    let api = api.patient(PATIENCE);
    while !tally.is_over() {
        let list = api.try_get("/api/v1/prompts?limit=100").filter(|(status, _)| *status == 200);
        for prompt in list.iter().flat_map(|(_, list)| list["items"].as_array().expect("a list")) {
            let id = prompt["id"].as_str().expect("an id");
            let first = if id.bytes().map(u32::from).sum::<u32>() % 2 == 0 { "Yes" } else { "No" };
            let second = if first == "Yes" { "No" } else { "Yes" };
            [first, second].iter().for_each(|answer| answer_one(&api, tally, id, answer));
        }
        sleep(AGAIN);
    }
}

fn answer_one(api: &Api, tally: &Tally, prompt: &str, answer: &str) {
    match api.try_post(&format!("/api/v1/prompts/{prompt}/answer"), &json!({ "answer": answer }), &[]) {
        Some((200, _)) => tally.counts().answers.push((prompt.to_owned(), answer.to_owned())),
        Some((409, body)) if body["code"] == "already_answered" => tally.counts().refused_answers += 1,
        Some((status @ 300..=499, body)) => tally.broken("I8", format!("{answer} to {prompt} was answered {status} {body}")),
        _ => {}
    }
}
