//! Every text comes back as it was, on both engines, whether it stands in the statement or is bound; and what is refused is the first conflict.

use super::{Conflict, MESSAGE_BYTES, Refused, Statement, run};
use crate::sql::{Shape, query};
use crate::test_room::{Room, on_both_engines};
use sqlx::{AnyConnection, Row};

const META: Shape = Shape::insert("INSERT INTO meta (name, value) VALUES", "(?,?)");

/// What somebody might write to break out of a text, and what no character set may change.
const HOSTILE: [&str; 12] = [
    "",
    "plain, with \"quotes\" and ? and ; and -- and /* and ` and #",
    "it's",
    "\\",
    "'; DROP TABLE meta; --",
    "\\'; DROP TABLE meta; --",
    "a\0b",
    "line\nbreak\r\ttab\u{1a}\u{8}",
    "grüße 日本 🚀",
    "\u{202e}bidi\u{feff}",
    "\u{7f}",
    "ends in a backslash \\",
];

fn inserts(rows: &[(String, String)]) -> Vec<Statement<'_>> {
    let inserts = Statement::of_rows(&META, rows, |(name, value)| [name.into(), value.into()]);
    inserts.into_iter().map(|statement| statement.taken_as(Conflict::Claim)).collect()
}

fn rows(values: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    values.into_iter().enumerate().map(|(number, value)| (format!("name-{number:05}"), value)).collect()
}

async fn value(connection: &mut AnyConnection, name: &str) -> Option<String> {
    let select = query("SELECT value FROM meta WHERE name = ?").bind(name.to_owned());
    select.fetch_optional(connection).await.unwrap().map(|row| row.get(0))
}

async fn comes_back(room: &Room, rows: &[(String, String)]) {
    let mut transaction = room.store.database.begin().await.unwrap();
    run(&room.store.database.ground.dialect, &mut transaction, inserts(rows)).await.unwrap();
    for (name, expected) in rows {
        let found = value(&mut transaction, name).await.unwrap();
        assert!(found == *expected, "{name}: {:?} is not {:?}", found.get(..80), expected.get(..80));
    }
    transaction.rollback().await.unwrap();
}

async fn every_text_comes_back(room: Room) {
    let every_char = (0..0x300).chain(0xd7f0..0xe010).chain(0x1_f600..0x1_f610).filter_map(char::from_u32);
    comes_back(&room, &rows(HOSTILE.map(str::to_owned))).await;
    comes_back(&room, &rows(every_char.map(String::from))).await;
}

async fn whatever_their_sizes_all_are_written(room: Room) {
    let sizes =
        [10, MESSAGE_BYTES / 3, MESSAGE_BYTES / 3, MESSAGE_BYTES / 3, MESSAGE_BYTES, 3, MESSAGE_BYTES + 1, 5, 5 * MESSAGE_BYTES];
    comes_back(&room, &rows(sizes.map(|size| "\\".repeat(size)))).await;
    comes_back(&room, &rows(std::iter::repeat_n("it's".to_owned(), 1000))).await;
}

async fn the_first_conflict_is_told(room: Room) {
    let dialect = &room.store.database.ground.dialect;
    let rows = rows(["first".to_owned()]);
    let update = |name: &'static str| Statement::new("UPDATE meta SET value = 'x' WHERE name = ?", vec![name.into()]);
    let broken = || Statement::new("INSERT INTO nowhere (a) VALUES (?)", vec![1.into()]);
    let there = || update("name-00000").touching(1, Conflict::Stale);
    let absent = || update("nobody").touching(1, Conflict::Fenced);
    let insert = || inserts(&rows).remove(0);
    let cases = [
        (vec![insert(), there()], None),
        (vec![insert(), absent(), insert(), broken()], Some(Conflict::Fenced)),
        (vec![insert(), insert(), absent(), broken()], Some(Conflict::Claim)),
        (vec![there(), insert(), insert()], Some(Conflict::Stale)),
    ];
    for (statements, expected) in cases {
        let mut transaction = room.store.database.begin().await.unwrap();
        match (run(dialect, &mut transaction, statements.clone()).await, expected) {
            (Ok(()), None) => {}
            (Err(Refused::Conflict(conflict)), Some(expected)) => assert_eq!(conflict, expected, "{statements:?}"),
            other => panic!("{other:?} of {statements:?}"),
        }
        assert_eq!(value(&mut transaction, "nobody").await, None, "the connection answers what it is asked next");
        transaction.rollback().await.unwrap();
    }
    let mut transaction = room.store.database.begin().await.unwrap();
    let refused = run(dialect, &mut transaction, vec![insert(), broken(), insert()]).await.unwrap_err();
    assert!(matches!(refused, Refused::Database(_)), "{refused:?}");
}

on_both_engines! {
    every_text_comes_back
    whatever_their_sizes_all_are_written
    the_first_conflict_is_told
}
