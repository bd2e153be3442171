//! What a request says of itself while it is answered, until it is a row.

use crate::clock;
use crate::identity::Principal;
use pulse_core::Timestamp;
use pulse_core::audit::{MAX_DETAILS, Object, Outcome, Record, Who, digest};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Characters of an object's id.
const MAX_ID: usize = 255;
/// Characters of one text among the details.
const MAX_TEXT: usize = 256;

/// One request to a route that changes something. Clones are of the same request.
#[derive(Debug, Clone)]
pub struct Ticket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    row: Mutex<Record>,
    unchanged: AtomicBool,
    begun: AtomicBool,
    handed: Mutex<Option<Receipt>>,
}

/// What the engine says of a ticket that it was handed.
#[derive(Debug)]
pub(super) struct Receipt {
    pub(super) written: oneshot::Receiver<()>,
    unclear: Arc<AtomicBool>,
}

impl Receipt {
    /// Whether it is known what became of it.
    pub(super) fn is_unclear(&self) -> bool {
        self.unclear.load(Ordering::Relaxed)
    }
}

/// An id that sorts by the time to the microsecond.
pub(crate) fn fresh(at: Timestamp) -> Uuid {
    let micros = u128::try_from(at.0.max(0)).unwrap_or(0);
    let (millis, part) = (micros / 1000, (micros % 1000) * 4096 / 1000);
    let random = Uuid::new_v4().as_u128() & ((1 << 62) - 1);
    Uuid::from_u128(millis << 80 | 7 << 76 | part << 64 | 2 << 62 | random)
}

impl Ticket {
    /// A request for an action.
    pub fn new(action: &str, peer: Option<IpAddr>, request_id: Option<String>) -> Self {
        let at = clock::now();
        let row = Record {
            id: fresh(at),
            at,
            principal: None,
            peer: peer.map(|peer| peer.to_canonical().to_string()),
            request_id,
            action: action.to_owned(),
            object: None,
            outcome: Outcome::Begun,
            status: None,
            code: None,
            before: None,
            after: None,
            details: Map::new(),
        };
        let (unchanged, begun) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Inner { row: Mutex::new(row), unchanged, begun, handed: Mutex::new(None) }))
    }

    fn row(&self) -> MutexGuard<'_, Record> {
        self.0.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks.
    pub fn by(&self, principal: &Principal) {
        self.row().principal = Some(principal.who());
    }

    /// Whether it is known who asks.
    pub fn is_known(&self) -> bool {
        self.row().principal.is_some()
    }

    /// On what.
    pub fn on(&self, kind: &str, id: impl ToString) {
        let id = id.to_string().chars().take(MAX_ID).map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect();
        self.row().object = Some(Object { kind: kind.to_owned(), id });
    }

    /// How it was before.
    pub fn before(&self, object: &Value) {
        self.row().before = Some(digest(object));
    }

    /// How it is after.
    pub fn after(&self, object: &Value) {
        self.row().after = Some(digest(object));
    }

    /// What else there is to say; never what a request's body says without a bound, and never a secret. What is too much is left out.
    pub fn say(&self, name: &str, value: impl Into<Value>) {
        let value = match value.into() {
            Value::String(text) => Value::String(text.chars().take(MAX_TEXT).collect()),
            value => value,
        };
        let mut row = self.row();
        let before = row.details.insert(name.to_owned(), value);
        if Value::Object(row.details.clone()).to_string().len() > MAX_DETAILS {
            row.details.shift_remove(name);
            row.details.extend(before.map(|before| (name.to_owned(), before)));
        }
    }

    /// Nothing had to be done.
    pub fn unchanged(&self) {
        self.0.unchanged.store(true, Ordering::Relaxed);
    }

    /// Gives it to the engine, which writes the row with the commit of what was asked for, where there is one.
    pub fn hand_over(&self, status: u16) -> Handed {
        let (done, written) = oneshot::channel();
        let unclear = Arc::new(AtomicBool::new(false));
        let row = Record { outcome: Outcome::Done, status: Some(status), ..self.row().clone() };
        let receipt = Receipt { written, unclear: Arc::clone(&unclear) };
        *self.0.handed.lock().unwrap_or_else(PoisonError::into_inner) = Some(receipt);
        Handed(Arc::new(Half { row, done: Mutex::new(Some(done)), unclear }))
    }

    /// The receipt, where the engine was given it.
    pub(super) fn receipt(&self) -> Option<Receipt> {
        self.0.handed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The row that says that it is being done.
    pub(super) fn begin(&self) -> Record {
        self.0.begun.store(true, Ordering::Relaxed);
        self.row().clone()
    }

    /// Whether such a row was written.
    pub fn is_begun(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// The row of what was answered.
    pub(super) fn end(&self, status: u16, code: Option<&str>) -> Record {
        let unchanged = self.0.unchanged.load(Ordering::Relaxed);
        let outcome = match (status, code) {
            (0..400, _) if unchanged => Outcome::Unchanged,
            (0..400, _) => Outcome::Done,
            (400..500, _) => Outcome::Refused,
            // The database did not answer in the middle of it.
            (500.., Some("database_unavailable" | "internal") | None) if self.is_begun() => Outcome::Unknown,
            _ => Outcome::Failed,
        };
        Record { outcome, status: Some(status), code: code.map(str::to_owned), ..self.row().clone() }
    }
}

/// The engine's half of a ticket. Dropped without [`Handed::written`], nothing was written of it.
#[derive(Debug, Clone)]
pub struct Handed(Arc<Half>);

#[derive(Debug)]
struct Half {
    row: Record,
    done: Mutex<Option<oneshot::Sender<()>>>,
    unclear: Arc<AtomicBool>,
}

impl Handed {
    /// The row of what is committed on an object, as it was and as it is then.
    pub(crate) fn row(&self, object: Object, before: Option<String>, after: Option<String>) -> Record {
        Record { object: Some(object), before, after, ..self.0.row.clone() }
    }

    /// It is committed.
    pub(crate) fn written(&self) {
        if let Some(done) = self.0.done.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever asked may be gone.
            let _ = done.send(());
        }
    }

    /// It is not known whether it is.
    pub(crate) fn unclear(&self) {
        self.0.unclear.store(true, Ordering::Relaxed);
    }
}

impl Principal {
    /// As the audit log names them.
    fn who(&self) -> Who {
        Who {
            name: self.by().chars().take(MAX_ID).collect(),
            kind: self.subject.kind.as_str().to_owned(),
            means: self.means.as_str().to_owned(),
        }
    }
}
