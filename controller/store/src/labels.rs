//! Labels of an execution: its workflow's, written once when it is created. The row holds them for people, the table `execution_labels`
//! holds them again to be searched by.

use crate::sql::{Query, Shape};
use pulse_core::execution::Summary;
use pulse_protocol::ExecutionId;
use sqlx::AnyConnection;
use std::collections::BTreeMap;

const INSERT: Shape = Shape::insert("INSERT INTO execution_labels (label_key, label_value, execution) VALUES", "(?,?,?)");

/// As the row holds them.
pub(crate) fn document(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels.iter().map(|(key, value)| (key.clone(), value.clone().into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}

/// Writes the labels of new executions to be searched by, inside their transaction.
pub(crate) async fn insert(connection: &mut AnyConnection, new: &[&Summary]) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = new.iter().flat_map(|row| row.labels.iter().map(move |(key, value)| (key, value, row.id))).collect();
    let bind = |query: Query, (key, value, execution): &(&String, &String, ExecutionId)| {
        query.bind((*key).clone()).bind((*value).clone()).bind(execution.to_string())
    };
    INSERT.run(connection, &rows, bind).await.map(drop)
}

/// What a row's document holds, as rows of the table: key, value, execution. Of a document that cannot be read nothing is known.
pub(crate) fn of(execution: &str, document: &str) -> Vec<(String, String, String)> {
    let labels: BTreeMap<String, String> = serde_json::from_str(document).unwrap_or_default();
    labels.into_iter().map(|(key, value)| (key, value, execution.to_owned())).collect()
}
