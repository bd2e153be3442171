//! One schema, told twice: what the migrations of both engines leave behind is the same but for the words of each engine.

use crate::bench::{Bench, Engine};
use std::collections::BTreeSet;

/// Every column: table, name, kind, whether it must be set, default.
const SQLITE_COLUMNS: &str = "SELECT m.name || '|' || c.name || '|' || c.type || '|' || (CASE c.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END) \
    || '|' || COALESCE(c.dflt_value, 'NULL') FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const MARIADB_COLUMNS: &str = "SELECT CONCAT_WS('|', TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COALESCE(COLUMN_DEFAULT, 'NULL')) \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()";

/// Every column of every index: table, index, place, column, whether it is unique; and whether it is of a part only (of the rows or
/// of the column's text), which no index is.
const SQLITE_KEYS: &str = "SELECT m.name || '|' || (CASE i.origin WHEN 'pk' THEN 'PRIMARY' ELSE i.name END) || '|' || (c.seqno + 1) || '|' \
    || c.name || '|' || i.\"unique\" || '|' || i.partial FROM sqlite_schema m JOIN pragma_index_list(m.name) i \
    JOIN pragma_index_info(i.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const MARIADB_KEYS: &str = "SELECT CONCAT_WS('|', TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, 1 - NON_UNIQUE, SUB_PART IS NOT NULL) \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()";

/// A column's kind in words of both: `BIGINT` is `bigint(20)` there, `TEXT` is `longtext`.
fn kind(engine: Engine, said: &str) -> String {
    let said = said.to_lowercase();
    match (engine, said.as_str()) {
        (Engine::MariaDb, "bigint(20)") => "bigint".to_owned(),
        (Engine::MariaDb, "smallint(6)") => "smallint".to_owned(),
        (Engine::MariaDb, "int(11)") => "integer".to_owned(),
        (Engine::MariaDb, "longtext") => "text".to_owned(),
        (Engine::MariaDb, "longblob") => "blob".to_owned(),
        _ => said,
    }
}

/// Every column and every index of a database, a line each. The table of migrations is the driver's own.
async fn schema(bench: &Bench, engine: Engine) -> BTreeSet<String> {
    let (columns, keys) = match engine {
        Engine::Sqlite => (SQLITE_COLUMNS, SQLITE_KEYS),
        Engine::MariaDb => (MARIADB_COLUMNS, MARIADB_KEYS),
    };
    let own = |line: &String| !line.starts_with("_sqlx_migrations|");
    let column = |line: String| {
        let mut parts: Vec<String> = line.split('|').map(str::to_owned).collect();
        parts[2] = kind(engine, &parts[2]);
        format!("column {}", parts.join(" "))
    };
    let columns = bench.texts(columns).await.into_iter().filter(own).map(column);
    let keys: Vec<String> =
        bench.texts(keys).await.into_iter().filter(own).map(|line| format!("index {}", line.replace('|', " "))).collect();
    columns.chain(keys).collect()
}

pub async fn both_engines_have_the_same_schema(bench: Bench) {
    let embedded = Bench::new(Engine::Sqlite, bench.test).await;
    for bench in [&bench, &embedded] {
        pulse_store::migrate(&bench.url).await.expect("migrated");
    }
    let (server, file) = (schema(&bench, Engine::MariaDb).await, schema(&embedded, Engine::Sqlite).await);
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| these.difference(those).cloned().collect::<Vec<_>>();
    assert_eq!((only(&server, &file), only(&file, &server)), (vec![], vec![]), "only on MariaDB, only on SQLite");
    for line in [
        "column slots slot_at bigint NO NULL",
        "column executions schedule varchar(190) YES NULL",
        "column definitions files text NO '{}'",
        "index slots PRIMARY 3 slot_at 1 0",
        "index executions executions_by_workflow_status 2 status 0 0",
    ] {
        assert!(server.contains(line), "{line} is seen: {server:#?}");
    }
    // What differs is seen.
    for drift in [
        "ALTER TABLE meta ADD COLUMN extra TEXT",
        "ALTER TABLE meta DROP COLUMN extra",
        "CREATE INDEX meta_by_value ON meta (name, value)",
    ] {
        embedded.meddle(drift).await;
        assert_eq!(schema(&embedded, Engine::Sqlite).await == server, drift.contains("DROP"), "{drift}");
    }
}
