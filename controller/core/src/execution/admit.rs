//! Takes in what comes from outside: word of agents, requests of people. Each input becomes events, or changes nothing, or is
//! refused with a reason; that is decided here and nowhere else.

use crate::execution::{CancelMode, Event, Execution, StepRun, Verdict};
use crate::time::Timestamp;
use crate::transition::{AttemptChange, AttemptState, ResolvedAs, TrackLoss};
use crd_schemas::manifest::{Execute, Retry};
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{AgentName, AttemptId, Ended, Incarnation, Observation, Observed, PromptId};

/// Attempts in a row that may be proven never to have started before the target fails.
const UNSTARTED_LIMIT: u32 = 5;

/// Something from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's sentence names its fields")]
pub enum Input {
    /// An agent reports an attempt.
    Observed { agent: AgentName, observation: Observation },
    /// An agent's full picture, of the journal named, has nothing of an attempt that is open here.
    Absent { agent: AgentName, attempt: AttemptId, incarnation: Incarnation },
    /// Somebody wants it to end.
    Cancel { mode: CancelMode, by: String, reason: String },
    /// Somebody settles an `unknown`.
    Resolve { attempt: AttemptId, outcome: ResolvedAs, by: String, reason: String },
    /// Somebody answers a prompt.
    Answer { prompt: PromptId, answer: String, by: String, comment: Option<String> },
}

impl Input {
    /// Whether it may be decided again when its commit failed, or nobody knows whether it did. What is absent was so at one moment: what
    /// was said after it may be stored by now, and would be contradicted. The agent's next full picture says it again.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Absent { .. })
    }
}

/// What becomes of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// These events, to be folded and committed before anybody is answered.
    Events(Vec<Event>),
    /// Already so, or overtaken: acknowledge, change nothing.
    Stale,
    /// Not possible.
    Refused(Refusal),
}

/// What the sender of an input is told once everything before it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It changed something.
    Done,
    /// It changed nothing, because it was already so.
    Unchanged,
    /// It was refused.
    Refused(Refusal),
}

/// Why an input is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Terminal states are final.
    #[error("the execution is over ({status}); terminal states are final")]
    Over {
        /// How it ended.
        status: &'static str,
    },
    /// The execution has no such attempt.
    #[error("the execution has no attempt {0}")]
    NoSuchAttempt(AttemptId),
    /// An agent spoke of another agent's attempt.
    #[error("attempt {attempt} belongs to another agent than {agent}")]
    NotYours {
        /// The attempt.
        attempt: AttemptId,
        /// Who spoke.
        agent: AgentName,
    },
    /// Only an `unknown` can be settled.
    #[error("attempt {attempt} is {state}, not unknown; only an unknown attempt can be settled")]
    NotUnknown {
        /// The attempt.
        attempt: AttemptId,
        /// Its state.
        state: &'static str,
    },
    /// The execution has no such prompt.
    #[error("the execution has no prompt {0}")]
    NoSuchPrompt(PromptId),
    /// The prompt has no such option.
    #[error("`{answer}` is none of the options: {options}")]
    NoSuchOption {
        /// The answer, cut to 80 characters.
        answer: String,
        /// The options.
        options: String,
    },
    /// Somebody else was quicker, or said something else before.
    #[error("{by} has answered `{answer}`")]
    Answered {
        /// The winner.
        by: String,
        /// Their answer.
        answer: String,
        /// When.
        at: Timestamp,
    },
    /// The prompt's time was over.
    #[error("nobody answered in time; the prompt was closed{}", .answer.as_ref().map_or_else(String::new, |answer| format!(" with `{answer}`")))]
    Expired {
        /// The answer that was taken instead.
        answer: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// The execution is being ended, so the question is not asked any more.
    #[error("the prompt was withdrawn: {0}")]
    Withdrawn(String),
    /// A report that contradicts what is recorded.
    #[error("attempt {attempt} is {state}: {change} contradicts that")]
    Contradiction {
        /// The attempt.
        attempt: AttemptId,
        /// Its state.
        state: &'static str,
        /// What was reported.
        change: &'static str,
    },
}

/// Judges one input against the present state.
pub fn admit(execution: &Execution, input: &Input, now: Timestamp) -> Admitted {
    match input {
        Input::Observed { agent, observation } => observed(execution, agent, observation, now),
        Input::Absent { agent, attempt, incarnation } => absent(execution, agent, *attempt, *incarnation),
        Input::Cancel { mode, by, reason } => cancel(execution, *mode, by, reason),
        Input::Resolve { attempt, outcome, by, reason } => resolve(execution, *attempt, *outcome, by, reason),
        Input::Answer { prompt, answer, by, comment } => answered(execution, *prompt, answer, by, comment.as_deref()),
    }
}

