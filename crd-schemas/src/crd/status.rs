//! What a cluster shows of an object: its `status` and the columns of `kubectl get`.

use serde_json::{Value, json};

/// The schema of `status`.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "description": "What was observed. Nobody writes it by hand.",
        "properties": {
            "conditions": {
                "type": "array",
                "description": "What holds at present, one entry for each type.",
                "items": condition(),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
            "observedCommit": {
                "type": "string",
                "description": "The commit that is live, as its full hash.",
                "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$",
            },
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "The `metadata.generation` that this status speaks of.",
            },
        },
    })
}

/// One condition, field for field Kubernetes' own `metav1.Condition`.
fn condition() -> Value {
    json!({
        "type": "object",
        "required": ["type", "status", "lastTransitionTime", "reason", "message"],
        "properties": {
            "type": {
                "type": "string",
                "description": "What it speaks of, such as `Ready`.",
                "maxLength": 316,
                "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            "status": {"type": "string", "description": "Whether it holds.", "enum": ["True", "False", "Unknown"]},
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "The `metadata.generation` that this condition speaks of.",
            },
            "lastTransitionTime": {
                "type": "string",
                "format": "date-time",
                "description": "When its status last changed.",
            },
            "reason": {
                "type": "string",
                "description": "Why, for programs.",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
            },
            "message": {"type": "string", "description": "Why, for people.", "maxLength": 32768},
        },
    })
}

/// Fields of `spec` that are worth a column wherever a kind has them: the column's name, the field, its type, and whether it is
/// shown only by `-o wide`.
const FIELDS: &[(&str, &str, &str, bool)] = &[
    ("Cron", "cron", "string", false),
    ("Every", "every", "string", false),
    ("Zone", "timeZone", "string", true),
    ("Workflow", "workflow", "string", false),
    ("Suspended", "suspend", "boolean", false),
    ("Slots", "slots", "integer", false),
    ("Selector", "selector", "string", false),
    ("Description", "description", "string", true),
];

/// The columns of `kubectl get` beside the name.
pub fn printer_columns(schema: &Value) -> Value {
    let spec = &schema["properties"]["spec"]["properties"];
    let own = FIELDS.iter().filter(|(_, field, kind, _)| spec[field]["type"] == *kind);
    let mut columns: Vec<Value> =
        own.map(|(name, field, kind, wide)| column(name, kind, &format!(".spec.{field}"), *wide)).collect();
    columns.push(column("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#, false));
    columns.push(column("Commit", "string", ".status.observedCommit", true));
    columns.push(column("Age", "date", ".metadata.creationTimestamp", false));
    Value::Array(columns)
}

fn column(name: &str, kind: &str, path: &str, wide: bool) -> Value {
    json!({"name": name, "type": kind, "jsonPath": path, "priority": i32::from(wide)})
}
