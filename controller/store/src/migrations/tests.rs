//! Migrations that are killed between two statements, on a real server.

use super::{applied, connect, run, run_up_to, steps};
use crate::dialect::Dialect;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{built, plain};
use crate::test_database::TestDatabase;
use futures_util::StreamExt;
use sqlx::{AnyConnection, Connection};

struct Line(String);

impl FromRow for Line {
    const TABLE: &'static str = "information_schema";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        row.get("line").map(Self)
    }
}

/// Every column and every key of a database, with its type, order, collation and default.
async fn schema(connection: &mut AnyConnection) -> Vec<String> {
    let columns = "SELECT CONCAT_WS(' ', TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME, \
        COLUMN_DEFAULT) AS line FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY line";
    let keys = "SELECT CONCAT_WS(' ', TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE) AS line \
        FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY line";
    let mut lines = Vec::new();
    for select in [columns, keys] {
        for row in list::<Line>(connection, built(select.to_owned())).await.unwrap() {
            lines.push(row.unwrap().0);
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_killed_after_any_statement_is_finished_by_the_next_start() {
    let undisturbed = TestDatabase::new().await;
    let dialect = Dialect::of(&undisturbed.url).unwrap();
    let mut connection = connect(&dialect).await.unwrap();
    run(&dialect, &mut connection).await.unwrap();
    let expected = schema(&mut connection).await;
    assert!(expected.len() > 100, "the schema is seen: {}", expected.len());
    connection.close().await.unwrap();
    let known = dialect.migrations();
    let all = steps::missing(&known, &[]).unwrap().len();
    // A few side by side: more, and a busy server makes them wait for each other for longer than a lock is waited for.
    let tasks = (0..all).map(|killed_after| tokio::spawn(killed(killed_after, expected.clone())));
    let mut tasks = futures_util::stream::iter(tasks).buffer_unordered(8);
    while let Some(task) = tasks.next().await {
        task.unwrap();
    }
}

/// One process runs the first statements under the lock of migrations, then its connection breaks; another one starts.
async fn killed(after: usize, expected: Vec<String>) {
    let database = TestDatabase::new().await;
    let dialect = Dialect::of(&database.url).unwrap();
    let known = dialect.migrations();
    let mut connection = connect(&dialect).await.unwrap();
    dialect.lock_migrations(&mut connection).await.unwrap();
    for step in steps::missing(&known, &[]).unwrap().iter().take(after) {
        step.run(&mut connection).await.unwrap();
    }
    connection.close_hard().await.unwrap();
    let mut connection = connect(&dialect).await.unwrap();
    run(&dialect, &mut connection).await.unwrap();
    assert_eq!(schema(&mut connection).await, expected, "killed after {after} statements");
    let versions: Vec<i64> = applied(&mut connection).await.unwrap().iter().map(|applied| applied.version).collect();
    assert_eq!(versions, known.iter().map(|migration| migration.version).collect::<Vec<_>>());
}

/// On SQLite a migration is one transaction: whatever of it has run when the process dies, the next start finds the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_of_an_embedded_database_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let schema = async |connection: &mut AnyConnection| {
        let select = "SELECT name || ' ' || COALESCE(sql, '') AS line FROM sqlite_schema ORDER BY line";
        let rows = list::<Line>(connection, built(select.to_owned())).await.unwrap();
        rows.into_iter().map(|row| row.unwrap().0).collect::<Vec<_>>()
    };
    let of = |name: &str| Dialect::of(&format!("sqlite://{}", folder.path().join(name).display())).unwrap();
    let undisturbed = of("undisturbed.db");
    let mut connection = connect(&undisturbed).await.unwrap();
    run(&undisturbed, &mut connection).await.unwrap();
    let expected = schema(&mut connection).await;
    for migration in undisturbed.migrations() {
        let dialect = of(&format!("{}.db", migration.version));
        let mut connection = connect(&dialect).await.unwrap();
        run_up_to(&dialect, &mut connection, migration.version - 1).await.unwrap();
        let before = schema(&mut connection).await;
        let statements = steps::statements(migration.sql.as_str());
        plain(&mut connection, "BEGIN IMMEDIATE").await.unwrap();
        for statement in &statements[..statements.len().div_ceil(2)] {
            plain(&mut connection, statement.as_str()).await.unwrap();
        }
        assert_ne!(schema(&mut connection).await, before, "half of {} has run", migration.version);
        connection.close_hard().await.unwrap();
        let mut connection = connect(&dialect).await.unwrap();
        assert_eq!(schema(&mut connection).await, before);
        run(&dialect, &mut connection).await.unwrap();
        assert_eq!(schema(&mut connection).await, expected, "killed in {}", migration.version);
    }
}
