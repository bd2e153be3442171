//! The audit log: listed, exported whole, verified.

use super::answers::{AuditVerdict, AuditView, Page, Row, UnreadableAuditRow};
use super::extract::Parameters;
use super::list::{limit, page};
use super::reply::AuditLines;
use super::search::time;
use super::{App, Problem};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Json};
use futures_util::stream;
use pulse_core::audit::{Fault, Head, Outcome, Sealed, Walk};
use pulse_store::{AuditFilter, RowError, Store};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// Rows in one read of the chain.
const PIECE: u32 = 500;
/// Rows that one request verifies; the next one goes on behind them.
const STRETCH: i64 = 20_000;

/// A page of rows; one that cannot be read is told in its place.
type AuditPage = Page<Row<AuditView, UnreadableAuditRow>>;

/// The parameters of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Of this principal.
    principal: Option<String>,
    /// Of this action.
    action: Option<String>,
    /// On an object of this id or name.
    object: Option<String>,
    /// With this outcome.
    #[schemars(with = "Option<super::answers::words::AuditOutcome>")]
    outcome: Option<String>,
    /// Asked for at this time or later.
    #[schemars(with = "Option<pulse_core::Timestamp>")]
    since: Option<String>,
    /// Asked for before this time.
    #[schemars(with = "Option<pulse_core::Timestamp>")]
    until: Option<String>,
    /// Items of the page: 100 unless said, at most 500.
    #[schemars(range(min = 1))]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// `GET /api/v1/audit`: newest first.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<ListQuery>) -> Result<AuditPage, Problem> {
    let cursor = query.cursor.map(|cursor| cursor.parse::<Uuid>()).transpose();
    let cursor = cursor.map_err(|_| Problem::parameter("cursor", "it is not the `nextCursor` of a page before"))?;
    let filter = AuditFilter {
        principal: query.principal,
        action: query.action,
        object: query.object,
        outcome: query.outcome.as_deref().map(outcome).transpose()?,
        since: query.since.as_deref().map(|text| time("since", text)).transpose()?,
        until: query.until.as_deref().map(|text| time("until", text)).transpose()?,
    };
    let found = app.engine.store().audit_rows(&filter, limit(query.limit)?, cursor).await?;
    let items = found.items.into_iter().map(|item| match item {
        Ok(row) => Row::Read(row.into()),
        Err(error) => Row::Unreadable(error.into()),
    });
    Ok(page(items, found.next.map(|id| id.to_string())))
}

fn outcome(word: &str) -> Result<Outcome, Problem> {
    let found = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word);
    let words = || Outcome::ALL.map(Outcome::as_str).join(", ");
    found.ok_or_else(|| Problem::parameter("outcome", format!("it is none of {}", words())))
}

/// Which part of the chain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// From this row on.
    #[schemars(range(min = 1))]
    from: Option<i64>,
    /// Up to this row.
    #[schemars(range(min = 1))]
    to: Option<i64>,
}

/// `GET /api/v1/audit/export`: what is sealed, oldest first, a line of JSON each.
pub(super) async fn export(State(app): State<App>, Parameters(part): Parameters<Part>) -> Result<AuditLines, Problem> {
    let (from, to) = (part.from.unwrap_or(1), part.to.unwrap_or(i64::MAX));
    if from < 1 {
        return Err(Problem::parameter("from", "rows are numbered from 1 on"));
    }
    if to < from {
        return Err(Problem::parameter("to", "it must not be less than `from`"));
    }
    let store = app.engine.store().clone();
    // The first piece before the answer begins: what is wrong with the database is an answer of its own.
    let first = piece(&store, from - 1, to).await?;
    let rest = stream::try_unfold(Some((first, store)), move |next| async move {
        let Some(((lines, last), store)) = next else { return Ok(None) };
        let Some(last) = last else { return Ok((!lines.is_empty()).then_some((lines, None))) };
        let after = piece(&store, last, to).await.map_err(|error| {
            tracing::error!(%error, "an export of the audit log breaks off");
            std::io::Error::other("the export breaks off")
        })?;
        Ok::<_, std::io::Error>(Some((lines, Some((after, store)))))
    });
    Ok(AuditLines(([(header::CONTENT_TYPE, "application/jsonl")], Body::from_stream(rest)).into_response()))
}

/// Some rows as lines, and the last row's number where there may be more.
async fn piece(store: &Store, behind: i64, to: i64) -> Result<(Bytes, Option<i64>), pulse_store::Error> {
    let rows = store.audit_chain(behind, PIECE).await?;
    let (mut lines, mut last, whole) = (Vec::new(), None, rows.len() == PIECE as usize);
    for row in rows {
        let row: Sealed = row?;
        if row.seq > to {
            return Ok((lines.into(), None));
        }
        last = Some(row.seq);
        lines.extend(json!(row).to_string().into_bytes());
        lines.push(b'\n');
    }
    Ok((lines.into(), last.filter(|_| whole)))
}

/// `SEQ:HASH`.
const HEAD: &str = "^[0-9]+:[0-9a-f]{64}$";

/// From where on, and what somebody outside has seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// Believe everything up to this row, and begin behind it: `SEQ:HASH`.
    #[schemars(with = "Option<String>", regex(pattern = HEAD))]
    behind: Option<Head>,
    /// What the log of the controller, or an export, has said: that row is there, and is the same.
    #[schemars(with = "Option<String>", regex(pattern = HEAD))]
    head: Option<Head>,
}

/// `GET /api/v1/audit/verify`: walks a stretch of the chain and names the first row that does not hold.
pub(super) async fn verify(
    State(app): State<App>,
    Parameters(question): Parameters<Question>,
) -> Result<Json<AuditVerdict>, Problem> {
    let start = question.behind.unwrap_or(Head::START);
    let mut walk = Walk::behind(start, question.head);
    let (store, mut removed) = (app.engine.store(), 0);
    let ended = loop {
        let rows = store.audit_chain(walk.head().seq, PIECE).await?;
        if rows.is_empty() {
            break Some(walk.finish().map(drop));
        }
        // Retention takes rows from the beginning, also while somebody walks.
        let first = rows.first().and_then(|row| row.as_ref().ok()).filter(|row| row.seq > walk.head().seq + 1);
        if first.is_some() {
            let before = walk.head();
            match Walk::begin(before, first, store.audit_anchor().await?, question.head) {
                Ok(begun) => (removed, walk) = (removed + begun.head().seq - before.seq, begun),
                Err(fault) => break Some(Err(fault)),
            }
        }
        if let Err(fault) = rows.into_iter().try_for_each(|row| step(&mut walk, row)) {
            break Some(Err(fault));
        }
        if walk.head().seq - start.seq - removed >= STRETCH {
            break None;
        }
    };
    let more = ended.is_none();
    let fault = ended.and_then(Result::err);
    Ok(Json(AuditVerdict {
        ok: fault.is_none(),
        verified: walk.head().seq - start.seq - removed,
        removed,
        head: walk.head().to_string(),
        next: more.then(|| walk.head().to_string()),
        fault: fault.map(Into::into),
    }))
}

fn step(walk: &mut Walk, row: Result<Sealed, RowError>) -> Result<(), Fault> {
    let due = walk.head().seq + 1;
    let row = row.map_err(|error| {
        let seq = error.key.as_deref().and_then(|key| key.parse().ok()).unwrap_or(due);
        Fault::unreadable(seq, &error.reason)
    })?;
    walk.step(&row)
}
