//! Upserts: said once by their columns, written in each engine's words.

use super::Dialect;
use crate::sql::Shape;

/// An insert that, where a row with this key exists, writes these columns of it instead.
pub(crate) struct Upsert {
    /// The columns of the key.
    key: &'static [&'static str],
    /// The columns that get the new values.
    set: &'static [&'static str],
    guard: Option<Guard>,
}

/// An existing row is written only if its column `stands` has the value that the new row says in `built_on`; then the column
/// `counts` goes up by one.
struct Guard {
    table: &'static str,
    stands: &'static str,
    built_on: &'static str,
    counts: &'static str,
}

/// An execution's row goes on from the sequence that the writer knew; a stale writer's row changes nothing.
pub(crate) const UPSERT_EXECUTION: Upsert = Upsert {
    key: &["id"],
    set: &["status", "waits", "terminal", "started_at", "ended_at", "wake_at", "message", "seq", "prior_seq"],
    guard: Some(Guard { table: "executions", stands: "seq", built_on: "prior_seq", counts: "revision" }),
};

/// The newest content of a definition; brings a retired one back.
pub(crate) const UPSERT_DEFINITION: Upsert = Upsert {
    key: &["source", "kind", "name"],
    set: &["path", "digest", "generation", "commit_id", "manifest", "files", "retired_at", "updated_at"],
    guard: None,
};

/// The last webhook of a source.
pub(crate) const UPSERT_WEBHOOK: Upsert =
    Upsert { key: &["source"], set: &["received_at", "accepted", "reason", "detail"], guard: None };

/// How far a stream is stored.
pub(crate) const UPSERT_OUTPUT_STATE: Upsert = Upsert { key: &["attempt", "stream"], set: &["stored", "cut"], guard: None };

impl Dialect {
    /// An insert with the end that makes it an upsert.
    pub(crate) fn upsert(&self, shape: Shape, upsert: &Upsert) -> Shape {
        shape.with_tail(match self {
            Self::Sqlite { .. } => upsert.sqlite(),
            Self::MariaDb { .. } => upsert.mariadb(),
        })
    }

    /// An insert with the end that leaves a row with this key as it is.
    pub(crate) fn or_ignore(&self, shape: Shape, key: &str) -> Shape {
        shape.with_tail(match self {
            Self::Sqlite { .. } => "ON CONFLICT DO NOTHING".to_owned(),
            // Not INSERT IGNORE, which would turn every other error into a warning.
            Self::MariaDb { .. } => format!("ON DUPLICATE KEY UPDATE {key} = {key}"),
        })
    }

    /// How many touched rows a guarded upsert of existing rows answers if it applied to each of them.
    pub(crate) const fn touched_by_upsert(&self, rows: usize) -> u64 {
        match self {
            // Rows whose guard was false are not counted.
            Self::Sqlite { .. } => rows as u64,
            // An updated row counts twice; one that was inserted, or whose guard was false, once.
            Self::MariaDb { .. } => 2 * rows as u64,
        }
    }
}

impl Upsert {
    fn sqlite(&self) -> String {
        let mut sets: Vec<String> = self.set.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let mut end = String::new();
        if let Some(Guard { table, stands, built_on, counts }) = self.guard {
            sets.push(format!("{counts} = {table}.{counts} + 1"));
            end = format!(" WHERE {table}.{stands} = excluded.{built_on}");
        }
        format!("ON CONFLICT ({}) DO UPDATE SET {}{end}", self.key.join(", "), sets.join(", "))
    }

    fn mariadb(&self) -> String {
        let Some(Guard { stands, built_on, counts, .. }) = self.guard else {
            let sets: Vec<String> = self.set.iter().map(|column| format!("{column} = VALUES({column})")).collect();
            return format!("ON DUPLICATE KEY UPDATE {}", sets.join(", "));
        };
        // The row that is in the way may have another unique key in common; then it is another row, and stays as it is.
        let same = self.key.iter().map(|column| format!("{column} = VALUES({column}) AND ")).collect::<String>();
        let guard = format!("{same}{stands} = VALUES({built_on})");
        let guarded = |column: &&str| format!("{column} = IF({guard}, VALUES({column}), {column})");
        // Assignments are made from left to right, so what the guard reads is written last.
        let mut sets: Vec<String> = self.set.iter().filter(|column| **column != stands).map(guarded).collect();
        sets.push(format!("{counts} = IF({guard}, {counts} + 1, {counts})"));
        sets.extend(self.set.iter().filter(|column| **column == stands).map(guarded));
        format!("ON DUPLICATE KEY UPDATE {}", sets.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{UPSERT_EXECUTION, UPSERT_OUTPUT_STATE};

    #[test]
    fn each_engine_has_its_words() {
        assert_eq!(
            UPSERT_OUTPUT_STATE.sqlite(),
            "ON CONFLICT (attempt, stream) DO UPDATE SET stored = excluded.stored, cut = excluded.cut"
        );
        assert_eq!(UPSERT_OUTPUT_STATE.mariadb(), "ON DUPLICATE KEY UPDATE stored = VALUES(stored), cut = VALUES(cut)");
        assert!(
            UPSERT_EXECUTION.sqlite().ends_with("revision = executions.revision + 1 WHERE executions.seq = excluded.prior_seq")
        );
        assert!(
            UPSERT_EXECUTION.mariadb().ends_with("seq = IF(id = VALUES(id) AND seq = VALUES(prior_seq), VALUES(seq), seq)"),
            "what the guard reads is written last"
        );
    }
}
