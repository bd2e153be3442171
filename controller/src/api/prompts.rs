//! Prompts: what people are asked, what they should know before they answer, and their answer.

use super::answers::{Answered, Evidence, EvidenceGroup, Page, PromptDetail, PromptView, Row, StreamEnd};
use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::reply::Object;
use super::time::At;
use super::{App, Problem, sight};
use crate::audit::Ticket;
use axum::extract::State;
use axum::response::Json;
use pulse_core::access::{self, Verb};
use pulse_core::elapsed::deadline;
use pulse_core::execution::{Execution, Input, Outcome, PromptStatus, evidence};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, AttemptId, PromptId};
use pulse_store::{Order, PromptFilter, StoredPrompt};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a comment.
const MAX_COMMENT: usize = 4000;
/// Bytes of a stream's end that are shown.
const TAIL: u64 = 4096;
/// Groups whose output is shown; the others are counted.
const SHOWN_GROUPS: usize = 20;

/// The parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// `open` unless said, `answered`, `expired`, `withdrawn` or `all`.
    #[schemars(regex(pattern = "^(open|answered|expired|withdrawn|all)$"))]
    status: Option<String>,
    /// Those of this workflow.
    workflow: Option<String>,
    /// Those of workflows of this source.
    source: Option<String>,
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    #[schemars(with = "Option<PromptId>")]
    cursor: Option<String>,
}

/// `GET /api/v1/prompts`: what is open, the oldest first; or the history, the newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Page<Row<PromptView>>, Problem> {
    let status = status_of(query.status.as_deref())?;
    let cursor = query.cursor.map(|cursor| cursor.parse::<PromptId>()).transpose();
    let cursor = cursor.map_err(|_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before"))?;
    let order = if status == Some(PromptStatus::Open) { Order::OldestFirst } else { Order::NewestFirst };
    let filter = PromptFilter { status, execution: None, workflow: query.workflow, source: query.source };
    let found = app.engine.store().prompts(&filter, order, limit(query.limit)?, cursor).await?;
    let labels = sight::labels_of(&app, &found.items.iter().flatten().collect::<Vec<_>>()).await?;
    let none = BTreeMap::new();
    let items = found.items.into_iter().filter_map(|item| match item {
        Ok(prompt) => {
            let object = sight::prompt(&prompt, labels.get(&prompt.execution).unwrap_or(&none));
            caller.sees(&object).then(|| Row::Read(view(&app, &caller, &prompt, &object)))
        }
        Err(error) => Some(Row::Unreadable(error.into())),
    });
    Ok(page(items, found.next.map(|id| id.to_string())))
}

fn status_of(word: Option<&str>) -> Result<Option<PromptStatus>, Problem> {
    match word {
        None => Ok(Some(PromptStatus::Open)),
        Some("all") => Ok(None),
        Some(word) => {
            let found = PromptStatus::ALL.into_iter().find(|status| status.as_str() == word);
            let words = PromptStatus::ALL.map(PromptStatus::as_str).join(", ");
            found.map(Some).ok_or_else(|| Problem::parameter("status", format!("it is none of {words}, all")))
        }
    }
}

