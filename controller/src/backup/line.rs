//! Lines of a backup, to text and back. Bytes are base64; whatever a line does not say as it should is refused with its number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pulse_store::{Cell, Column, Kind, Part};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The form that this release writes and reads.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// Always `backup`.
    pub(super) pulse: String,
    pub(super) format: u32,
    /// The schema of the database, by the number of its last migration.
    pub(super) schema: i64,
    /// The release that made it.
    pub(super) release: String,
    /// The database's engine.
    pub(super) engine: String,
    /// Microseconds since 1970 UTC.
    pub(super) taken_at: i64,
    /// The same for people.
    pub(super) taken: String,
    /// The highest epoch of the leases.
    pub(super) epoch: i64,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Lines before this one.
    pub(super) lines: u64,
    /// Rows among them.
    pub(super) rows: u64,
    /// SHA-256 of all of them, with their line breaks.
    pub(super) sha256: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Head(Head),
    Part(Part),
    /// A file of the data folder.
    File {
        name: String,
        text: String,
    },
    End(End),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Row(Vec<Value>),
    Table { table: String, columns: Vec<(String, String)> },
    File { file: String, text: String },
    End { end: End },
    Head(Head),
}

const KINDS: [(&str, Kind); 3] = [("int", Kind::Int), ("text", Kind::Text), ("bytes", Kind::Bytes)];

fn word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, of)| *of == kind).map_or("text", |(word, _)| word)
}

impl Line {
    /// As text, without its line break.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Head(head) => json!(head).to_string(),
            Self::End(end) => json!({ "end": end }).to_string(),
            Self::File { name, text } => json!({ "file": name, "text": text }).to_string(),
            Self::Part(Part::Table { name, columns }) => {
                let columns: Vec<_> = columns.iter().map(|column| json!([column.name, word(column.kind)])).collect();
                json!({ "table": name, "columns": columns }).to_string()
            }
            Self::Part(Part::Row(cells)) => Value::Array(cells.iter().map(value).collect()).to_string(),
        }
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(int) => json!(int),
        Cell::Text(text) => json!(text),
        Cell::Bytes(bytes) => json!(STANDARD.encode(bytes)),
    }
}

/// Reads lines; rows are of the table that came last.
#[derive(Debug, Default)]
pub(super) struct Reader {
    kinds: Vec<Kind>,
}

impl Reader {
    /// The next line.
    pub(super) fn read(&mut self, text: &str) -> Result<Line, String> {
        let form: Form = serde_json::from_str(text).map_err(|_| "it is no line of a backup".to_owned())?;
        match form {
            Form::Head(head) => Ok(Line::Head(head)),
            Form::End { end } => Ok(Line::End(end)),
            Form::File { file, text } => Ok(Line::File { name: file, text }),
            Form::Table { table, columns } => self.table(table, columns),
            Form::Row(values) => self.row(values),
        }
    }

    fn table(&mut self, name: String, columns: Vec<(String, String)>) -> Result<Line, String> {
        let kind = |word: &str| KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
        let columns = columns.into_iter().map(|(name, word)| match kind(&word) {
            Some(kind) => Ok(Column { name, kind }),
            None => Err(format!("column `{name}` is of the kind `{word}`, which this release does not know")),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        self.kinds = columns.iter().map(|column| column.kind).collect();
        Ok(Line::Part(Part::Table { name, columns }))
    }

    fn row(&self, values: Vec<Value>) -> Result<Line, String> {
        if values.len() != self.kinds.len() || values.is_empty() {
            return Err(format!("a row has {} values where its table has {} columns", values.len(), self.kinds.len()));
        }
        let cells = values.into_iter().zip(&self.kinds).map(|(value, kind)| cell(value, *kind)).collect::<Option<Vec<_>>>();
        let cells = cells.ok_or_else(|| "a row holds a value of another kind than its column".to_owned())?;
        Ok(Line::Part(Part::Row(cells)))
    }
}

fn cell(value: Value, kind: Kind) -> Option<Cell> {
    match (value, kind) {
        (Value::Null, _) => Some(Cell::Null),
        (Value::Number(number), Kind::Int) => number.as_i64().map(Cell::Int),
        (Value::String(text), Kind::Text) => Some(Cell::Text(text)),
        (Value::String(text), Kind::Bytes) => STANDARD.decode(text).ok().map(Cell::Bytes),
        _ => None,
    }
}
