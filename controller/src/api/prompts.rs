//! Prompts: what people are asked, what they should know before they answer, and their answer.

use super::body::Json as Body;
use super::caller::Caller;
use super::extract::{Parameters, Segment};
use super::list::{limit, page};
use super::time::{optional, rfc3339};
use super::{App, Problem, sight};
use axum::extract::State;
use axum::response::Json;
use pulse_core::access::{Object, Verb};
use pulse_core::elapsed::deadline;
use pulse_core::execution::{Execution, Outcome, PromptStatus, evidence};
use pulse_protocol::message::Stream;
use pulse_protocol::observation::OutputTotals;
use pulse_protocol::{AgentName, AttemptId, PromptId};
use pulse_store::{Order, PromptFilter, StoredPrompt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a comment.
const MAX_COMMENT: usize = 4000;
/// Bytes of a stream's end that are shown.
const TAIL: u64 = 4096;
/// Groups whose output is shown; the others are counted.
const SHOWN_GROUPS: usize = 20;

/// The parameters of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    status: Option<String>,
    workflow: Option<String>,
    source: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /api/v1/prompts`: what is open, the oldest first; or the history, the newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<Value>, Problem> {
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
            caller.sees(&object).then(|| view(&app, &caller, &prompt, &object))
        }
        Err(error) => Some(json!({ "id": error.key, "status": "unreadable", "message": error.to_string() })),
    });
    Ok(Json(page(items.collect(), found.next.map(|id| id.to_string()))))
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
pub(super) async fn one(State(app): State<App>, Segment(text): Segment, caller: Caller) -> Result<Json<Value>, Problem> {
    let (prompt, labels) = find(&app, &caller, &text).await?;
    let mut value = view(&app, &caller, &prompt, &sight::prompt(&prompt, &labels));
    let Some(execution) = app.engine.view(prompt.execution).await? else { return Ok(Json(value)) };
    let targets: BTreeSet<&AgentName> = execution.created.selections.iter().flat_map(|selection| &selection.agents).collect();
    value["targets"] = json!(targets);
    value["evidence"] = told(&app, &execution, prompt.row.prompt).await?;
    Ok(Json(value))
}

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    answer: String,
    #[serde(default)]
    comment: Option<String>,
}

/// `POST /api/v1/prompts/{id}/answer`: the first answer counts.
pub(super) async fn answer(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Body(wanted): Body<Answer>,
) -> Result<Json<Value>, Problem> {
    let comment = wanted.comment.map(|comment| comment.trim().to_owned()).filter(|comment| !comment.is_empty());
    if comment.as_ref().is_some_and(|comment| comment.chars().count() > MAX_COMMENT) {
        return Err(Problem::parameter("comment", format!("at most {MAX_COMMENT} characters")));
    }
    let (prompt, labels) = find(&app, &caller, &text).await?;
    caller.may(Verb::Answer, &sight::prompt(&prompt, &labels))?;
    let (execution, id) = (prompt.execution, prompt.row.prompt);
    let changed = match app.engine.answer(execution, id, wanted.answer.clone(), caller.by(), comment).await? {
        Outcome::Done => true,
        Outcome::Unchanged => false,
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let status = app.engine.view(execution).await?.map(|execution| execution.status.as_str());
    Ok(Json(json!({
        "id": id,
        "execution": execution,
        "name": format!("{}#{}", prompt.workflow, prompt.number),
        "answer": wanted.answer,
        "changed": changed,
        "status": status,
    })))
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

fn view(app: &App, caller: &Caller, prompt: &StoredPrompt, object: &Object) -> Value {
    let (row, end) = (&prompt.row, prompt.end.as_ref());
    let absences = app.engine.absences();
    // Of one that is closed it says nothing, and later absences would move it.
    let until = row.timeout.filter(|_| end.is_none()).map(|timeout| deadline(row.opened_at, timeout, absences));
    json!({
        "id": row.prompt,
        "execution": prompt.execution,
        "name": format!("{}#{}", prompt.workflow, prompt.number),
        "workflow": prompt.workflow,
        "source": prompt.source,
        "step": row.step,
        "visit": row.visit,
        "message": row.message,
        "options": row.options,
        "who": row.who,
        "mayAnswer": caller.may(Verb::Answer, object).is_ok(),
        "openedAt": rfc3339(row.opened_at),
        "timeout": row.timeout,
        "deadline": optional(until),
        "status": prompt.status().as_str(),
        "answer": end.and_then(|end| end.answer.as_ref()),
        "answeredBy": end.and_then(|end| end.by.as_ref()),
        "comment": end.and_then(|end| end.comment.as_ref()),
        "closedAt": optional(end.map(|end| end.at)),
    })
}

async fn told(app: &App, execution: &Execution, prompt: PromptId) -> Result<Value, Problem> {
    let index = execution.prompts.get(&prompt).copied();
    let Some(evidence) = index.and_then(|index| evidence(execution, index)) else { return Ok(Value::Null) };
    let mut groups = Vec::new();
    for (place, group) in evidence.groups.iter().enumerate() {
        let output = group.output.as_ref();
        let shown = output.filter(|_| place < SHOWN_GROUPS).map(|output| output.attempt);
        let (stdout, stderr) =
            (output.and_then(|output| output.stdout.as_ref()), output.and_then(|output| output.stderr.as_ref()));
        groups.push(json!({
            "agents": group.agents,
            "status": group.status,
            "exitCode": group.exit_code,
            "stdout": stream(app, shown, Stream::Stdout, stdout).await?,
            "stderr": stream(app, shown, Stream::Stderr, stderr).await?,
        }));
    }
    let run = evidence.run;
    Ok(json!({ "step": run.path, "visit": run.visit, "status": run.status, "groups": groups }))
}

/// A stream's size, digest and end; null where the command did not run. Output may still be on its way when its command has
/// ended; `complete` says whether the end is there.
async fn stream(app: &App, sample: Option<AttemptId>, stream: Stream, totals: Option<&OutputTotals>) -> Result<Value, Problem> {
    let Some(totals) = totals else { return Ok(Value::Null) };
    let (mut tail, mut complete) = (Vec::new(), false);
    if let Some(attempt) = sample {
        let from = totals.bytes.saturating_sub(TAIL);
        let found = app.engine.store().read_output(attempt, stream, from, TAIL as usize).await?;
        complete = found.stored >= totals.bytes;
        tail = found.pieces.into_iter().flat_map(|piece| piece.bytes).collect();
    }
    let text = String::from_utf8_lossy(if totals.bytes > TAIL { from_a_character(&tail) } else { &tail });
    Ok(json!({ "bytes": totals.bytes, "sha256": totals.sha256, "tail": text, "complete": complete }))
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