/// `GET /api/v1/prompts/{id}`, with the evidence.
pub(super) async fn one(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Object<PromptDetail>, Problem> {
    let (prompt, labels) = find(&app, &caller, &text).await?;
    let view = view(&app, &caller, &prompt, &sight::prompt(&prompt, &labels));
    let Some(execution) = app.engine.view(prompt.execution).await? else {
        return Ok(Object(PromptDetail { prompt: view, targets: None, evidence: None }));
    };
    let targets: BTreeSet<&AgentName> = execution.created.selections.iter().flat_map(|selection| &selection.agents).collect();
    let evidence = told(&app, &execution, prompt.row.prompt).await?;
    let targets = targets.into_iter().cloned().collect();
    Ok(Object(PromptDetail { prompt: view, targets: Some(targets), evidence: Some(evidence) }))
}

/// An answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AnswerPrompt")]
pub(super) struct Answer {
    /// One of the question's options.
    answer: String,
    /// What there is to say of it.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    comment: Option<String>,
}

/// `POST /api/v1/prompts/{id}/answer`: the first answer counts.
pub(super) async fn answer(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    ticket: Ticket,
    Body(wanted): Body<Answer>,
) -> Result<Json<Answered>, Problem> {
    let comment = wanted.comment.map(|comment| comment.trim().to_owned()).filter(|comment| !comment.is_empty());
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > MAX_COMMENT) {
        return Err(Problem::parameter("comment", format!("at most {MAX_COMMENT} characters")));
    }
    let (prompt, labels) = find(&app, &caller, &text).await?;
    caller.may(Verb::Answer, &sight::prompt(&prompt, &labels))?;
    let (execution, id) = (prompt.execution, prompt.row.prompt);
    ticket.say("prompt", id.to_string());
    ticket.say("answer", wanted.answer.as_str());
    let input = Input::Answer { prompt: id, answer: wanted.answer.clone(), by: caller.by(), comment };
    let changed = match app.engine.submit(execution, input, Some(ticket.hand_over(200))).await? {
        Outcome::Done => true,
        Outcome::Unchanged => {
            ticket.unchanged();
            false
        }
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let status = app.engine.view(execution).await?.map(|execution| execution.status.as_str());
    let name = format!("{}#{}", prompt.workflow, prompt.number);
    Ok(Json(Answered { id, execution, name, answer: wanted.answer, changed, status }))
}

/// The prompt, if the caller sees it, with the labels of its execution.
async fn find(app: &App, caller: &Caller, text: &str) -> Result<(StoredPrompt, BTreeMap<String, String>), Problem> {
    let unknown = || {
        let shown: String = text.chars().take(100).collect();
        Problem::not_found("no_such_prompt", format!("there is no prompt `{shown}`"))
    };
    let id = text.parse::<PromptId>().map_err(|_| unknown())?;
    let prompt = app.engine.store().prompt(id).await?.ok_or_else(unknown)?;
    let labels = sight::labels_of(app, &[&prompt]).await?.remove(&prompt.execution).unwrap_or_default();
    if caller.sees(&sight::prompt(&prompt, &labels)) { Ok((prompt, labels)) } else { Err(unknown()) }
}

fn view(app: &App, caller: &Caller, prompt: &StoredPrompt, object: &access::Object) -> PromptView {
    let (row, end) = (&prompt.row, prompt.end.as_ref());
    let absences = app.engine.absences();
    // Of one that is closed it says nothing, and later absences would move it.
    let until = row.timeout.filter(|_| end.is_none()).map(|timeout| deadline(row.opened_at, timeout, absences));
    PromptView {
        id: row.prompt,
        execution: prompt.execution,
        name: format!("{}#{}", prompt.workflow, prompt.number),
        workflow: prompt.workflow.clone(),
        source: prompt.source.clone(),
        step: row.step.clone(),
        visit: row.visit,
        message: row.message.clone(),
        options: row.options.clone(),
        who: row.who.clone(),
        may_answer: caller.may(Verb::Answer, object).is_ok(),
        opened_at: row.opened_at.into(),
        timeout: row.timeout,
        deadline: until.map(At),
        status: prompt.status().as_str(),
        answer: end.and_then(|end| end.answer.clone()),
        answered_by: end.and_then(|end| end.by.clone()),
        comment: end.and_then(|end| end.comment.clone()),
        closed_at: end.map(|end| At(end.at)),
    }
}

async fn told(app: &App, execution: &Execution, prompt: PromptId) -> Result<Option<Evidence>, Problem> {
    let index = execution.prompts.get(&prompt).copied();
    let Some(evidence) = index.and_then(|index| evidence(execution, index)) else { return Ok(None) };
    let mut groups = Vec::new();
    for (place, group) in evidence.groups.iter().enumerate() {
        let output = group.output.as_ref();
        let shown = output.filter(|_| place < SHOWN_GROUPS).map(|output| output.attempt);
        let (stdout, stderr) =
            (output.and_then(|output| output.stdout.as_ref()), output.and_then(|output| output.stderr.as_ref()));
        groups.push(EvidenceGroup {
            agents: group.agents.iter().map(|&agent| agent.clone()).collect(),
            status: group.status,
            exit_code: group.exit_code,
            stdout: stream(app, shown, Stream::Stdout, stdout).await?,
            stderr: stream(app, shown, Stream::Stderr, stderr).await?,
        });
    }
    let run = evidence.run;
    Ok(Some(Evidence { step: run.path.clone(), visit: run.visit, status: run.status, groups }))
}

/// A stream's size, digest and end; null where the command did not run. Output may still be on its way when its command has
/// ended; `complete` says whether the end is there.
async fn stream(
    app: &App,
    sample: Option<AttemptId>,
    stream: Stream,
    totals: Option<&OutputTotals>,
) -> Result<Option<StreamEnd>, Problem> {
    let Some(totals) = totals else { return Ok(None) };
    let (mut tail, mut complete) = (Vec::new(), false);
    if let Some(attempt) = sample {
        let from = totals.bytes.saturating_sub(TAIL);
        let found = app.engine.store().read_output(attempt, stream, from, TAIL as usize).await?;
        complete = found.stored >= totals.bytes;
        tail = found.pieces.into_iter().flat_map(|piece| piece.bytes).collect();
    }
    let tail = String::from_utf8_lossy(if totals.bytes > TAIL { from_a_character(&tail) } else { &tail }).into_owned();
    Ok(Some(StreamEnd { bytes: totals.bytes, sha256: totals.sha256.clone(), tail, complete }))
}

/// Without the rest of a character whose beginning is cut off.
fn from_a_character(tail: &[u8]) -> &[u8] {
    let rest = tail.iter().take(3).take_while(|byte| matches!(byte, 0x80..=0xbf)).count();
    &tail[rest..]
}

#[cfg(test)]
mod tests {
    use super::from_a_character;

    #[test]
    fn a_tail_begins_with_a_character() {
        for cut in 0..4 {
            let text = &"𝄞€".as_bytes()[cut..];
            let expected: &str = if cut == 0 { "𝄞€" } else { "€" };
            assert_eq!(from_a_character(text), expected.as_bytes(), "{cut} bytes are cut off");
        }
        assert_eq!(from_a_character(&[0x80; 5]), [0x80; 2], "what is no text is shown as none");
        assert_eq!(from_a_character(b""), b"");
    }
}
