//! What happens to an execution, told on stderr beside its output: steps that begin and end, questions, targets that fail, and
//! why nothing moves when nothing moves.

use crate::output::{message, when};
use crate::views::{Execution, Reason, Step, StepPrompt};
use crate::{prompts, steps};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Silence after which the reasons are told.
const SILENCE: Duration = Duration::from_secs(2);

/// What was told already.
#[derive(Debug, Default)]
pub struct Narrator {
    steps: HashMap<(String, u32), String>,
    targets: HashSet<(String, u32, String)>,
    asked: HashSet<String>,
    reasons: Vec<String>,
    quiet_since: Option<Instant>,
    waits: bool,
}

impl Narrator {
    /// Steps that began, told before their output; and before them what ended without any: steps that were taken over, questions,
    /// waits, values and routes. What follows a step whose output is still to be shown is told after it.
    pub fn before(&mut self, execution: &Execution) {
        let mut behind = false;
        for step in execution.steps.iter().filter(|step| step.status != "pending") {
            let is_silent = step.carried || matches!(step.kind.as_str(), "prompt" | "wait" | "parse" | "route");
            let told = self.steps.get(&(step.id.clone(), step.visit)) == Some(&step.status);
            behind |= step.is_over() && !is_silent && !told;
            if step.is_over() && is_silent && !behind && self.tell_once(step) {
                message(&steps::ended(step));
            }
            if !step.is_over()
                && self.tell_once(step)
                && let Some(began) = steps::began(step, Timestamp::now())
            {
                message(&began);
            }
        }
    }

    /// Ends, told after the output; and the reasons, when there was no `news`.
    pub fn after(&mut self, execution: &Execution, news: bool) {
        for step in &execution.steps {
            for target in step.targets.iter().filter(|target| matches!(target.status.as_str(), "failed" | "unknown")) {
                if self.targets.insert((step.id.clone(), step.visit, format!("{} {}", target.agent, target.status))) {
                    let why = target.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
                    message(&format!("step {} on {} is {}{why}", step.id, target.agent, target.status));
                }
            }
            if step.is_over() && self.tell_once(step) {
                message(&steps::ended(step));
            }
        }
        for (step, prompt) in execution.open_prompts() {
            if self.asked.insert(prompt.id.clone()) {
                message(&question(execution, step, prompt));
            }
        }
        let settles = matches!(execution.waits_for(), None | Some("unknown"));
        let waited = std::mem::replace(&mut self.waits, execution.status == "waiting" && settles);
        if self.waits && !waited {
            Self::wait(execution);
        }
        self.hold(execution, news);
    }

    /// Nobody knows what became of a command.
    fn wait(execution: &Execution) {
        let why = execution.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
        message(&format!("{} waits for a person{why}", execution.name));
        execution.mend().iter().for_each(|mend| message(&format!("  {mend}")));
    }

    /// The execution's end; that it waits was told when it began to.
    pub fn end(execution: &Execution) {
        if execution.status == "waiting" {
            return;
        }
        let why = execution.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
        let took = when::between(execution.started_at, execution.ended_at, Timestamp::now());
        let took = if took.is_empty() { took } else { format!(" after {took}") };
        message(&format!("{} {}{took}{why}", execution.name, execution.status));
        if execution.status == "failed" {
            message(&execution.again());
        }
    }

    fn tell_once(&mut self, step: &Step) -> bool {
        let told = self.steps.insert((step.id.clone(), step.visit), step.status.clone());
        told.as_ref() != Some(&step.status)
    }

    fn hold(&mut self, execution: &Execution, news: bool) {
        // That a command runs is no reason to say anything; questions and times are told when they begin.
        let told = |reason: &&Reason| matches!(reason.code.as_str(), "running" | "unconfirmed" | "person" | "timer");
        let holding: Vec<&Reason> = execution.reasons.iter().filter(|reason| !told(reason)).collect();
        self.reasons.retain(|told| holding.iter().any(|reason| reason.message == *told));
        if news || holding.is_empty() {
            self.quiet_since = None;
        }
        let silent = !news && !holding.is_empty() && self.quiet_since.get_or_insert_with(Instant::now).elapsed() >= SILENCE;
        for reason in holding {
            // What stands still as a whole is told at once; a target that waits a moment is not.
            let at_once = matches!(reason.code.as_str(), "queued" | "paused" | "cancelling" | "timed_out");
            if (at_once || silent) && !self.reasons.contains(&reason.message) {
                message(&format!("  {}", reason.said(Timestamp::now())));
                self.reasons.push(reason.message.clone());
            }
        }
    }
}

/// A question with its options, how long there is, and how to answer.
fn question(execution: &Execution, step: &Step, prompt: &StepPrompt) -> String {
    let reason = execution.reasons.iter().find(|reason| reason.prompt.as_deref() == Some(&prompt.id));
    let until = reason
        .and_then(|reason| reason.until)
        .map_or_else(String::new, |until| format!("  until {} ({})\n", when::local(until), when::left(until, Timestamp::now())));
    let (question, mend) = (prompts::question(prompt), prompt.mend());
    format!("step {} of {} asks:\n{question}{until}  {mend}", step.id, execution.name)
}
