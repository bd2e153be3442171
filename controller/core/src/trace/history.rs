//! From an execution's history to its spans.

use super::TraceContext;
use super::span::{Link, Moment, Result, Span, SpanKind, Value, of_id, of_words};
use crate::execution::{Created, Event, EventRecord, StepPath, TriggerKind};
use crate::time::Timestamp;
use crate::transition::{ExecutionEnd, ResolvedAs, StepStatus};
use pulse_protocol::AttemptId;
use pulse_protocol::observation::EndKind;
use std::collections::BTreeMap;

/// Every span of an execution that is over; none of one that is not, or whose caller wants none. `url` is where people find it, `links` are
/// those of its own span.
pub fn spans(history: &[EventRecord], url: &str, links: Vec<Link>) -> Vec<Span> {
    let Some(EventRecord { at, event: Event::Created(created), .. }) = history.first() else { return Vec::new() };
    let context = created.trace.clone().unwrap_or_else(|| TraceContext::of(created.id));
    let Some(last) = history.last().filter(|last| matches!(last.event, Event::Ended { .. }) && context.sampled) else {
        return Vec::new();
    };
    let mut tree =
        Tree { created, trace: context.id.clone(), url, steps: Vec::new(), attempts: BTreeMap::new(), timed_out: false };
    history.iter().for_each(|record| tree.take(record));
    let root = tree.root((*at, last.at), &context, &last.event, links);
    tree.finish(root, last.at)
}

/// The spans so far.
struct Tree<'a> {
    created: &'a Created,
    trace: String,
    url: &'a str,
    /// Visits in their order; one without an end is open.
    steps: Vec<Step>,
    attempts: BTreeMap<AttemptId, Span>,
    timed_out: bool,
}

struct Step {
    path: StepPath,
    visit: u32,
    span: Span,
    open: bool,
}

