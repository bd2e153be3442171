//! The world that scripts play in: one execution, a few agents, a clock that only `tick` moves.

use crd_schemas::manifest::{ConcurrencyPolicy, Manifest};
use pulse_core::Timestamp;
use pulse_core::decide::{AgentView, Ahead, Effect, Presence, decide, explain, pass};
use pulse_core::definitions::{Files, PinnedFile, Program};
use pulse_core::elapsed::Span;
use pulse_core::execution::{
    CancelMode, ClaimKey, Created, Event, EventRecord, Execution, Input, Outcome, PromptClosed, PromptRow, PromptStatus,
    Selection, Target, TargetState, Trigger, TriggerKind, carried,
};
use pulse_core::pause::Pause;
use pulse_core::transition::ResolvedAs;
use pulse_core::values::AgentValue;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{
    AgentName, AttemptId, BootId, Desired, Ended, ExecutionId, Incarnation, Observation, Observed, PromptId, WorkFile,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use uuid::Uuid;

/// Plays a script and gives it back with its answers.
pub fn play(script: &str) -> String {
    let (head, body) = script.split_once("\n---\n").expect("a script has a workflow, `---`, and lines");
    let mut world = World::new(head);
    let mut text = format!("{head}\n---\n");
    for line in body.lines().filter(|line| line.starts_with("> ") || line.starts_with('#')) {
        text.push_str(line);
        text.push('\n');
        if let Some(command) = line.strip_prefix("> ") {
            text.push_str(&world.play(command));
        }
    }
    text
}

/// One execution, its agents and its history.
pub struct World {
    program: Arc<Program>,
    policy: String,
    around: Around,
    execution: Option<Execution>,
    history: Vec<EventRecord>,
    /// The rows of its prompts, with how each ended.
    prompts: BTreeMap<PromptId, Option<PromptClosed>>,
    now: Timestamp,
    ids: u128,
    last: BTreeMap<AgentName, Observed>,
}

const NIL: ExecutionId = ExecutionId(Uuid::nil());

/// What the execution finds around it.
#[derive(Default)]
struct Around {
    agents: BTreeMap<AgentName, AgentView>,
    pauses: Vec<Pause>,
    absences: Vec<Span>,
    ahead: Option<Ahead>,
}

impl pulse_core::decide::World for Around {
    fn agent(&self, name: &AgentName) -> Option<&AgentView> {
        self.agents.get(name)
    }
    fn pauses(&self) -> &[Pause] {
        &self.pauses
    }
    fn absences(&self) -> &[Span] {
        &self.absences
    }
    fn ahead(&self, _: &ClaimKey, _: ExecutionId) -> Option<Ahead> {
        self.ahead.clone()
    }
}

impl World {
    /// A world for the workflow that the text holds.
    pub fn new(head: &str) -> Self {
        let parsed = crd_schemas::parse_file("scenario.yaml", head.as_bytes());
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        let Some(Manifest::Workflow(workflow)) = parsed.documents.first().map(|document| document.manifest.clone()) else {
            panic!("a script begins with a workflow");
        };
        let program = Program { files: files(head), ..Program::compile(&workflow).expect("the workflow compiles") };
        Self {
            program: Arc::new(program),
            policy: workflow.metadata.name,
            around: Around::default(),
            execution: None,
            history: Vec::new(),
            prompts: BTreeMap::new(),
            now: Timestamp(0),
            ids: 0,
            last: BTreeMap::new(),
        }
    }

    /// Plays one line; what it gave.
    pub fn play(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["start", params @ ..] => self.start(params),
            ["tick", length] => {
                let length: crd_schemas::Duration = length.parse().expect("a duration");
                // Agents that are up beat all the while.
                self.now = self.now.plus(length);
                for view in self.around.agents.values_mut().filter(|view| matches!(view.presence, Presence::Connected(_))) {
                    view.last_seen = self.now;
                }
                self.pass(&[])
            }
            ["agent", name, change @ ..] => {
                self.agent(name, change);
                self.pass(&[])
            }
            ["report", name, what @ ..] => {
                let input = self.report(name, what);
                self.pass(&[input])
            }
            ["absent", name] => {
                let agent: AgentName = name.parse().expect("an agent");
                let attempt = self.attempt(&agent);
                let incarnation = incarnation(&agent, 1);
                self.pass(&[Input::Absent { agent, attempt, incarnation }])
            }
            ["cancel", mode] => {
                let mode = if *mode == "kill" { CancelMode::Kill } else { CancelMode::Drain };
                self.pass(&[Input::Cancel { mode, by: "eve".into(), reason: "because".into() }])
            }
            ["resolve", name, outcome] => {
                let attempt = self.attempt(&name.parse().expect("an agent"));
                let outcome = if *outcome == "succeeded" { ResolvedAs::Succeeded } else { ResolvedAs::Failed };
                self.pass(&[Input::Resolve { attempt, outcome, by: "eve".into(), reason: "I looked".into() }])
            }
            ["answer", answer, by] => {
                let prompt = self.prompt();
                let (answer, by) = ((*answer).to_owned(), (*by).to_owned());
                self.pass(&[Input::Answer { prompt, answer, by, comment: None }])
            }
            ["race", first, second] => {
                let inputs = [first, second].map(|what| match what.split_once('=') {
                    Some(("answer", answer)) => {
                        Input::Answer { prompt: self.prompt(), answer: answer.into(), by: "adam".into(), comment: None }
                    }
                    _ => Input::Cancel { mode: CancelMode::Drain, by: "eve".into(), reason: "because".into() },
                });
                self.pass(&inputs)
            }
            ["gone", length] => {
                // No controller runs for so long, and agents are not blamed for it.
                let from = self.now;
                self.now = self.now.plus(length.parse().expect("a duration"));
                self.around.absences.push(Span { from, to: self.now });
                self.around.agents.values_mut().for_each(|view| view.last_seen = self.now);
                self.pass(&[])
            }
            ["pause", scope, expires @ ..] => {
                let expires_at = expires.first().map(|length| self.now.plus(length.parse().expect("a duration")));
                let scope = scope.parse().expect("a scope");
                let (id, reason, by) = ("p1".to_owned(), "a freeze".to_owned(), "eve".to_owned());
                self.around.pauses = vec![Pause { id, scope, reason, by, expires_at }];
                self.pass(&[])
            }
            ["resume"] => {
                self.around.pauses.clear();
                self.pass(&[])
            }
            ["ahead", "none"] => {
                self.around.ahead = None;
                self.pass(&[])
            }
            ["ahead", count] => {
                let count = count.parse().expect("a number");
                self.around.ahead = Some(Ahead { execution: NIL, name: "demo#7".into(), count });
                self.pass(&[])
            }
            ["retry"] => self.retry(),
            ["why"] => {
                let execution = self.execution.as_ref().expect("started");
                let reasons = explain(execution, &self.around, self.now);
                reasons.iter().map(|reason| self.hide_ids(&format!("  because {reason}\n"))).collect()
            }
            other => panic!("what is {other:?}?"),
        }
    }

    /// The word for the execution's state.
    pub fn status(&self) -> &'static str {
        self.execution.as_ref().map_or("none", |execution| execution.status.as_str())
    }

    /// The state of the agent's newest attempt, if it has one.
    pub fn newest(&self, agent: &str) -> Option<&'static str> {
        let execution = self.execution.as_ref()?;
        let own = execution.attempts.iter().filter(|(_, attempt)| attempt.target.as_str() == agent);
        own.max_by_key(|(id, _)| **id).map(|(_, attempt)| attempt.state.as_str())
    }

    fn start(&mut self, params: &[&str]) -> String {
        let created = self.created(params);
        self.begin(created)
    }

    /// The execution again, as a new one that takes over what succeeded.
    fn retry(&mut self) -> String {
        let before = self.execution.take().expect("started");
        let carried = carried(&before).expect("it can be retried");
        let created = Created { retry_of: Some(before.id()), carried: Some(Box::new(carried)), ..before.created };
        self.history.clear();
        self.prompts.clear();
        self.begin(created)
    }

    fn begin(&mut self, created: Created) -> String {
        let first = EventRecord { seq: 1, at: self.now, event: Event::Created(Box::new(created)) };
        self.execution = Some(Execution::begin(Arc::clone(&self.program), &first).expect("a beginning"));
        self.history.push(first);
        self.pass(&[])
    }

    fn created(&self, params: &[&str]) -> Created {
        let params = params.iter().map(|pair| pair.split_once('=').expect("k=v"));
        let mut selections: Vec<Selection> = Vec::new();
        for step in &self.program.steps {
            let Some(items) = step.execute().map(|spec| spec.targets.items().to_vec()).filter(|items| !items.is_empty()) else {
                continue;
            };
            let agents = if items == ["all"] {
                self.around.agents.keys().cloned().collect()
            } else {
                items.iter().map(|name| name.parse().expect("an agent")).collect()
            };
            selections.push(Selection { items, agents });
        }
        Created {
            id: NIL,
            workflow: self.policy.clone(),
            number: 1,
            source: "main".into(),
            commit: "c0ffee".into(),
            snapshot: "digest".into(),
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            selections,
            limit: None,
            trigger: Trigger { kind: TriggerKind::Person, by: "eve".into(), slot: None },
            concurrency_key: None,
            queue_place: (self.program.concurrency == ConcurrencyPolicy::Queue).then_some(0),
            retry_of: None,
            carried: None,
        }
    }

    fn agent(&mut self, name: &str, change: &[&str]) {
        let name: AgentName = name.parse().expect("an agent");
        let now = self.now;
        let fresh = AgentView {
            presence: Presence::Connected(incarnation(&name, 1)),
            last_seen: now,
            boot: Some(boot(&name, 1)),
            slots: 5,
            taken: BTreeSet::new(),
            value: AgentValue { name: name.to_string(), ..AgentValue::default() },
        };
        let view = self.around.agents.entry(name.clone()).or_insert(fresh);
        match change {
            ["up"] => (view.presence, view.last_seen) = (Presence::Connected(incarnation(&name, 1)), now),
            ["down"] => view.presence = Presence::Disconnected,
            ["revoked"] => view.presence = Presence::Revoked,
            ["journal"] => (view.presence, view.last_seen) = (Presence::Connected(incarnation(&name, 2)), now),
            ["boot", number] => {
                let number = number.parse().expect("a number");
                (view.presence, view.last_seen) = (Presence::Connected(incarnation(&name, 1)), now);
                view.boot = Some(boot(&name, number));
            }
            ["slots", count] => view.slots = count.parse().expect("a number"),
            ["label", pair] => {
                let (key, value) = pair.split_once('=').expect("k=v");
                view.value.labels.insert(key.into(), value.into());
            }
            other => panic!("what is agent {other:?}?"),
        }
    }

    fn report(&mut self, name: &str, what: &[&str]) -> Input {
        let agent: AgentName = name.parse().expect("an agent");
        let attempt = self.attempt(&agent);
        let end = |how| Observed::Ended(Ended::bare(how));
        let observed = match what {
            ["accepted"] => Observed::Accepted,
            ["started"] => Observed::Started { pid: 7 },
            ["exit", code] => end(EndKind::Exited { code: code.parse().expect("a code") }),
            ["out", code, text @ ..] => {
                let how = EndKind::Exited { code: code.parse().expect("a code") };
                Observed::Ended(Ended { captured: Some(text.join(" ") + "\n"), ..Ended::bare(how) })
            }
            ["signal", signal] => end(EndKind::Signalled { signal: signal.parse().expect("a signal") }),
            ["timed_out"] => end(EndKind::TimedOut),
            ["cancelled"] => end(EndKind::Cancelled),
            ["not_started"] => end(EndKind::NotStarted { reason: "the shell is missing".into() }),
            ["unknown"] => end(EndKind::Unknown { reason: UnknownReason::SupervisorLost }),
            ["rebooted"] => end(EndKind::Unknown { reason: UnknownReason::HostRebooted }),
            ["again"] => self.last.get(&agent).cloned().expect("an earlier report"),
            other => panic!("what is report {other:?}?"),
        };
        self.last.insert(agent.clone(), observed.clone());
        Input::Observed { agent, observation: Observation { attempt, observed } }
    }

    /// The newest prompt.
    fn prompt(&self) -> PromptId {
        let execution = self.execution.as_ref().expect("started");
        *execution.prompts.keys().max().expect("a prompt")
    }

    /// Is a person asked?
    pub fn is_asking(&self) -> bool {
        self.execution.as_ref().is_some_and(|execution| execution.prompt.is_some())
    }

    /// The options of the newest prompt.
    pub fn options(&self) -> Vec<String> {
        let execution = self.execution.as_ref().expect("started");
        execution.prompts.keys().max().and_then(|id| Some(execution.asked(*id)?.1.options.clone())).unwrap_or_default()
    }

    /// The agent's newest attempt.
    fn attempt(&self, agent: &AgentName) -> AttemptId {
        let execution = self.execution.as_ref().expect("started");
        let own = execution.attempts.iter().filter(|(_, attempt)| attempt.target == *agent).map(|(id, _)| *id);
        own.max().expect("the agent has an attempt")
    }

    fn pass(&mut self, inputs: &[Input]) -> String {
        let Some(execution) = self.execution.as_mut() else { return String::new() };
        let mut ids = self.ids;
        let mut fresh = || {
            ids += 1;
            AttemptId(Uuid::from_u128(ids << 8))
        };
        let before = execution.clone();
        let done = pass(execution, inputs, &self.around, self.now, &mut fresh).expect("a pass folds");
        self.ids = ids;
        self.slots(&done.take, &done.release);
        self.history.extend(done.events.iter().cloned());
        self.rows(&done.prompts_opened, &done.prompts_closed);
        self.check(&before);
        let mut text = String::new();
        for record in &done.events {
            let _ = writeln!(text, "  {}", self.hide_ids(&describe(record)));
        }
        for outcome in &done.outcomes {
            match outcome {
                Outcome::Done => {}
                Outcome::Unchanged => text.push_str("  unchanged\n"),
                Outcome::Refused(refusal) => text.push_str(&self.hide_ids(&format!("  refused: {refusal}\n"))),
            }
        }
        for effect in &done.effects {
            let _ = writeln!(text, "  {}", self.hide_ids(&effect_text(effect)));
        }
        let status = self.execution.as_ref().map_or("", |execution| execution.status.as_str());
        let wake = done.rest.wake_at.map_or_else(String::new, |at| format!(", wake in {}", at.since(self.now)));
        let _ = writeln!(text, "  = {status}{wake}");
        text
    }

    /// Each prompt has one row and one end, and the rows say what the history says.
    fn rows(&mut self, opened: &[PromptRow], closed: &[PromptClosed]) {
        for row in opened {
            assert!(self.prompts.insert(row.prompt, None).is_none(), "a prompt was opened twice");
        }
        for end in closed {
            let row = self.prompts.get_mut(&end.prompt).expect("an open row");
            assert!(row.replace(end.clone()).is_none(), "a prompt was closed twice");
        }
        let execution = self.execution.as_ref().expect("started");
        assert!(execution.prompts.keys().eq(self.prompts.keys()), "a prompt without a row, or the other way round");
        for (id, row) in &self.prompts {
            let (run, prompt) = execution.asked(*id).expect("asked");
            let said = prompt.end.as_ref().map(|end| (end.answer.clone(), end.by.clone(), end.comment.clone(), end.at));
            let kept = row.as_ref().map(|end| (end.answer.clone(), end.by.clone(), end.comment.clone(), end.at));
            match row.as_ref().map(|end| end.status) {
                Some(PromptStatus::Withdrawn) => {
                    assert!(said.is_none() && run.status.is_terminal(), "withdrawn without a reason")
                }
                Some(status) => {
                    assert_eq!(kept, said);
                    assert_eq!(status == PromptStatus::Answered, said.is_some_and(|(_, by, ..)| by.is_some()));
                }
                None => assert_eq!(execution.prompt, Some(*id), "only what is asked now is open"),
            }
        }
    }

    fn slots(&mut self, take: &[pulse_core::execution::ClaimKey], release: &[pulse_core::execution::ClaimKey]) {
        use pulse_core::execution::ClaimKey::Slot;
        for claim in release {
            if let Slot { agent, slot } = claim {
                self.around.agents.get_mut(agent).expect("known").taken.remove(slot);
            }
        }
        for claim in take {
            if let Slot { agent, slot } = claim {
                assert!(self.around.agents.get_mut(agent).expect("known").taken.insert(*slot), "a slot was taken twice");
            }
        }
    }

    /// What must hold after every line: replay gives the same state, terminal states are final, claims end with the execution.
    fn check(&self, before: &Execution) {
        let execution = self.execution.as_ref().expect("started");
        let replayed = Execution::replay(Arc::clone(&self.program), &self.history).expect("the history replays");
        assert_eq!(format!("{:?}", sorted(execution)), format!("{:?}", sorted(&replayed)), "replay differs");
        if before.status.is_terminal() {
            assert_eq!(before.status, execution.status, "a terminal state changed");
        }
        for run in &execution.steps {
            let is_busy = |target: &&Target| {
                matches!(target.state, TargetState::Active(_) | TargetState::Unknown(_) | TargetState::Rebooting { .. })
            };
            let busy = u32::try_from(run.targets.values().filter(is_busy).count()).expect("few targets");
            assert_eq!(busy, run.busy, "a counter is off");
            let Some(spec) = execution.compiled(run).execute() else { continue };
            assert!(busy <= spec.max_parallel, "more than maxParallel");
            let started_new = run.targets.values().filter(|target| target.attempts.len() > 1);
            for target in started_new {
                let (last, earlier) = target.attempts.split_last().expect("two");
                let idempotent = spec.idempotent;
                for id in earlier {
                    let state = &execution.attempts[id].state;
                    let settled = !state.is_open() || (idempotent && !state.is_active());
                    assert!(settled, "attempt {last} was begun while {id} was {state}");
                }
            }
        }
        if !execution.status.is_terminal() {
            let why = explain(execution, &self.around, self.now);
            // What this very pass has freed lets it go on at its next look.
            let next = decide(execution, &self.around, self.now, &mut || AttemptId(Uuid::nil()));
            assert!(!why.is_empty() || !next.events.is_empty(), "it is {} without a reason", execution.status);
        }
        let open = execution
            .prompts
            .keys()
            .filter(|id| execution.asked(**id).is_some_and(|(run, prompt)| prompt.end.is_none() && !run.status.is_terminal()));
        assert_eq!(
            open.copied().collect::<Vec<_>>(),
            execution.prompt.into_iter().collect::<Vec<_>>(),
            "one open prompt at most"
        );
        if execution.status.is_terminal() {
            assert!(execution.claims.is_empty() && execution.active.is_empty(), "an ended execution holds something");
        }
    }

    /// Ids differ from run to run in real life; scripts show `agent/number` instead.
    fn hide_ids(&self, text: &str) -> String {
        let Some(execution) = &self.execution else { return text.to_owned() };
        let mut text = text.to_owned();
        for (number, id) in execution.prompts.keys().enumerate() {
            text = text.replace(&id.to_string(), &format!("prompt/{}", number + 1));
        }
        for (id, attempt) in &execution.attempts {
            text = text.replace(&id.to_string(), &format!("{}/{}", attempt.target, attempt.number));
        }
        text
    }
}

