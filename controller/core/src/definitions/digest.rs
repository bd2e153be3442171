//! The digest of a manifest: what the plan compares, and what an execution says it ran.

use super::Files;
use crd_schemas::Manifest;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256, in hex, of the manifest's canonical JSON: keys sorted, no spaces, so that the order and style of the YAML are
/// no change; then path, mode and digest of each file that it uses.
pub fn digest(manifest: &Manifest, files: &Files) -> String {
    // Every key of a manifest is a text and no number is a float, so that it always has a JSON form.
    let value = serde_json::to_value(manifest).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(sorted(value).to_string());
    for (path, file) in files {
        hash.update(format!("\n{path:?} {} {}", file.executable, file.digest()));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
