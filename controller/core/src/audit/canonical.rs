//! One way to write a row, and any JSON, as bytes: what hashes and digests are made of. Changing it would break every chain there is.

use super::Record;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Tells these bytes from any others, and from those of another form that a later release may write.
const FORM: &str = "pulse-audit-1";

/// A row: each field with its length before it, in a fixed order, so that no two rows have the same bytes. Its number is none of them:
/// its place is told by the hash of the row before.
pub(super) fn bytes(record: &Record) -> Vec<u8> {
    let Record { id, at, principal, peer, request_id, action, object, outcome, status, code, before, after, details } = record;
    let who = principal.as_ref();
    let object = object.as_ref();
    let status = status.map(|status| status.to_string());
    let details = sorted(&Value::Object(details.clone())).to_string();
    let fields = [
        Some(FORM),
        Some(&*id.to_string()),
        Some(&*at.0.to_string()),
        who.map(|who| who.name.as_str()),
        who.map(|who| who.kind.as_str()),
        who.map(|who| who.means.as_str()),
        peer.as_deref(),
        request_id.as_deref(),
        Some(action.as_str()),
        object.map(|object| object.kind.as_str()),
        object.map(|object| object.id.as_str()),
        Some(outcome.as_str()),
        status.as_deref(),
        code.as_deref(),
        before.as_deref(),
        after.as_deref(),
        Some(details.as_str()),
    ];
    let mut bytes = Vec::with_capacity(512);
    for field in fields {
        // One that is absent is not one that is empty.
        let Some(text) = field else {
            bytes.extend(u64::MAX.to_be_bytes());
            continue;
        };
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// SHA-256, in hex, of an object's canonical JSON: keys sorted, no spaces.
pub fn digest(object: &Value) -> String {
    Sha256::digest(sorted(object).to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
