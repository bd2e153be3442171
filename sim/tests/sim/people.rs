//! People: what they start, answer, cancel and settle; and the workflows that they have.

use crate::controller::{Controller, Teller};
use crate::dice::Dice;
use crate::shared::{Shared, short};
use crd_schemas::manifest::{Manifest, Workflow};
use pulse_core::Timestamp;
use pulse_core::definitions::Program;
use pulse_core::execution::{CancelMode, Created, Event, EventRecord, Input, Selection, Trigger};
use pulse_core::transition::ResolvedAs;
use pulse_protocol::{AgentName, ExecutionId};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// What people want, and what they were told.
#[derive(Default)]
pub struct People {
    workflows: Vec<(Workflow, Arc<Program>)>,
    /// Requests that were not answered yet, by key.
    pub waiting: BTreeMap<u32, usize>,
    /// Requests that were answered.
    pub answered: BTreeMap<u32, ExecutionId>,
    keys: u32,
    /// Somebody cancelled something, or settled it as failed.
    pub meddled: bool,
}

impl People {
    pub fn new(s: &mut Shared) -> Self {
        let calm = !s.may_fail();
        let workflows = (0..1 + s.dice.below(2)).map(|number| compiled(&workflow(&mut s.dice, number, calm))).collect();
        Self { workflows, ..Self::default() }
    }

    /// Somebody wants something to run. The request is repeated, with its key, until it is answered.
    pub fn wish(&mut self, s: &mut Shared) {
        self.keys += 1;
        self.waiting.insert(self.keys, s.dice.below(self.workflows.len()));
    }

    /// Repeats what was not answered.
    pub fn ask(&self, s: &mut Shared, controller: &mut Controller) {
        for (key, workflow) in &self.waiting {
            controller.start(s, *key, &self.workflows[*workflow]);
        }
    }

    pub fn hear(&mut self, s: &Shared, answers: Vec<(u32, ExecutionId)>) {
        for (key, execution) in answers {
            assert!(s.db.executions.contains_key(&execution), "P3: a request is answered with an execution that is not there");
            self.waiting.remove(&key);
            let before = self.answered.insert(key, execution);
            assert!(before.is_none_or(|before| before == execution) || s.judge.was_restored, "I2: two executions for a request");
        }
    }

    /// Somebody meddles with an execution.
    pub fn meddle(&mut self, s: &mut Shared, controller: &mut Controller) {
        let open: Vec<ExecutionId> = s.db.executions.iter().filter(|(_, row)| !row.terminal).map(|(id, _)| *id).collect();
        if open.is_empty() {
            return;
        }
        let id = open[s.dice.below(open.len())];
        if s.may_fail() && s.dice.once_in(12) {
            self.meddled = true;
            let mode = if s.dice.once_in(3) { CancelMode::Drain } else { CancelMode::Kill };
            s.say(|| format!("eve cancels {} ({mode:?})", short(id.0)));
            controller.enqueue(id, Input::Cancel { mode, by: "eve".into(), reason: "because".into() }, Teller::Person);
        } else {
            self.attend(s, controller, id);
        }
    }

    /// Answers what is asked, settles what nobody knows.
    pub fn attend(&mut self, s: &mut Shared, controller: &mut Controller, id: ExecutionId) {
        let Some(execution) = controller.view(s, id) else { return };
        if let Some(prompt) = execution.prompt {
            let answer = if s.dice.once_in(2) { "Yes" } else { "No" }.to_owned();
            let by = if s.dice.once_in(2) { "adam" } else { "eve" }.to_owned();
            controller.enqueue(id, Input::Answer { prompt, answer, by, comment: None }, Teller::Person);
        }
        for attempt in execution.unknown.clone() {
            if s.judge.runs(attempt) {
                // Whoever looks sees that it still runs.
                continue;
            }
            let outcome = if s.dice.once_in(2) { ResolvedAs::Succeeded } else { ResolvedAs::Failed };
            s.say(|| format!("eve settles {} as {outcome:?}", short(attempt.0)));
            self.meddled |= outcome == ResolvedAs::Failed;
            let (by, reason) = ("eve".to_owned(), "I looked".to_owned());
            controller.enqueue(id, Input::Resolve { attempt, outcome, by, reason }, Teller::Person);
        }
    }
}

