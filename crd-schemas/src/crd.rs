//! Kubernetes CustomResourceDefinitions of the manifests. They stand in `crd-schemas/crds/`.
//!
//! They are made of the JSON Schemas, so that a new kind or field is in them without a further word. A definition accepts
//! whatever the decoder accepts. It refuses less: Kubernetes' structural schemas know no rules for the keys of a map.

mod keyword;
mod maps;
mod reference;
mod status;
mod structural;
mod union;

use crate::manifest::{API_VERSION, Kind};
use crate::schema::schemas;
use serde_json::{Value, json};

/// Every CustomResourceDefinition (`apiextensions.k8s.io/v1`) with the name of its file, in the order of [`Kind::ALL`].
pub fn crds() -> Vec<(String, Value)> {
    Kind::ALL.into_iter().map(|kind| (format!("{}.yaml", kind.as_str().to_lowercase()), definition(kind))).collect()
}

fn definition(kind: Kind) -> Value {
    let (group, version) = API_VERSION.split_once('/').unwrap_or_default();
    let names = names(kind.as_str());
    let schema = object_schema(kind);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{group}", names["plural"].as_str().unwrap_or_default())},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "additionalPrinterColumns": status::printer_columns(&schema),
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

/// `AgentGroup` is `agentgroups`, `agentgroup` and `pag`: a `p` for PULSE, as `ag` may be somebody else's.
fn names(kind: &str) -> Value {
    let singular = kind.to_lowercase();
    let initials: String = kind.chars().filter(char::is_ascii_uppercase).collect();
    let plural = match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{singular}s"),
    };
    json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": plural,
        "singular": singular,
        "shortNames": [format!("p{}", initials.to_lowercase())],
        "categories": ["pulse"],
    })
}

/// The structural schema of a whole object: what every object of Kubernetes has, the kind's own `spec`, and `status`.
fn object_schema(kind: Kind) -> Value {
    let file = format!("{}.json", kind.as_str().to_lowercase());
    let source = schemas().into_iter().find(|(name, _)| *name == file).map(|(_, schema)| schema).unwrap_or_default();
    let whole = structural::structural(&reference::resolved(&source, &source));
    let required: Vec<&Value> = whole["required"].as_array().into_iter().flatten().filter(|name| **name == "spec").collect();
    let mut schema = json!({
        "type": "object",
        "description": whole["description"],
        "properties": {
            "$schema": whole["properties"]["$schema"],
            "apiVersion": {"type": "string", "description": format!("`{API_VERSION}`.")},
            "kind": {"type": "string", "description": format!("`{kind}`.")},
            "metadata": metadata(&whole["properties"]["metadata"]),
            "spec": whole["properties"]["spec"],
            "status": status::schema(),
        },
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Of the metadata a definition may say nothing but a rule for the name; labels and annotations follow the cluster's rules.
fn metadata(own: &Value) -> Value {
    json!({"type": "object", "properties": {"name": own["properties"]["name"]}})
}