fn observed(execution: &Execution, agent: &AgentName, observation: &Observation, now: Timestamp) -> Admitted {
    let id = observation.attempt;
    let attempt = match execution.attempts.get(&id) {
        None => return Admitted::Refused(Refusal::NoSuchAttempt(id)),
        Some(attempt) if attempt.target != *agent => {
            return Admitted::Refused(Refusal::NotYours { attempt: id, agent: agent.clone() });
        }
        Some(attempt) => attempt,
    };
    let change = match &observation.observed {
        Observed::Accepted => AttemptChange::Accept,
        Observed::Started { pid } => AttemptChange::Start { pid: *pid },
        Observed::Ended(ended) => AttemptChange::End(ended.how.clone()),
    };
    if let (Observed::Ended(ended), true) = (&observation.observed, settled_without_evidence(execution, id)) {
        return Admitted::Events(vec![Event::EvidenceRecorded { attempt: id, ended: ended.clone() }]);
    }
    match attempt.state.next(&change) {
        Ok(_) if execution.status.is_terminal() || !execution.is_open(id) => Admitted::Stale,
        Ok(_) => Admitted::Events(vec![match &observation.observed {
            Observed::Accepted => Event::AttemptAccepted { attempt: id },
            Observed::Started { pid } => Event::AttemptStarted { attempt: id, pid: *pid },
            Observed::Ended(ended) => {
                let verdict = judge(execution, id, ended, now);
                Event::AttemptEnded { attempt: id, ended: ended.clone(), verdict }
            }
        }]),
        Err(illegal) if illegal.stale => Admitted::Stale,
        // Word that contradicts what it said before: from here on its word on this attempt proves nothing.
        Err(_) if attempt.state.is_active() && !execution.status.is_terminal() => {
            Admitted::Events(vec![Event::AttemptLost { attempt: id, loss: TrackLoss::Contradicted }])
        }
        Err(illegal) => Admitted::Refused(Refusal::Contradiction { attempt: id, state: illegal.from, change: illegal.by }),
    }
}

/// Word of the end still matters to readers, but can change nothing: a person settled it, a reboot that was expected did, or the
/// execution ended without it.
fn settled_without_evidence(execution: &Execution, id: AttemptId) -> bool {
    execution.attempts.get(&id).is_some_and(|attempt| {
        let settled = match attempt.state {
            AttemptState::Resolved(_) => true,
            AttemptState::Unknown(_) => execution.status.is_terminal() || !execution.is_open(id),
            _ => false,
        };
        settled && attempt.evidence.is_none()
    })
}

/// An attempt that was never accepted is simply not there yet, and is sent again. One that was, or whose journal is gone, is
/// unknown: the journal that could have proven anything no longer has it.
fn absent(execution: &Execution, agent: &AgentName, id: AttemptId, incarnation: Incarnation) -> Admitted {
    let attempt = match execution.attempts.get(&id) {
        None => return Admitted::Refused(Refusal::NoSuchAttempt(id)),
        Some(attempt) if attempt.target != *agent => {
            return Admitted::Refused(Refusal::NotYours { attempt: id, agent: agent.clone() });
        }
        Some(attempt) => attempt,
    };
    let still_to_come = attempt.state == AttemptState::Assigned && attempt.incarnation == incarnation;
    if still_to_come || !attempt.state.is_active() || execution.status.is_terminal() {
        return Admitted::Stale;
    }
    Admitted::Events(vec![Event::AttemptLost { attempt: id, loss: TrackLoss::JournalLost }])
}

fn cancel(execution: &Execution, mode: CancelMode, by: &str, reason: &str) -> Admitted {
    if execution.status.is_terminal() {
        return Admitted::Refused(Refusal::Over { status: execution.status.as_str() });
    }
    if execution.cancel.as_ref().is_some_and(|cancel| cancel.mode >= mode) {
        return Admitted::Stale;
    }
    Admitted::Events(vec![Event::CancelRequested { mode, by: by.to_owned(), reason: reason.to_owned() }])
}

fn resolve(execution: &Execution, id: AttemptId, outcome: ResolvedAs, by: &str, reason: &str) -> Admitted {
    let Some(attempt) = execution.attempts.get(&id) else { return Admitted::Refused(Refusal::NoSuchAttempt(id)) };
    if attempt.state == AttemptState::Resolved(outcome) {
        return Admitted::Stale;
    }
    if execution.status.is_terminal() {
        return Admitted::Refused(Refusal::Over { status: execution.status.as_str() });
    }
    if !execution.unknown.contains(&id) {
        let rebooted = matches!(attempt.state, AttemptState::Unknown(_));
        let state = if rebooted { "settled by the reboot that its step expects" } else { attempt.state.as_str() };
        return Admitted::Refused(Refusal::NotUnknown { attempt: id, state });
    }
    Admitted::Events(vec![Event::AttemptResolved { attempt: id, outcome, by: by.to_owned(), reason: reason.to_owned() }])
}

