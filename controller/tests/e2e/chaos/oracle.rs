//! Judges a run once all is healed and has come to its end: what the witness saw, what the API says and what lies on the disk, against
//! the invariants of the fault catalogue.

use super::rig::Rig;
use super::tally::Tally;
use super::traffic::{ORDER, SCHEDULE, ask_once, output};
use super::verdict::Verdict;
use super::watch::{end, is_over};
use crate::harness::{Api, Attempt, attempts, attempts_alive, processes_of, within};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of what was accepted, so much must succeed, or fail as somebody has said who settled it.
const SUCCEEDS: f64 = 0.9;
/// While a controller is ready and the database whole, so much of what is accepted without faults must be accepted.
const ACCEPTED: f64 = 0.5;
/// How soon a controller must be ready once controllers and database are whole: the leases' 10 s, the 8 s after which a transaction of
/// somebody who stands still is ended, starts, and what a busy machine adds.
const RECOVERS: Duration = Duration::from_secs(30);
/// A request that was answered is asked again in the end: so many of them.
const ASKED_AGAIN: usize = 200;
/// What one process may hold at most: MiB and files, of a controller and of an agent. Builds of tests need more than releases.
const CONTROLLER: (u64, usize) = (256, 200);
const AGENT: (u64, usize) = (64, 120);

/// How long output may be on its way after all else has come to its end.
const OUTPUT: Duration = Duration::from_secs(10);

/// What is judged.
struct Case<'run> {
    rig: &'run Rig,
    tally: &'run Tally,
    executions: Vec<Value>,
    attempts: Vec<Attempt>,
}

/// One verdict for each invariant.
pub fn judge(rig: &Rig, tally: &Tally, length: Duration) -> Vec<Verdict> {
    within(Duration::from_secs(60), "the API to answer", || rig.scene.api().is_ready().then_some(()));
    let executions = rig.scene.api().executions();
    let attempts = executions.iter().flat_map(attempts).collect();
    let case = Case { rig, tally, executions, attempts };
    vec![
        case.started_once(),
        case.one_for_each_key(),
        case.ends_are_final(),
        case.exits_were_seen(),
        case.in_order(),
        case.whole_output(),
        case.slots_once(),
        case.one_answer(),
        case.nothing_left_running(),
        case.nothing_left_open(),
        case.bounded(),
        case.lively(length),
        case.no_secret(),
    ]
}

