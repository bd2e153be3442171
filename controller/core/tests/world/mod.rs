//! The world that scripts play in: one execution, a few agents, a clock that only `tick` moves.

mod checks;
mod outside;
mod words;

use crate::checker::{Checker, Facts};
use crd_schemas::manifest::{Manifest, Workflow};
use pulse_core::Timestamp;
use pulse_core::decide::{AgentView, Ahead, Effect, Neighbour, Presence, desired, explain, open_attempts, pass};
use pulse_core::definitions::{Files, PinnedFile, Program, Snapshot};
use pulse_core::elapsed::Span;
use pulse_core::execution::{
    CancelMode, ClaimKey, Created, EVENT_VERSION, Event, EventRecord, Execution, Input, Outcome, PromptClosed, carried,
    unknown_targets,
};
use pulse_core::pause::Pause;
use pulse_core::transition::ResolvedAs;
use pulse_protocol::{AgentName, Assignment, AttemptId, ExecutionId, Incarnation, Observed, PromptId};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use uuid::Uuid;
use words::{describe, effect_text};

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

/// Plays a script and gives the history that it leaves.
pub fn recorded(script: &str) -> Option<String> {
    let (head, body) = script.split_once("\n---\n").expect("a script has a workflow, `---`, and lines");
    let mut world = World::new(head);
    body.lines().filter_map(|line| line.strip_prefix("> ")).for_each(|command| drop(world.play(command)));
    world.recorded()
}