/// The first answer counts. The same one by the same person is no second one.
fn answered(execution: &Execution, id: PromptId, answer: &str, by: &str, comment: Option<&str>) -> Admitted {
    let Some((run, prompt)) = execution.asked(id) else { return Admitted::Refused(Refusal::NoSuchPrompt(id)) };
    if let Some(end) = prompt.end.as_ref().filter(|_| !planted::is(Bug::PromptTwice)) {
        return match (&end.answer, &end.by) {
            (Some(given), Some(winner)) if given == answer && winner == by => Admitted::Stale,
            (Some(given), Some(winner)) => {
                Admitted::Refused(Refusal::Answered { by: winner.clone(), answer: given.clone(), at: end.at })
            }
            (given, _) => Admitted::Refused(Refusal::Expired { answer: given.clone(), at: end.at }),
        };
    }
    if let Some(why) = withdrawn(execution, run).filter(|_| prompt.end.is_none()) {
        return Admitted::Refused(Refusal::Withdrawn(why));
    }
    if !prompt.options.iter().any(|option| option == answer) {
        let options = crate::values::listed(prompt.options.iter().map(String::as_str));
        return Admitted::Refused(Refusal::NoSuchOption { answer: answer.chars().take(80).collect(), options });
    }
    let (answer, by, comment) = (answer.to_owned(), by.to_owned(), comment.map(str::to_owned));
    Admitted::Events(vec![Event::PromptAnswered { prompt: id, answer, by, comment }])
}

/// Why a question without an answer is not asked any more.
fn withdrawn(execution: &Execution, run: &StepRun) -> Option<String> {
    match (&execution.cancel, execution.timed_out) {
        (Some(cancel), _) => Some(format!("the execution was cancelled by {}", cancel.by)),
        (None, Some(_)) => Some("the workflow's timeout is over".to_owned()),
        (None, None) => run.status.is_terminal().then(|| format!("the step is over ({})", run.status)),
    }
}

/// What the end of an attempt means for its target.
fn judge(execution: &Execution, id: AttemptId, ended: &Ended, now: Timestamp) -> Verdict {
    let killed = execution.cancel.as_ref().is_some_and(|cancel| cancel.mode == CancelMode::Kill);
    let Some(attempt) = execution.attempts.get(&id) else { return Verdict::Unknown };
    let run = &execution.steps[attempt.step];
    let Some(spec) = execution.compiled(run).execute() else { return Verdict::Unknown };
    let until = attempt.started_at.unwrap_or(attempt.assigned_at).plus(spec.timeout);
    let reason = match &ended.how {
        EndKind::Unknown { reason: UnknownReason::HostRebooted } if spec.expect_disconnect && now <= until => {
            return Verdict::Succeeded;
        }
        // Whether it could have been seen to come back earlier is for the rule to say.
        EndKind::Unknown { reason: UnknownReason::HostRebooted } if spec.expect_disconnect => return Verdict::Reboot { until },
        EndKind::Unknown { .. } => return Verdict::Unknown,
        // The command is over, or the host's going down ended it; whether it went down, the next boot id says.
        EndKind::Signalled { .. } if spec.expect_disconnect && !killed => return Verdict::Reboot { until },
        EndKind::Exited { code } if spec.expect_disconnect && is_success(spec, *code) => return Verdict::Reboot { until },
        EndKind::Exited { code } if is_success(spec, *code) => return Verdict::Succeeded,
        EndKind::Cancelled if killed => return Verdict::Cancelled,
        EndKind::NotStarted { .. } if execution.is_stopping() => return Verdict::Cancelled,
        // People held it, above all with a pause: no attempt that failed to start, however often they do.
        EndKind::NotStarted { reason } if ended.withdrawn => return Verdict::Again { reason: reason.clone() },
        EndKind::NotStarted { reason } => {
            let before = run.targets.get(&attempt.target).map_or(0, |target| target.uncounted);
            return if before + 1 >= UNSTARTED_LIMIT {
                Verdict::Failed { reason: format!("{UNSTARTED_LIMIT} attempts in a row never started; the last: {reason}") }
            } else {
                Verdict::Again { reason: reason.clone() }
            };
        }
        EndKind::Cancelled => return Verdict::Failed { reason: "ended on request".into() },
        EndKind::Exited { code } => format!("exit code {code}"),
        EndKind::Signalled { signal } => format!("ended by signal {signal}"),
        EndKind::TimedOut => format!("timed out after {}", spec.timeout),
    };
    let tries = run.targets.get(&attempt.target).map_or(0, |target| target.tries) + 1;
    match &spec.retry {
        Some(retry) if tries < retry.attempts && !execution.is_stopping() => {
            Verdict::Retry { at: Timestamp(now.0.saturating_add(backoff_micros(retry, tries, id))), reason }
        }
        _ => Verdict::Failed { reason },
    }
}

pub(super) fn is_success(spec: &Execute, code: i64) -> bool {
    spec.success_exit_codes.iter().any(|ok| i64::from(*ok) == code)
}

/// Doubled for each try after the first, bounded, plus up to a fifth taken from the attempt id's random bits: the same history
/// gives the same waits, and a thousand targets do not come back in the same instant.
fn backoff_micros(retry: &Retry, tries: u32, id: AttemptId) -> i64 {
    let base = retry.backoff.as_micros();
    let doubled = base.checked_shl(tries.saturating_sub(1).min(62)).filter(|wait| *wait >= base);
    let bounded = doubled.unwrap_or(i64::MAX).min(retry.max_backoff.as_micros());
    let random = i64::from(id.0.as_bytes()[15]);
    bounded.saturating_add(bounded / 5 / 255 * random)
}