impl Case<'_> {
    fn verdict(&self, name: &'static str, says: &'static str, seen: String, mut broken: Vec<String>) -> Verdict {
        broken.extend(self.tally.counts().broken.get(name).cloned().unwrap_or_default());
        Verdict { name, says, seen, broken }
    }

    fn started_once(&self) -> Verdict {
        let (known, mut broken) = (self.attempts.iter().map(|attempt| &attempt.id).collect::<BTreeSet<_>>(), Vec::new());
        let seen = self.rig.scene.witness.seen();
        for (id, seen) in &seen {
            if seen.starts != 1 {
                broken.push(format!("attempt {id} was started {} times", seen.starts));
            }
            if !known.contains(id) {
                broken.push(format!("attempt {id} ran, and the controller does not know it"));
            }
        }
        // No step of these workflows is tried again, and none is idempotent: what ran, or may have, is not run again.
        for execution in &self.executions {
            let mut ran = BTreeSet::new();
            for attempt in attempts(execution).into_iter().filter(|attempt| seen.contains_key(&attempt.id)) {
                if !ran.insert((attempt.step.clone(), attempt.agent.clone())) {
                    broken.push(format!("{}: step {} ran again on {}", id(execution), attempt.step, attempt.agent));
                }
            }
        }
        let unstarted = self.attempts.iter().filter(|attempt| attempt.state == "not_started" && seen.contains_key(&attempt.id));
        broken.extend(unstarted.map(|attempt| format!("attempt {} ran, and is called not started", attempt.id)));
        self.verdict(
            "I1",
            "an attempt starts at most once, and a target's command runs once",
            format!("{} starts witnessed", seen.len()),
            broken,
        )
    }

    fn one_for_each_key(&self) -> Verdict {
        let (mut broken, counts) = (Vec::new(), self.tally.counts());
        let mut told: BTreeMap<&str, u64> = BTreeMap::new();
        for (key, accepted) in &counts.accepted {
            if let Some(other) = told.insert(&accepted.execution, *key) {
                broken.push(format!("keys {other} and {key} were told the same execution {}", accepted.execution));
            }
        }
        let asked = self.executions.iter().filter(|execution| execution["workflow"] != SCHEDULE);
        let there: BTreeSet<&str> = asked.map(id).collect();
        broken.extend(told.keys().filter(|id| !there.contains(*id)).map(|id| format!("{id} was accepted and is not there")));
        broken.extend(there.iter().filter(|id| !told.contains_key(*id)).map(|id| format!("{id} is there, and no key has it")));
        let step = counts.accepted.len().div_ceil(ASKED_AGAIN).max(1);
        for (key, accepted) in counts.accepted.iter().step_by(step) {
            let again = ask_once(self.rig.scene.api(), *key, &accepted.body);
            if again.as_ref().is_none_or(|(_, answer)| answer["id"] == accepted.execution.as_str()) {
                continue;
            }
            broken.push(format!("key {key} had {}, and asked again it says {again:?}", accepted.execution));
        }
        let seen = format!("{} keys, {} executions", counts.accepted.len(), there.len());
        drop(counts);
        self.verdict("I2", "one execution for each key", seen, broken)
    }

    fn ends_are_final(&self) -> Verdict {
        let counts = self.tally.counts();
        let now: BTreeMap<&str, &Value> = self.executions.iter().map(|execution| (id(execution), execution)).collect();
        let changed = counts
            .ended
            .iter()
            .filter(|(id, before)| now.get(id.as_str()).map(|execution| end(execution)) != Some((*before).clone()));
        let broken = changed.map(|(id, before)| {
            format!("{id} had ended {before:?}, and now is {:?}", now.get(id.as_str()).map(|execution| end(execution)))
        });
        let (broken, seen) =
            (broken.collect(), format!("{} ends, {} looks while it went on", counts.ended.len(), counts.looked_again));
        drop(counts);
        self.verdict("I3", "ends are final", seen, broken)
    }

    fn exits_were_seen(&self) -> Verdict {
        let (seen, mut broken) = (self.rig.scene.witness.seen(), Vec::new());
        let exited: Vec<_> = self.attempts.iter().filter(|attempt| attempt.exited() == Some(0)).collect();
        for attempt in &exited {
            let of = seen.get(&attempt.id).copied().unwrap_or_default();
            if (of.starts, of.ends) != (1, 1) {
                broken.push(format!("attempt {} is said to have exited 0, and was seen as {of:?}", attempt.id));
            }
        }
        self.verdict("I4", "exited 0 was seen from start to end", format!("{} exits", exited.len()), broken)
    }

    fn in_order(&self) -> Verdict {
        let lines = self.rig.scene.witness.lines();
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, [attempt, ..]) in lines.iter().enumerate() {
            places.entry(attempt).or_default().push(place);
        }
        let (mut broken, mut pairs) = (Vec::new(), 0);
        for execution in &self.executions {
            let of = |step: &str| -> Vec<usize> {
                let of_step = attempts(execution).into_iter().filter(|attempt| attempt.step == step);
                of_step.flat_map(|attempt| places.get(attempt.id.as_str()).cloned().unwrap_or_default()).collect()
            };
            for pair in ORDER.windows(2) {
                let (Some(last), Some(first)) = (of(pair[0]).into_iter().max(), of(pair[1]).into_iter().min()) else { continue };
                pairs += 1;
                if first < last {
                    broken.push(format!("{}: step {} began before {} had ended", id(execution), pair[1], pair[0]));
                }
            }
        }
        self.verdict("I5", "steps follow each other", format!("{pairs} pairs of steps"), broken)
    }

    fn whole_output(&self) -> Verdict {
        let (api, mut broken, mut bytes) = (self.rig.scene.api(), Vec::new(), 0);
        for execution in &self.executions {
            for attempt in attempts(execution).iter().filter(|attempt| attempt.exited() == Some(0)) {
                let (expected, found) = (output(&attempt.id), kept(api, id(execution), attempt));
                bytes += found.len();
                if found != expected.as_bytes() {
                    broken.push(format!(
                        "attempt {} wrote {} bytes; what is kept are {}, and not the same",
                        attempt.id,
                        expected.len(),
                        found.len()
                    ));
                }
            }
        }
        self.verdict("I6", "output is what the command wrote", format!("{bytes} bytes"), broken)
    }

    fn slots_once(&self) -> Verdict {
        let (mut broken, mut fired) = (Vec::new(), BTreeMap::new());
        for execution in self.executions.iter().filter(|execution| execution["workflow"] == SCHEDULE) {
            if let Some(other) = fired.insert(execution["trigger"]["slot"].to_string(), id(execution)) {
                broken.push(format!("slot {} has {other} and {}", execution["trigger"]["slot"], id(execution)));
            }
        }
        self.verdict("I7", "a slot fires at most once", format!("{} slots fired", fired.len()), broken)
    }

    fn one_answer(&self) -> Verdict {
        let (api, mut broken) = (self.rig.scene.api(), Vec::new());
        let mut recorded: BTreeMap<String, String> = BTreeMap::new();
        for execution in self.executions.iter().filter(|execution| execution["workflow"] == "ask") {
            for event in api.events_of(id(execution), &["prompt_answered"]) {
                let prompt = event["prompt"].as_str().expect("a prompt").to_owned();
                let answer = event["answer"].as_str().expect("an answer").to_owned();
                if let Some(other) = recorded.insert(prompt.clone(), answer.clone()) {
                    broken.push(format!("prompt {prompt} was answered {other} and {answer}"));
                }
            }
        }
        let counts = self.tally.counts();
        let wrong = counts.answers.iter().filter(|(prompt, answer)| recorded.get(prompt) != Some(answer));
        broken.extend(
            wrong.map(|(prompt, answer)| format!("{answer} to {prompt} was taken; recorded is {:?}", recorded.get(prompt))),
        );
        let seen = format!("{} answers, {} refused", recorded.len(), counts.refused_answers);
        drop(counts);
        self.verdict("I8", "a prompt has one answer", seen, broken)
    }

    fn nothing_left_running(&self) -> Verdict {
        let alive = attempts_alive(&self.rig.scene.root().join("agents"));
        let broken = alive.into_iter().map(|attempt| format!("processes of {attempt} are alive"));
        self.verdict("I9", "nothing runs on after the end", "every process of the agents' folders".to_owned(), broken.collect())
    }

    fn nothing_left_open(&self) -> Verdict {
        let open = self.executions.iter().filter(|execution| !is_over(execution));
        let why = |execution: &Value| self.rig.scene.api().get(&format!("/api/v1/executions/{}/why", id(execution)));
        let broken = open.map(|execution| format!("{} is {}: {}", id(execution), execution["status"], why(execution)["items"]));
        self.verdict("I10", "everything comes to its end", format!("{} executions", self.executions.len()), broken.collect())
    }

    fn bounded(&self) -> Verdict {
        let (mut broken, counts) = (Vec::new(), self.tally.counts());
        for (who, peak) in &counts.peak {
            let (memory, files) = if who.starts_with("controller") { CONTROLLER } else { AGENT };
            if peak.memory_kib > memory * 1024 || peak.files.len() > files {
                broken.push(format!(
                    "{who} held {} MiB and {} files; {memory} and {files} are allowed: {:?}",
                    peak.memory_kib / 1024,
                    peak.files.len(),
                    peak.files
                ));
            }
        }
        let seen = format!("{} processes measured each second", counts.peak.len());
        drop(counts);
        self.verdict("I12", "memory and files are bounded", seen, broken)
    }

    /// Nothing is proved by a run in which nothing happened.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn lively(&self, length: Duration) -> Verdict {
        let (mut broken, counts) = (Vec::new(), self.tally.counts());
        let by_person = |execution: &Value| attempts(execution).iter().any(|attempt| attempt.all["resolvedAs"] == "failed");
        let (mut succeeded, mut untouched, mut given_up, mut others) = (0, 0, 0, Vec::new());
        for execution in &self.executions {
            let settled = attempts(execution).iter().any(|attempt| attempt.all["resolvedAs"].is_string());
            if execution["status"] == "succeeded" {
                succeeded += 1;
                untouched += usize::from(!settled);
            } else if by_person(execution) {
                given_up += 1;
            } else {
                others.push(format!("{} is {}: {}", id(execution), execution["status"], reasons(execution)));
            }
        }
        if ((succeeded + given_up) as f64) < SUCCEEDS * self.executions.len() as f64 {
            broken.append(&mut others.clone());
        }
        let begun = self.tally.faults_begin.lock().unwrap().expect("faults began");
        let faulty = counts.accepted.values().filter(|accepted| accepted.at > begun && accepted.at - begun < length).count();
        let expected = self.rig.quiet_rate * counts.up.as_secs_f64();
        if (faulty as f64) < ACCEPTED * expected {
            broken.push(format!("{faulty} were accepted among faults; {expected:.0} would have been without"));
        }
        if counts.recovery > RECOVERS {
            broken.push(format!(
                "no controller was ready for {:.1?} though all of them and the database were whole",
                counts.recovery
            ));
        }
        let seen = format!(
            "ready again {:.1} s after controllers and database were whole at the latest; {faulty} accepted among faults, {expected:.0} at the quiet rate of {:.2}/s in the {:.0} s with a controller ready and the database whole; of all {} \
             executions {succeeded} succeeded ({untouched} by themselves, the others as settled), {given_up} were given up by who settled \
             them, {} otherwise{}",
            counts.recovery.as_secs_f64(),
            self.rig.quiet_rate,
            counts.up.as_secs_f64(),
            self.executions.len(),
            others.len(),
            others.first().map_or_else(String::new, |first| format!(" ({first})")),
        );
        drop(counts);
        self.verdict("I13", "work goes on", seen, broken)
    }

    fn no_secret(&self) -> Verdict {
        let (root, mut broken) = (self.rig.scene.root(), Vec::new());
        let mut look = Look { canaries: &self.rig.canaries, files: 0, broken: &mut broken };
        look.folder(root);
        let files = look.files;
        for pid in processes_of(root) {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if self.rig.canaries.iter().any(|canary| holds(&line, canary)) {
                broken.push(format!("process {pid} shows a secret in its arguments"));
            }
        }
        self.verdict("I14", "no secret is shown", format!("{files} files, every log and the database among them"), broken)
    }
}