/// A state with its maps in order, so that two can be compared as text.
fn sorted(execution: &Execution) -> (String, Vec<String>, Vec<String>) {
    let mut attempts: Vec<String> = execution.attempts.iter().map(|(id, attempt)| format!("{id} {attempt:?}")).collect();
    attempts.sort();
    let steps = execution.steps.iter().map(|step| format!("{step:?}")).collect();
    let Execution { seq, status, active, unknown, cancel, claims, message, prompt, prompts, state, waits, waited, .. } =
        execution;
    let people = format!("{prompt:?} {prompts:?} {state:?} {waits:?} {waited:?} {:?}", execution.timed_out);
    (format!("{seq} {status:?} {active:?} {unknown:?} {cancel:?} {claims:?} {message:?} {people}"), attempts, steps)
}

fn boot(agent: &AgentName, generation: u128) -> BootId {
    BootId(incarnation(agent, generation).0)
}

fn incarnation(agent: &AgentName, generation: u128) -> Incarnation {
    let bytes = agent.as_str().bytes().fold(generation, |sum, byte| (sum << 8) | u128::from(byte));
    Incarnation(Uuid::from_u128(bytes))
}

/// An event in one line.
fn describe(record: &EventRecord) -> String {
    let value = serde_json::to_value(&record.event).expect("an event is JSON");
    let serde_json::Value::Object(fields) = value else { panic!("an event is an object") };
    let kind = fields.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
    let shown = fields.iter().filter(|(name, value)| {
        !matches!(name.as_str(), "type" | "visit" | "incarnation" | "slot" | "pid" | "by" | "reason" | "boot" | "prompt")
            && !value.is_null()
    });
    let mut text = format!("{:>2} {kind}", record.seq);
    for (name, value) in shown {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Object(map) if name == "ended" => ended_text(map),
            serde_json::Value::Object(map) if name == "values" => values_text(map),
            serde_json::Value::Object(map) => map.values().map(plain).collect::<Vec<_>>().join(" "),
            serde_json::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let _ = write!(text, " {name}={value}");
    }
    text
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn values_text(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let entry = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::Object(inner) => format!("{name}({})", values_text(inner)),
        value => format!("{name}:{}", plain(value)),
    };
    map.iter().map(entry).collect::<Vec<_>>().join(",")
}

