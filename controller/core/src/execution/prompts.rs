//! Prompts as rows: what an event opens and closes of the questions that people are asked. Written in the transaction of the event,
//! so that lists of questions need no history.

use crate::execution::{Event, Execution, StepPath};
use crate::time::Timestamp;
use crd_schemas::Duration;
use pulse_protocol::PromptId;

/// A question that an execution opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRow {
    /// Its id.
    pub prompt: PromptId,
    /// The step that asks.
    pub step: StepPath,
    /// The step's visit, from 1.
    pub visit: u32,
    /// What is asked.
    pub message: String,
    /// What can be answered.
    pub options: Vec<String>,
    /// Who may answer; whoever may answer this workflow's prompts where there is none.
    pub who: Vec<String>,
    /// When it was asked.
    pub opened_at: Timestamp,
    /// How long an answer is waited for while a controller runs; none for ever.
    pub timeout: Option<Duration>,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptStatus {
    /// An answer is waited for.
    Open,
    /// A person answered.
    Answered,
    /// Nobody answered in time.
    Expired,
    /// Its step ended without an answer, as after a cancel.
    Withdrawn,
}

impl PromptStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Open, Self::Answered, Self::Expired, Self::Withdrawn];

    /// The word for it in API, CLI and database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The end of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptClosed {
    /// Its id.
    pub prompt: PromptId,
    /// How it ended; never [`PromptStatus::Open`].
    pub status: PromptStatus,
    /// The answer that counts; also the one that is taken when time ran out.
    pub answer: Option<String>,
    /// Who answered.
    pub by: Option<String>,
    /// What they said of it.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What an event does to questions: at most one is opened, and at most one closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptChange {
    /// Opened.
    pub opened: Option<PromptRow>,
    /// Closed.
    pub closed: Option<PromptClosed>,
}

/// What an event does to questions, judged before it is folded.
pub fn prompt_change(execution: &Execution, event: &Event, at: Timestamp) -> PromptChange {
    PromptChange { opened: opened(execution, event, at), closed: closed(execution, event, at) }
}

/// The step that began last is the one that asks.
fn opened(execution: &Execution, event: &Event, at: Timestamp) -> Option<PromptRow> {
    let Event::PromptOpened { prompt, message, options, who, timeout } = event else { return None };
    let run = execution.steps.last()?;
    Some(PromptRow {
        prompt: *prompt,
        step: run.path.clone(),
        visit: run.visit,
        message: message.clone(),
        options: options.clone(),
        who: who.clone(),
        opened_at: at,
        timeout: *timeout,
    })
}

fn closed(execution: &Execution, event: &Event, at: Timestamp) -> Option<PromptClosed> {
    let (prompt, status, answer, by, comment) = match event {
        Event::PromptAnswered { prompt, answer, by, comment } => {
            (*prompt, PromptStatus::Answered, Some(answer.clone()), Some(by.clone()), comment.clone())
        }
        Event::PromptExpired { prompt, answer } => (*prompt, PromptStatus::Expired, answer.clone(), None, None),
        // After an answer the step ends too; then there is nothing left to withdraw.
        Event::StepEnded { step, visit, .. } => {
            let run = execution.steps.iter().rfind(|run| run.visit == *visit && run.path == *step)?;
            let open = run.prompt.as_ref().filter(|prompt| prompt.end.is_none())?;
            (open.id, PromptStatus::Withdrawn, None, None, None)
        }
        _ => return None,
    };
    Some(PromptClosed { prompt, status, answer, by, comment, at })
}

#[cfg(test)]
mod tests {
    use super::{PromptRow, PromptStatus};
    use crate::Timestamp;
    use crate::decide::{AgentView, Pass, pass};
    use crate::definitions::Program;
    use crate::execution::{CancelMode, Created, Event, EventRecord, Execution, Input, StepPath, Trigger};
    use crate::transition::WaitReason;
    use crd_schemas::Duration;
    use crd_schemas::manifest::Manifest;
    use pulse_protocol::{AgentName, AttemptId, ExecutionId, PromptId};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use uuid::Uuid;

