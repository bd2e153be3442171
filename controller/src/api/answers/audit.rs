//! The audit log.

use super::super::time::At;
use super::words;
use pulse_core::audit::{Fault, Object, Record, Who};
use pulse_store::{AuditRow, RowError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A row of the audit log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditRow")]
pub(in crate::api) struct AuditView {
    /// Its number in the chain; `null` until it is sealed, which takes a second.
    seq: Option<i64>,
    /// Its id.
    id: Uuid,
    /// When it was asked for.
    at: At,
    /// Who asked; `null` where nobody knows.
    principal: Option<AuditWho>,
    /// The address at the other end of the connection.
    peer: Option<String>,
    /// The `X-Request-Id` of the request.
    request_id: Option<String>,
    /// What was asked for, a stable word.
    action: String,
    /// On what.
    object: Option<AuditObject>,
    /// What came of it.
    #[schemars(with = "words::AuditOutcome")]
    outcome: &'static str,
    /// The answer's status.
    status: Option<u16>,
    /// The code of the refusal.
    code: Option<String>,
    /// SHA-256 of the object before.
    before: Option<String>,
    /// SHA-256 of the object after.
    after: Option<String>,
    /// What else there is to say.
    details: Map<String, Value>,
    /// The hash of the row before.
    previous: Option<String>,
    /// The hash of this one.
    hash: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AuditWho {
    /// As histories name them.
    name: String,
    /// `user`, `token`, `root` or `source`.
    kind: String,
    /// By what they came in.
    means: String,
}

/// On what.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AuditObject {
    /// What it is.
    kind: String,
    /// Its id or name.
    id: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let (place, record) = match row {
            AuditRow::Sealed(sealed) => (Some((sealed.seq, sealed.previous, sealed.hash)), sealed.record),
            AuditRow::Open(record) => (None, record),
        };
        let Record { id, at, principal, peer, request_id, action, object, outcome, status, code, before, after, details } =
            record;
        Self {
            seq: place.map(|(seq, ..)| seq),
            id,
            at: at.into(),
            principal: principal.map(|Who { name, kind, means }| AuditWho { name, kind, means }),
            peer,
            request_id,
            action,
            object: object.map(|Object { kind, id }| AuditObject { kind, id }),
            outcome: outcome.as_str(),
            status,
            code,
            before,
            after,
            details,
            previous: place.map(|(_, previous, _)| previous.to_string()),
            hash: place.map(|(.., hash)| hash.to_string()),
        }
    }
}

/// A row that cannot be read: it was not written so.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct UnreadableAuditRow {
    /// Its id, as far as it is known.
    id: Option<String>,
    /// Always `unreadable`.
    #[schemars(with = "words::Unreadable")]
    outcome: &'static str,
    /// What is wrong.
    message: String,
}

impl From<RowError> for UnreadableAuditRow {
    fn from(error: RowError) -> Self {
        Self { message: error.to_string(), id: error.key, outcome: "unreadable" }
    }
}

/// What came of a walk along the chain.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AuditVerdict {
    /// Every row that was looked at holds.
    pub(in crate::api) ok: bool,
    /// How many were looked at and hold.
    pub(in crate::api) verified: i64,
    /// How many retention has removed before them, as a row of the log says.
    pub(in crate::api) removed: i64,
    /// The last row that holds, as `SEQ:HASH`.
    pub(in crate::api) head: String,
    /// There is more: ask again with this as `behind`.
    pub(in crate::api) next: Option<String>,
    /// The first row that does not hold.
    pub(in crate::api) fault: Option<AuditFault>,
}

/// A row that does not hold.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::api) struct AuditFault {
    /// Its number.
    seq: i64,
    /// What is wrong with it.
    #[schemars(with = "words::AuditFlaw")]
    flaw: &'static str,
    /// The same for people.
    message: String,
}

impl From<Fault> for AuditFault {
    fn from(fault: Fault) -> Self {
        Self { seq: fault.seq, flaw: fault.flaw.as_str(), message: fault.said }
    }
}
