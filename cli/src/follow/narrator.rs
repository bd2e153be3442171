//! What happens to an execution, told on stderr beside its output: steps that begin and end, targets that fail, and why
//! nothing moves when nothing moves.

use crate::output::{message, when};
use crate::views::{Execution, Step};
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
    reasons: Vec<String>,
    quiet_since: Option<Instant>,
    waits: bool,
}

impl Narrator {
    /// Steps that began, told before their output.
    pub fn before(&mut self, execution: &Execution) {
        for step in execution.steps.iter().filter(|step| step.status != "pending" && !is_over(&step.status)) {
            if self.tell_once(step) {
                let targets = if step.targets.len() == 1 { "1 target" } else { &format!("{} targets", step.targets.len()) };
                message(&format!("step {} is {} on {targets}", step.id, step.status));
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
            if is_over(&step.status) && self.tell_once(step) {
                let why = step.message.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
                message(&format!("step {} {}{why}", step.id, step.status));
            }
        }
        let waited = std::mem::replace(&mut self.waits, execution.status == "waiting");
        if self.waits && !waited {
            Self::wait(execution);
        }
        self.hold(execution, news);
    }

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
    }

    fn tell_once(&mut self, step: &Step) -> bool {
        let told = self.steps.insert((step.id.clone(), step.visit), step.status.clone());
        told.as_ref() != Some(&step.status)
    }

    fn hold(&mut self, execution: &Execution, news: bool) {
        // That a command runs is no reason to say anything.
        let holding = execution.reasons.iter().filter(|reason| !matches!(reason.code.as_str(), "running" | "unconfirmed"));
        let reasons: Vec<String> = holding.map(|reason| reason.message.clone()).collect();
        if news || reasons.is_empty() {
            self.quiet_since = None;
            self.reasons.retain(|told| reasons.contains(told));
            return;
        }
        let since = *self.quiet_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= SILENCE {
            reasons.iter().filter(|reason| !self.reasons.contains(reason)).for_each(|reason| message(&format!("  {reason}")));
            self.reasons = reasons;
        }
    }
}

fn is_over(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "skipped" | "cancelled" | "unknown")
}