    const WORKFLOW: &str = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: demo, labels: {team: infra}}\nspec:\n  steps:\n\
        \x20   - {id: first, type: prompt, message: Go on?, options: [\"Yes\", {value: \"No\", goto: first}], timeout: 1h, \
        onTimeout: {answer: \"Yes\"}}\n\
        \x20   - {id: second, type: prompt, message: And again?, options: [\"Yes\"], timeout: 1h}\n";

    /// An execution that asks, and the pass in which it did.
    fn asking() -> (Execution, Pass) {
        let parsed = crd_schemas::parse_file("w.yaml", WORKFLOW.as_bytes());
        let Some(Manifest::Workflow(workflow)) = parsed.documents.first().map(|document| document.manifest.clone()) else {
            panic!("{:?}", parsed.problems);
        };
        let text = |text: &str| text.to_owned();
        let created = Created {
            id: ExecutionId(Uuid::nil()),
            workflow: text("demo"),
            number: 1,
            source: text("main"),
            commit: text("c"),
            snapshot: text("s"),
            params: BTreeMap::new(),
            given: None,
            selections: Vec::new(),
            limit: None,
            trigger: Trigger::person(text("anna")),
            concurrency_key: None,
            queue_place: None,
            retry_of: Some(ExecutionId(Uuid::max())),
            carried: None,
            trace: None,
        };
        let first = EventRecord { seq: 1, at: Timestamp(0), event: Event::Created(Box::new(created)) };
        let program = Arc::new(Program::compile(&workflow).unwrap());
        let mut execution = Execution::begin(program, &first).unwrap();
        let done = step(&mut execution, &[], 1);
        (execution, done)
    }

    fn step(execution: &mut Execution, inputs: &[Input], minute: i64) -> Pass {
        let nobody = BTreeMap::<AgentName, AgentView>::new();
        let mut last = u128::from(execution.seq) << 16;
        let mut ids = || {
            last += 1;
            AttemptId(Uuid::from_u128(last))
        };
        pass(execution, inputs, &nobody, Timestamp(minute * 60_000_000), &mut ids).unwrap()
    }

    fn answer(prompt: PromptId, answer: &str, by: &str) -> Input {
        Input::Answer { prompt, answer: answer.to_owned(), by: by.to_owned(), comment: Some("fine".to_owned()) }
    }

    fn ends(pass: &Pass) -> Vec<(PromptId, PromptStatus, Option<&str>, Option<&str>)> {
        let closed = pass.prompts_closed.iter();
        closed.map(|end| (end.prompt, end.status, end.answer.as_deref(), end.by.as_deref())).collect()
    }

    #[test]
    fn a_question_is_opened_with_all_that_lists_show() {
        let (execution, done) = asking();
        let expected = PromptRow {
            prompt: execution.prompt.unwrap(),
            step: StepPath("first".to_owned()),
            visit: 1,
            message: "Go on?".to_owned(),
            options: vec!["Yes".to_owned(), "No".to_owned()],
            who: Vec::new(),
            opened_at: Timestamp(60_000_000),
            timeout: Some(Duration::from_secs(3600)),
        };
        assert_eq!((done.prompts_opened.as_slice(), done.prompts_closed.as_slice()), (&[expected][..], &[][..]));
        let summary = execution.summary(None);
        assert_eq!((summary.waits, summary.retry_of), (Some(WaitReason::Person), Some(ExecutionId(Uuid::max()))));
        assert_eq!(summary.labels, BTreeMap::from([("team".to_owned(), "infra".to_owned())]));
    }

    #[test]
    fn the_first_of_two_answers_closes_it_and_the_next_question_opens() {
        let (mut execution, done) = asking();
        let first = done.prompts_opened[0].prompt;
        let done = step(&mut execution, &[answer(first, "No", "anna"), answer(first, "Yes", "bert")], 2);
        assert_eq!(ends(&done), [(first, PromptStatus::Answered, Some("No"), Some("anna"))]);
        let end = &done.prompts_closed[0];
        assert_eq!((end.comment.as_deref(), end.at), (Some("fine"), Timestamp(120_000_000)));
        let again: Vec<_> = done.prompts_opened.iter().map(|row| (row.step.0.as_str(), row.visit)).collect();
        assert_eq!(again, [("first", 2)], "the answer leads back to the step");
    }

    #[test]
    fn time_runs_out_with_an_answer_or_without() {
        let (mut execution, done) = asking();
        let first = done.prompts_opened[0].prompt;
        let done = step(&mut execution, &[], 61);
        assert_eq!(ends(&done), [(first, PromptStatus::Expired, Some("Yes"), None)]);
        let second = done.prompts_opened[0].prompt;
        let done = step(&mut execution, &[], 121);
        assert_eq!(ends(&done), [(second, PromptStatus::Expired, None, None)]);
        assert!(execution.status.is_terminal() && execution.summary(None).waits.is_none());
    }

    #[test]
    fn a_cancel_withdraws_what_nobody_has_answered() {
        let cancel = Input::Cancel { mode: CancelMode::Drain, by: "eve".to_owned(), reason: "no".to_owned() };
        let (mut execution, done) = asking();
        let first = done.prompts_opened[0].prompt;
        let done = step(&mut execution, std::slice::from_ref(&cancel), 2);
        assert_eq!(ends(&done), [(first, PromptStatus::Withdrawn, None, None)]);
        // An answer that came before stays one.
        let (mut execution, done) = asking();
        let first = done.prompts_opened[0].prompt;
        let done = step(&mut execution, &[answer(first, "Yes", "anna"), cancel], 2);
        assert_eq!(ends(&done), [(first, PromptStatus::Answered, Some("Yes"), Some("anna"))]);
        assert!(done.prompts_opened.is_empty(), "nothing new is asked");
    }
}