impl Tree<'_> {
    fn take(&mut self, record: &EventRecord) {
        let at = record.at;
        match &record.event {
            Event::StepStarted { step, visit, .. } => self.open(step, *visit, at),
            Event::StepSkipped { step, visit } => {
                self.open(step, *visit, at);
                self.close(step, *visit, Result::Skip, None, at);
            }
            Event::StepRefused { step, visit, message } => {
                self.open(step, *visit, at);
                self.close(step, *visit, Result::Error, Some(message), at);
            }
            Event::StepEnded { step, visit, status, message } => {
                self.close(step, *visit, of_step(*status), message.as_ref(), at);
            }
            Event::AttemptAssigned { attempt, step, visit, target, number, .. } => {
                let mut span = self.span(of_id(attempt.0.as_bytes()), format!("{step} attempt"), at);
                span.parent = Some(self.step_id(step, *visit));
                span.attributes = vec![
                    ("cicd.worker.name", Value::Text(target.to_string())),
                    ("pulse.attempt.id", Value::Text(attempt.to_string())),
                    ("pulse.attempt.try", Value::Number(i64::from(*number))),
                ];
                self.attempts.insert(*attempt, span);
            }
            Event::AttemptAccepted { attempt } => self.moment(*attempt, "accepted", at),
            Event::AttemptStarted { attempt, .. } => self.moment(*attempt, "started", at),
            Event::AttemptLost { attempt, .. } => self.moment(*attempt, "unknown", at),
            Event::AttemptEnded { attempt, ended, .. } => self.attempt_ended(*attempt, &ended.how, at),
            Event::AttemptResolved { attempt, outcome, .. } => {
                let result = if *outcome == ResolvedAs::Succeeded { Result::Success } else { Result::Failure };
                self.end_attempt(*attempt, result, "resolved by a person", at);
            }
            Event::TimedOut => self.timed_out = true,
            _ => {}
        }
    }

    fn span(&self, id: String, name: String, at: Timestamp) -> Span {
        let (trace, kind) = (self.trace.clone(), SpanKind::Internal);
        let (attributes, moments, links) = (Vec::new(), Vec::new(), Vec::new());
        Span { trace, id, parent: None, name, kind, start: at, end: at, attributes, moments, links, error: None }
    }

    fn root_id(&self) -> String {
        of_id(self.created.id.0.as_bytes())
    }

    fn step_id(&self, step: &StepPath, visit: u32) -> String {
        of_words(self.created.id.0.as_bytes(), &format!("{step}/{visit}"))
    }

    fn open(&mut self, step: &StepPath, visit: u32, at: Timestamp) {
        let mut span = self.span(self.step_id(step, visit), format!("RUN {step}"), at);
        span.parent = Some(self.root_id());
        span.attributes = vec![
            ("cicd.pipeline.task.name", Value::Text(step.to_string())),
            ("cicd.pipeline.task.run.id", Value::Text(format!("{}/{step}/{visit}", self.created.id))),
            ("cicd.pipeline.task.run.url.full", Value::Text(self.url.to_owned())),
        ];
        self.steps.push(Step { path: step.clone(), visit, span, open: true });
    }

    fn close(&mut self, step: &StepPath, visit: u32, result: Result, message: Option<&String>, at: Timestamp) {
        let of = |one: &&mut Step| one.path == *step && one.visit == visit && one.open;
        let Some(step) = self.steps.iter_mut().rev().find(of) else { return };
        step.open = false;
        end(&mut step.span, "cicd.pipeline.task.run.result", result, message.map(String::as_str), at);
    }

    fn moment(&mut self, attempt: AttemptId, name: &'static str, at: Timestamp) {
        if let Some(span) = self.attempts.get_mut(&attempt) {
            span.moments.push(Moment { name, at });
        }
    }

    fn attempt_ended(&mut self, attempt: AttemptId, how: &EndKind, at: Timestamp) {
        let (result, why) = match how {
            EndKind::Exited { code } => {
                if let Some(span) = self.attempts.get_mut(&attempt) {
                    span.attributes.push(("process.exit.code", Value::Number(*code)));
                }
                (if *code == 0 { Result::Success } else { Result::Failure }, format!("it exited {code}"))
            }
            EndKind::Signalled { signal } => (Result::Failure, format!("signal {signal} ended it")),
            EndKind::TimedOut => (Result::Timeout, "its time was over".to_owned()),
            EndKind::Cancelled => (Result::Cancellation, String::new()),
            EndKind::NotStarted { reason } => (Result::Skip, reason.clone()),
            EndKind::Unknown { .. } => return self.moment(attempt, "unknown", at),
        };
        self.end_attempt(attempt, result, &why, at);
    }

    fn end_attempt(&mut self, attempt: AttemptId, result: Result, why: &str, at: Timestamp) {
        if let Some(span) = self.attempts.get_mut(&attempt) {
            end(span, "pulse.attempt.result", result, Some(why), at);
        }
    }

    fn root(&self, (start, over): (Timestamp, Timestamp), context: &TraceContext, last: &Event, links: Vec<Link>) -> Span {
        let created = self.created;
        let (result, message) = match last {
            Event::Ended { status: ExecutionEnd::Succeeded, .. } => (Result::Success, None),
            Event::Ended { status: ExecutionEnd::Cancelled, .. } => (Result::Cancellation, None),
            Event::Ended { message, .. } if self.timed_out => (Result::Timeout, message.as_deref()),
            Event::Ended { message, .. } => (Result::Failure, message.as_deref()),
            _ => (Result::Error, None),
        };
        let mut root = self.span(self.root_id(), format!("RUN {}", created.workflow), start);
        root.kind = SpanKind::Server;
        root.parent.clone_from(&context.parent);
        root.links = links;
        let trigger = match created.trigger.kind {
            TriggerKind::Person => "person",
            TriggerKind::Schedule => "schedule",
        };
        root.attributes = vec![
            ("cicd.pipeline.name", Value::Text(created.workflow.clone())),
            ("cicd.pipeline.action.name", Value::Text("RUN".to_owned())),
            ("cicd.pipeline.run.id", Value::Text(created.id.to_string())),
            ("cicd.pipeline.run.url.full", Value::Text(self.url.to_owned())),
            ("vcs.ref.head.revision", Value::Text(created.commit.clone())),
            ("pulse.execution.number", Value::Number(created.number)),
            ("pulse.trigger", Value::Text(trigger.to_owned())),
        ];
        end(&mut root, "cicd.pipeline.result", result, message, over);
        root
    }

    /// What has no end of its own ends with the execution.
    fn finish(self, root: Span, over: Timestamp) -> Vec<Span> {
        let steps = self.steps.into_iter().map(|mut step| {
            if step.open {
                step.span.end = over;
            }
            step.span
        });
        let mut all: Vec<Span> = std::iter::once(root).chain(steps).collect();
        for mut attempt in self.attempts.into_values() {
            if !attempt.attributes.iter().any(|(name, _)| *name == "pulse.attempt.result") {
                end(&mut attempt, "pulse.attempt.result", Result::Error, Some("nobody knows how it ended"), over);
            }
            all.push(attempt);
        }
        all
    }
}

fn end(span: &mut Span, name: &'static str, result: Result, message: Option<&str>, at: Timestamp) {
    span.end = at.max(span.start);
    span.attributes.push((name, Value::Text(result.as_str().to_owned())));
    if result.is_error() {
        span.attributes.push(("error.type", Value::Text(result.as_str().to_owned())));
        span.error = Some(message.unwrap_or_default().to_owned());
    }
}

const fn of_step(status: StepStatus) -> Result {
    match status {
        StepStatus::Succeeded => Result::Success,
        StepStatus::Failed => Result::Failure,
        StepStatus::Skipped => Result::Skip,
        StepStatus::Cancelled => Result::Cancellation,
        StepStatus::Unknown | StepStatus::Pending | StepStatus::Running | StepStatus::Waiting => Result::Error,
    }
}