fn ended_text(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let how = map.get("how").and_then(|how| how.as_object());
    how.map(|how| how.values().map(plain).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

/// The pinned files that a script's head lists: `#file PATH[*] CONTENT`, the star where it can be executed.
fn files(head: &str) -> Files {
    let lines = head.lines().filter_map(|line| line.strip_prefix("#file ")?.split_once(' '));
    let file = |(path, content): (&str, &str)| {
        let content = Arc::new(content.as_bytes().to_vec());
        (path.trim_end_matches('*').to_owned(), PinnedFile { executable: path.ends_with('*'), content })
    };
    lines.map(file).collect()
}

fn file_text(file: &WorkFile) -> String {
    let star = if file.executable { "*" } else { "" };
    format!(" {}{star}={:?}", file.path, String::from_utf8_lossy(&file.content))
}

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::Assign { agent, assignment } => {
            assert_eq!(assignment.desired, Desired::Run);
            let command = assignment.command.as_ref().expect("a command to run");
            let values =
                command.env.iter().filter(|(name, _)| name.starts_with("PULSE_PARAM_") || name.starts_with("PULSE_VALUE_"));
            let values: Vec<String> = values.map(|(name, value)| format!(" {name}={value}")).collect();
            let files: Vec<String> = command.files.iter().map(file_text).collect();
            let run = match &command.script_file {
                None => command.script.clone(),
                Some(script) => format!("{:?} {} {:?}", command.argv, script.path, script.args),
            };
            format!("-> {agent} run: {run}{}{}", values.join(""), files.join(""))
        }
        Effect::Stop { agent, .. } => format!("-> {agent} stop"),
    }
}
