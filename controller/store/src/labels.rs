//! Labels of an execution: its workflow's, written once when it is created. The row holds them for people, the table `execution_labels`
//! holds them again to be searched by.

use crate::sql::Shape;
use crate::statement::Statement;
use pulse_core::execution::Summary;
use std::collections::BTreeMap;

const INSERT: Shape = Shape::insert("INSERT INTO execution_labels (label_key, label_value, execution) VALUES", "(?,?,?)");

/// As the row holds them.
pub(crate) fn document(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels.iter().map(|(key, value)| (key.clone(), value.clone().into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}

/// The labels of new executions, to be searched by.
pub(crate) fn insert<'a>(new: impl Iterator<Item = &'a Summary>) -> Vec<Statement<'a>> {
    let rows = new.flat_map(|row| row.labels.iter().map(move |(key, value)| (key, value, row.id)));
    Statement::of_rows(&INSERT, rows, |(key, value, execution)| [key.into(), value.into(), execution.to_string().into()])
}

/// What a row's document holds, as rows of the table: key, value, execution. Of a document that cannot be read nothing is known.
pub(crate) fn of(execution: &str, document: &str) -> Vec<(String, String, String)> {
    let labels: BTreeMap<String, String> = serde_json::from_str(document).unwrap_or_default();
    labels.into_iter().map(|(key, value)| (key, value, execution.to_owned())).collect()
}