/// Looks for secrets in files.
struct Look<'run> {
    canaries: &'run [String],
    files: usize,
    broken: &'run mut Vec<String>,
}

impl Look<'_> {
    fn folder(&mut self, folder: &Path) {
        // What goes away meanwhile was temporary.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            if kind.is_dir() {
                self.folder(&path);
            } else if kind.is_file() {
                self.files += 1;
                let bytes = std::fs::read(&path).unwrap_or_default();
                if self.canaries.iter().any(|canary| holds(&bytes, canary)) {
                    self.broken.push(format!("{} holds a secret", path.display()));
                }
            }
        }
    }
}

fn holds(bytes: &[u8], canary: &str) -> bool {
    bytes.windows(canary.len()).any(|window| window == canary.as_bytes())
}

fn id(execution: &Value) -> &str {
    execution["id"].as_str().expect("an id")
}

/// What is kept of a command's output, once it is as long as the command said or does not grow any more.
fn kept(api: &Api, execution: &str, attempt: &Attempt) -> Vec<u8> {
    let wanted = attempt.all["stdout"]["bytes"].as_u64();
    let begun = Instant::now();
    loop {
        let bytes = api.raw(execution, attempt, "stdout").bytes;
        if wanted.is_some_and(|wanted| bytes.len() as u64 >= wanted) || begun.elapsed() > OUTPUT {
            return bytes;
        }
        sleep(Duration::from_millis(100));
    }
}

/// What is said of an execution that did not succeed.
fn reasons(execution: &Value) -> String {
    let steps = execution["steps"].as_array().into_iter().flatten();
    let targets = steps.flat_map(|step| step["targets"].as_array().into_iter().flatten());
    let said: Vec<String> =
        targets.filter(|target| target["reason"].is_string()).map(|target| target["reason"].to_string()).collect();
    said.join(", ")
}
