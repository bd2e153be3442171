//! Who watches a run: what is said of executions, what ended and stays so, who must be settled; how long a controller is ready; and a line
//! of progress each few seconds.

use super::say;
use super::tally::{Counts, Tally};
use crate::harness::{Api, Witness, attempts, attempts_alive};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::dice::Dice;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(300);
const PROBE: Duration = Duration::from_millis(100);
const PROGRESS: Duration = Duration::from_secs(5);
/// How many of those that have ended are looked at again each time.
const SAMPLE: usize = 4;

/// Whether an execution is over.
pub fn is_over(execution: &Value) -> bool {
    ["succeeded", "failed", "cancelled"].iter().any(|word| execution["status"] == *word)
}

/// Status and time of an end, which never change.
pub fn end(execution: &Value) -> (String, String) {
    (execution["status"].to_string(), execution["endedAt"].to_string())
}

/// Looks at every execution until it has ended, now and then at those that have, and settles what is unknown as a person does.
pub fn look_at_executions(api: &Api, root: &Path, witness: &Witness, tally: &Tally, seed: u64) {
    let (api, mut dice, mut open) = (api.patient(PATIENCE), Dice::new(seed, 200), BTreeSet::new());
    while !tally.is_over() {
        open.extend(unseen(&api, tally, &open).unwrap_or_default());
        tally.counts().open = open.len();
        let person = Person { api: &api, tally, agents: root.join("agents"), witness };
        for id in open.clone() {
            // While nobody answers, nobody does for the next one either.
            let Some(execution) = read(&api, &id) else { break };
            person.settle(&execution);
            if is_over(&execution) {
                tally.counts().ended.insert(id.clone(), end(&execution));
                open.remove(&id);
            }
        }
        tally.counts().open = open.len();
        look_again(&api, tally, &mut dice);
        sleep(LOOK);
    }
}

/// Those of the newest executions that are not known yet, and those that clients were told.
fn unseen(api: &Api, tally: &Tally, open: &BTreeSet<String>) -> Option<Vec<String>> {
    let (_, list) = api.try_get("/api/v1/executions?limit=100").filter(|(status, _)| *status == 200)?;
    let counts = tally.counts();
    let listed = list["items"].as_array()?.iter().filter_map(|item| item["id"].as_str().map(str::to_owned));
    let told = counts.accepted.values().map(|accepted| accepted.execution.clone());
    Some(listed.chain(told).filter(|id| !open.contains(id) && !counts.ended.contains_key(id)).collect())
}

fn read(api: &Api, id: &str) -> Option<Value> {
    api.try_get(&format!("/api/v1/executions/{id}")).filter(|(status, _)| *status == 200).map(|(_, execution)| execution)
}

/// What has ended is as it was.
fn look_again(api: &Api, tally: &Tally, dice: &mut Dice) {
    let ended: Vec<(String, (String, String))> = tally.counts().ended.clone().into_iter().collect();
    for _ in 0..SAMPLE.min(ended.len()) {
        let (id, before) = &ended[dice.place(ended.len())];
        let Some(execution) = read(api, id) else { continue };
        tally.counts().looked_again += 1;
        let now = end(&execution);
        if now != *before {
            tally.broken("I3", format!("{id} had ended {before:?}, and now says {now:?}"));
        }
    }
}

/// Somebody who looks at the machine before saying what became of a command.
struct Person<'run> {
    api: &'run Api,
    tally: &'run Tally,
    agents: PathBuf,
    witness: &'run Witness,
}

impl Person<'_> {
    fn settle(&self, execution: &Value) {
        let unknown: Vec<_> = attempts(execution).into_iter().filter(|attempt| attempt.state == "unknown").collect();
        if unknown.is_empty() || is_over(execution) {
            return;
        }
        // Once neither a process of the command nor its shim lives, nothing of it will.
        let (alive, seen) = (attempts_alive(&self.agents), self.witness.seen());
        for attempt in unknown.iter().filter(|attempt| !alive.contains(&attempt.id)) {
            // What did not come to its end is done by hand, or given up.
            let ended = seen.get(&attempt.id).is_some_and(|seen| seen.ends == 1);
            let by_hand = attempt.id.bytes().map(u32::from).sum::<u32>() % 4 != 0;
            let outcome = if ended || by_hand { "succeeded" } else { "failed" };
            let path = format!("/api/v1/executions/{}/resolve", execution["id"].as_str().expect("an id"));
            let body = json!({ "attempt": attempt.id, "outcome": outcome, "reason": "looked at the machine" });
            if self.api.try_post(&path, &body, &[]).is_some_and(|(status, _)| status == 200) {
                self.tally.counts().settled.insert(attempt.id.clone(), outcome);
            }
        }
    }
}

/// Counts how long a controller is ready and the database whole while faults come, and how long it takes until one is ready again.
pub fn count_up_time(api: &Api, tally: &Tally) {
    let api = api.patient(Duration::from_secs(1));
    let (mut last, mut whole) = (Instant::now(), Duration::ZERO);
    while !tally.is_over() {
        let ready = api.is_ready();
        let passed = last.elapsed();
        last = Instant::now();
        let faulty = tally.faults_begin.lock().unwrap().is_some() && !tally.is_closing();
        let mut counts = tally.counts();
        if ready && faulty && counts.database_faults == 0 {
            counts.up += passed;
        }
        let is_whole = counts.database_faults + counts.controller_faults == 0;
        whole = if ready || !is_whole { Duration::ZERO } else { whole + passed };
        counts.recovery = counts.recovery.max(whole);
        drop(counts);
        sleep(PROBE);
    }
}

/// A line each few seconds.
pub fn tell_progress(tally: &Tally) {
    let (begun, mut told) = (Instant::now(), Instant::now());
    while !tally.is_over() {
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            let counts = tally.counts();
            let since = tally.faults_begin.lock().unwrap().unwrap_or(begun);
            say(&progress(&counts, since.elapsed()));
        }
        sleep(PROBE);
    }
}

fn progress(counts: &Counts, since: Duration) -> String {
    let faults: u32 = counts.faults.values().sum();
    let kinds: Vec<String> = counts.faults.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
    let (accepted, ended, settled) = (counts.accepted.len(), counts.ended.len(), counts.settled.len());
    let open = counts.open;
    format!(
        "{:5.0} s  accepted {accepted}  ended {ended}  open {open}  settled {settled}  faults {faults}: {}",
        since.as_secs_f64(),
        kinds.join(", ")
    )
}

/// How many processes of each kind ended by themselves, and how.
pub fn ends(counts: &Counts) -> String {
    let mut by_code: BTreeMap<String, u32> = BTreeMap::new();
    for ((who, code), times) in &counts.ends {
        *by_code
            .entry(format!("{who} {}", code.map_or_else(|| "by a signal".to_owned(), |code| format!("code {code}"))))
            .or_default() += times;
    }
    let all: Vec<String> = by_code.into_iter().map(|(what, times)| format!("{what} ×{times}")).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