/// One execution, its agents and its history.
pub struct World {
    workflow: Workflow,
    program: Arc<Program>,
    around: Around,
    execution: Option<Execution>,
    history: Vec<EventRecord>,
    /// The rows of its prompts, with how each ended.
    prompts: BTreeMap<PromptId, Option<PromptClosed>>,
    judge: Option<Checker>,
    now: Timestamp,
    wake_at: Option<Timestamp>,
    ids: u128,
    /// Every attempt there ever was, in order: `a1@3` is the third one of `a1`.
    known: Vec<(AgentName, AttemptId)>,
    journals: BTreeMap<AgentName, u128>,
    last: BTreeMap<AgentName, Observed>,
    /// Effects of passes that were committed, until somebody takes them.
    sent: Vec<Effect>,
    /// Nobody reads the answers, and replay is compared only after a crash.
    pub quiet: bool,
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
        Self::compiled(head).expect("the workflow compiles")
    }

    /// The same, or nothing for a workflow that does not compile. One that does not even parse is a fault of who wrote it.
    pub fn compiled(head: &str) -> Option<Self> {
        let parsed = crd_schemas::parse_file("scenario.yaml", head.as_bytes());
        assert!(parsed.problems.is_empty(), "{:?}\n{head}", parsed.problems);
        let Some(Manifest::Workflow(workflow)) = parsed.documents.first().map(|document| document.manifest.clone()) else {
            panic!("a script begins with a workflow");
        };
        let program = Program { files: files(head), ..Program::compile(&workflow).ok()? };
        Some(Self {
            workflow,
            program: Arc::new(program),
            around: Around::default(),
            execution: None,
            history: Vec::new(),
            prompts: BTreeMap::new(),
            judge: None,
            now: Timestamp(0),
            wake_at: None,
            ids: 0,
            known: Vec::new(),
            journals: BTreeMap::new(),
            last: BTreeMap::new(),
            sent: Vec::new(),
            quiet: false,
        })
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
                let sleeps = self.wake_at.is_none_or(|at| at > self.now);
                let before = self.history.len();
                let text = self.pass(&[]);
                assert!(!sleeps || self.history.len() == before, "it would have slept through {:?}", self.history.last());
                text
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
                let (agent, attempt) = self.attempt(name);
                let incarnation = self.journal(&agent);
                self.pass(&[Input::Absent { agent, attempt, incarnation }])
            }
            ["cancel", mode] => {
                let mode = if *mode == "kill" { CancelMode::Kill } else { CancelMode::Drain };
                self.pass(&[Input::Cancel { mode, by: "eve".into(), reason: "because".into() }])
            }
            ["resolve", name, outcome] => {
                let (_, attempt) = self.attempt(name);
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
                self.around.pauses = vec![Pause { id, scope, reason, by, since: self.now, expires_at }];
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
            ["ahead", count, unbegun @ ..] => {
                let count = count.parse().expect("a number");
                let last = Neighbour { execution: NIL, name: format!("demo#{}", 6 + count) };
                let directly_behind = (count > 1).then_some(last);
                let begun = unbegun.is_empty();
                self.around.ahead = Some(Ahead { execution: NIL, name: "demo#7".into(), begun, count, directly_behind });
                self.pass(&[])
            }
            ["picture", name] => {
                let picture = self.picture(&name.parse().expect("an agent"));
                let told = picture.iter().map(|(id, wanted)| match wanted {
                    Some(wanted) => self.hide_ids(&format!("  {id}: {:?}\n", wanted.desired)),
                    None => self.hide_ids(&format!("  {id}: nothing\n")),
                });
                told.collect()
            }
            ["unknown"] => {
                let execution = self.execution.as_ref().expect("started");
                unknown_targets(execution).iter().map(|name| format!("  nobody knows of {name}\n")).collect()
            }
            ["retry"] => self.retry(),
            ["crash"] => {
                self.crash();
                self.pass(&[])
            }
            ["lost", ..] => self.lose(command.trim_start_matches("lost ")),
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
        let Event::Created(created) = &first.event else { unreachable!("made above") };
        self.judge = Some(Checker::new(&self.workflow, created, self.now, self.judge.take()));
        self.execution = Some(Execution::begin(Arc::clone(&self.program), &first).expect("a beginning"));
        self.history.push(first);
        self.pass(&[])
    }

    /// The controller dies and begins anew with what it had committed.
    fn crash(&mut self) {
        if self.execution.is_some() {
            self.check_replay();
            self.execution = Some(Execution::replay(Arc::clone(&self.program), &self.history).expect("the history replays"));
        }
    }

    /// Plays a line whose commit fails: what it decided is gone, what happened around it is not.
    fn lose(&mut self, command: &str) -> String {
        let Some(before) = self.execution.clone() else { return self.play(command) };
        let taken: Vec<_> = self.around.agents.iter().map(|(name, view)| (name.clone(), view.taken.clone())).collect();
        let (judge, prompts) = (self.judge.take(), self.prompts.clone());
        let (seq, sent, known) = (self.history.len(), self.sent.len(), self.known.len());
        let text = self.play(command);
        (self.execution, self.judge, self.prompts, self.wake_at) = (Some(before), judge, prompts, Some(self.now));
        self.history.truncate(seq);
        self.sent.truncate(sent);
        self.known.truncate(known);
        for (name, taken) in taken {
            self.around.agents.get_mut(&name).expect("known").taken = taken;
        }
        self.crash();
        text + "  (lost)\n"
    }

    /// The newest prompt.
    fn prompt(&self) -> PromptId {
        let execution = self.execution.as_ref().expect("started");
        *execution.prompts.keys().max().expect("a prompt")
    }

    /// Was a person ever asked?
    pub fn has_asked(&self) -> bool {
        self.execution.as_ref().is_some_and(|execution| !execution.prompts.is_empty())
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

    /// The agent's newest attempt in this execution, or with `a1@3` its third one of all.
    fn attempt(&self, name: &str) -> (AgentName, AttemptId) {
        let (name, number) = name.split_once('@').map_or((name, None), |(name, number)| (name, Some(number)));
        let agent: AgentName = name.parse().expect("an agent");
        let mut own = self.known.iter().filter(|(target, _)| *target == agent).map(|(_, id)| *id);
        let found = match number {
            Some(number) => own.nth(number.parse::<usize>().expect("a number") - 1),
            None => {
                let execution = self.execution.as_ref().expect("started");
                own.rfind(|id| execution.attempts.contains_key(id))
            }
        };
        (agent, found.expect("the agent has such an attempt"))
    }

    /// What `attempt` finds it by.
    pub fn label(&self, id: AttemptId) -> String {
        let (agent, _) = self.known.iter().find(|(_, known)| *known == id).expect("an attempt");
        let number = self.known.iter().filter(|(target, known)| target == agent && *known <= id).count();
        format!("{agent}@{number}")
    }

    /// What was sent since the last call.
    pub fn take_sent(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.sent)
    }

    /// What an agent is told of every attempt when it comes: its full picture, and which attempts that should be in its journal.
    pub fn picture(&self, agent: &AgentName) -> Vec<(AttemptId, Option<Assignment>)> {
        let Some(execution) = &self.execution else { return Vec::new() };
        let own = open_attempts(execution).filter(|(name, _)| *name == agent);
        own.map(|(_, id)| (id, desired(execution, id, &self.around, self.now))).collect()
    }

    /// The agent's journal.
    pub fn journal(&self, agent: &AgentName) -> Incarnation {
        outside::incarnation(agent, self.journals[agent])
    }

    /// The events so far.
    pub fn history(&self) -> &[EventRecord] {
        &self.history
    }

    /// The execution's attempts of which nobody knows.
    pub fn unknown(&self) -> Vec<AttemptId> {
        self.execution.as_ref().map_or_else(Vec::new, |execution| execution.unknown.iter().copied().collect())
    }

    fn pass(&mut self, inputs: &[Input]) -> String {
        let Some(execution) = self.execution.as_mut() else { return String::new() };
        let mut ids = self.ids;
        let mut fresh = || {
            ids += 1;
            AttemptId(Uuid::from_u128(ids << 8))
        };
        let before = execution.status;
        let done = pass(execution, inputs, &self.around, self.now, &mut fresh).expect("a pass folds");
        self.ids = ids;
        self.judge(&done.events, done.rest.wake_at);
        self.slots(&done.take, &done.release);
        self.history.extend(done.events.iter().cloned());
        self.known.extend(done.opened.iter().map(|(id, agent, _)| (agent.clone(), *id)));
        self.sent.extend(done.effects.iter().cloned());
        // A slot that comes free is a reason to look again for whoever wants it.
        let freed = !done.release.is_empty() && !done.rest.wants_slot.is_empty();
        self.wake_at = if freed { Some(self.now) } else { done.rest.wake_at };
        self.rows(&done.prompts_opened, &done.prompts_closed);
        self.check(before);
        let mut text = String::new();
        if self.quiet {
            return text;
        }
        self.check_replay();
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

    /// Shows the judge what was committed, with what lay around.
    fn judge(&mut self, events: &[EventRecord], wake_at: Option<Timestamp>) {
        let Some(judge) = &mut self.judge else { return };
        let Around { agents, pauses, absences, ahead } = &self.around;
        let queued_behind = ahead.is_some();
        let facts = Facts { now: self.now, pauses, absences, agents, queued_behind, steady: true };
        events.iter().for_each(|record| judge.take(record, &facts));
        judge.rest(&facts, wake_at);
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

/// The pinned files that a script's head lists: `#file PATH[*] CONTENT`, the star where it can be executed.
fn files(head: &str) -> Files {
    let lines = head.lines().filter_map(|line| line.strip_prefix("#file ")?.split_once(' '));
    let file = |(path, content): (&str, &str)| {
        let content = Arc::new(content.as_bytes().to_vec());
        (path.trim_end_matches('*').to_owned(), PinnedFile { executable: path.ends_with('*'), content })
    };
    lines.map(file).collect()
}

impl World {
    /// Its history as the database has it, after what it is pinned to and before what it folds to: a line each. Nothing where nothing was
    /// started.
    pub fn recorded(&self) -> Option<String> {
        let execution = self.execution.as_ref()?;
        let snapshot = Snapshot {
            source: "main".to_owned(),
            commit: "c0ffee".to_owned(),
            path: "scenario.yaml".to_owned(),
            digest: "5nap".to_owned(),
            workflow: self.workflow.clone(),
            groups: BTreeMap::new(),
            files: Files::default(),
        };
        let mut lines = vec![json!({ "snapshot": snapshot })];
        lines.extend(self.history.iter().map(|record| json!({ "version": EVENT_VERSION, "record": record })));
        lines.push(json!({ "end": crate::told::told(execution) }));
        Some(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}
