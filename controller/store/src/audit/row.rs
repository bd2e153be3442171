//! A row and its columns.

use crate::columns::Word;
use crate::rows::{Columns, FromRow};
use crate::statement::Value;
use crate::{Error, bounds};
use pulse_core::audit::{MAX_DETAILS, Object, Outcome, Record, Sealed, Who};
use pulse_core::time::Timestamp;

/// The columns of a row's content, in the order of [`values`].
pub(crate) const CONTENT: &str = "id, happened_at, principal, principal_kind, means, peer, request_id, action, object_kind, object_id, \
     outcome, status, code, before_digest, after_digest, details";
pub(super) const VALUES: &str = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

/// Characters of an action, and of a problem's code.
const WORD: usize = 64;
/// Characters of the kinds of things, and of means.
const KIND: usize = 32;

impl Word for Outcome {
    const WHAT: &'static str = "outcome of an audited action";
    const ALL: &'static [Self] = &Self::ALL;
    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// What one engine would refuse to store no engine is asked to.
pub(crate) fn check(record: &Record) -> Result<(), Error> {
    if let Some(who) = &record.principal {
        bounds::text("a principal", &who.name, bounds::LINE)?;
        bounds::text("a principal's kind", &who.kind, KIND)?;
        bounds::text("a principal's means", &who.means, KIND)?;
    }
    if let Some(object) = &record.object {
        bounds::text("an object's kind", &object.kind, KIND)?;
        bounds::text("an object's id", &object.id, bounds::LINE)?;
    }
    bounds::text("a peer", record.peer.as_deref().unwrap_or_default(), WORD)?;
    bounds::text("a request's id", record.request_id.as_deref().unwrap_or_default(), WORD)?;
    bounds::text("an action", &record.action, WORD)?;
    bounds::text("a problem's code", record.code.as_deref().unwrap_or_default(), WORD)?;
    for digest in [&record.before, &record.after].into_iter().flatten() {
        bounds::ascii("an object's digest", digest, bounds::DIGEST)?;
    }
    match details(record).len() {
        bytes if bytes > MAX_DETAILS => Err(Error::Value {
            what: "details of an audited action",
            reason: format!("they have {bytes} bytes, {MAX_DETAILS} at most"),
        }),
        _ => Ok(()),
    }
}

pub(super) fn details(record: &Record) -> String {
    serde_json::Value::Object(record.details.clone()).to_string()
}

pub(super) fn values(record: &Record) -> [Value<'_>; 16] {
    let (who, object) = (record.principal.as_ref(), record.object.as_ref());
    [
        record.id.to_string().into(),
        record.at.0.into(),
        who.map(|who| &who.name).into(),
        who.map(|who| &who.kind).into(),
        who.map(|who| &who.means).into(),
        record.peer.as_ref().into(),
        record.request_id.as_ref().into(),
        (&record.action).into(),
        object.map(|object| &object.kind).into(),
        object.map(|object| &object.id).into(),
        record.outcome.word().into(),
        record.status.map(i64::from).into(),
        record.code.as_ref().into(),
        record.before.as_ref().into(),
        record.after.as_ref().into(),
        details(record).into(),
    ]
}

impl FromRow for Record {
    const TABLE: &'static str = "audit";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("id")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let text = |column| row.get::<Option<String>>(column);
        let principal = match (text("principal")?, text("principal_kind")?, text("means")?) {
            (Some(name), Some(kind), Some(means)) => Some(Who { name, kind, means }),
            (None, None, None) => None,
            _ => return Err("the columns of the principal contradict each other".to_owned()),
        };
        let object = match (text("object_kind")?, text("object_id")?) {
            (Some(kind), Some(id)) => Some(Object { kind, id }),
            (None, None) => None,
            _ => return Err("the columns object_… contradict each other".to_owned()),
        };
        let status = row.get::<Option<i64>>("status")?.map(u16::try_from).transpose();
        Ok(Self {
            id: row.parsed("id")?,
            at: Timestamp(row.get("happened_at")?),
            principal,
            peer: text("peer")?,
            request_id: text("request_id")?,
            action: row.get("action")?,
            object,
            outcome: Outcome::from_word(&row.get::<String>("outcome")?).map_err(|error| error.to_string())?,
            status: status.map_err(|error| format!("column status: {error}"))?,
            code: text("code")?,
            before: text("before_digest")?,
            after: text("after_digest")?,
            details: row.json("details")?,
        })
    }
}

/// A row's place in the chain; none before it is sealed.
pub(super) fn place(row: &Columns<'_>, record: Record) -> Result<Result<Sealed, Record>, String> {
    let place = (row.get::<Option<i64>>("seq")?, row.parsed_option("previous_hash")?, row.parsed_option("row_hash")?);
    match place {
        (Some(seq), Some(previous), Some(hash)) => Ok(Ok(Sealed { seq, record, previous, hash })),
        (None, None, None) => Ok(Err(record)),
        _ => Err("the columns seq, previous_hash and row_hash contradict each other".to_owned()),
    }
}