/// An execution's first event.
pub fn first(s: &Shared, id: ExecutionId, key: u32, workflow: &(Workflow, Arc<Program>), at: Timestamp) -> EventRecord {
    let mut selections: Vec<Selection> = Vec::new();
    for step in &workflow.1.steps {
        let items = step.execute().map(|spec| spec.targets.items().to_vec()).unwrap_or_default();
        if items.is_empty() || selections.iter().any(|selection| selection.items == items) {
            continue;
        }
        let all = items == ["all"];
        let agents: Vec<AgentName> =
            s.db.agents.keys().filter(|name| all || items.iter().any(|item| item == name.as_str())).cloned().collect();
        selections.push(Selection { items, agents });
    }
    let created = Created {
        id,
        workflow: workflow.0.metadata.name.clone(),
        number: key.into(),
        source: "main".into(),
        commit: "c0ffee".into(),
        snapshot: "digest".into(),
        params: BTreeMap::new(),
        given: None,
        selections,
        limit: None,
        trigger: Trigger::person("eve".into()),
        concurrency_key: None,
        queue_place: None,
        retry_of: None,
        carried: None,
        trace: None,
    };
    EventRecord { seq: 1, at, event: Event::Created(Box::new(created)) }
}

fn compiled(text: &str) -> (Workflow, Arc<Program>) {
    let parsed = crd_schemas::parse_file("sim.yaml", text.as_bytes());
    assert!(parsed.problems.is_empty(), "{:?}\n{text}", parsed.problems);
    let Some(Manifest::Workflow(workflow)) = parsed.documents.first().map(|document| document.manifest.clone()) else {
        panic!("a workflow");
    };
    let program = Program::compile(&workflow).unwrap_or_else(|findings| panic!("{findings:?}\n{text}"));
    (workflow, Arc::new(program))
}

/// One to four steps.
fn workflow(dice: &mut Dice, number: usize, calm: bool) -> String {
    let timeout = if !calm && dice.once_in(3) { "  timeout: 50s\n" } else { "" };
    let mut text = format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: w{number}}}\nspec:\n  concurrency: {{policy: Allow}}\n{timeout}  steps:\n"
    );
    for place in 0..1 + dice.below(4) {
        let kind = if place == 0 { 9 } else { dice.below(10) };
        let _ = match kind {
            0 => writeln!(text, "    - {{id: s{place}, type: wait, duration: 20s}}"),
            1 => {
                let late = dice.pick(&["", ", timeout: 40s, onTimeout: {answer: \"No\"}"]);
                writeln!(text, "    - {{id: s{place}, type: prompt, message: Go on?, options: [\"Yes\", \"No\"]{late}}}")
            }
            _ => {
                let targets = dice.pick(&["[all]", "[all]", "[a1]", "[a1, a2]"]);
                write!(
                    text,
                    "    - {{id: s{place}, type: execute, targets: {targets}, command: uptime, timeout: 1m, killGrace: 5s"
                )
                .expect("text");
                for extra in [
                    "idempotent: true",
                    "onUnknown: fail",
                    "continueOnError: true",
                    "retry: {attempts: 3, backoff: 2s}",
                    "maxParallel: 1",
                    "maxFailures: 2",
                ] {
                    if dice.once_in(4) {
                        write!(text, ", {extra}").expect("text");
                    }
                }
                writeln!(text, "{}}}", dice.pick(&["", ", onOffline: skip", ", onOffline: wait 5m", ", onOffline: wait 5m"]))
            }
        };
    }
    text
}
