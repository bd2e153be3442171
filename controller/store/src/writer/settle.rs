//! After a COMMIT whose answer got lost: the keys say whether it happened.

use super::item::{EventRow, Prepared};
use crate::open::Database;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{built, chunks, repeat};
use crate::transact::{LIMIT, Tries, silent};
use crate::{Error, faults};
use std::collections::{BTreeSet, HashMap};

/// An event by its key, and what tells it from another's of the same key: when it happened and what it says.
struct Found {
    key: (String, i64),
    content: (i64, String),
}

impl FromRow for Found {
    const TABLE: &'static str = "events";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("execution")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { key: (row.get("execution")?, row.get("seq")?), content: (row.get("happened_at")?, row.get("body")?) })
    }
}

/// Which of these items are in the database: those whose events all stand there, with the same times and bodies; another
/// controller that took over may have written others in their place. An item without events counts as absent: writing it again
/// changes nothing.
///
/// The leases are written first, so that this transaction waits until the lost one has ended either way.
pub(super) async fn committed(database: &Database, items: &[&Prepared]) -> Result<Vec<bool>, Error> {
    let mut tries = Tries::default();
    loop {
        let looked = tokio::time::timeout(LIMIT, look(database, items)).await;
        match looked.unwrap_or_else(|_| Err(silent().into())) {
            Err(Error::Database(error)) if faults::is_worth_another_try(&error) && tries.another().await => {}
            looked => return looked,
        }
    }
}

async fn look(database: &Database, items: &[&Prepared]) -> Result<Vec<bool>, Error> {
    let parts: Vec<u8> = items.iter().map(|item| item.part).collect::<BTreeSet<_>>().into_iter().collect();
    let mut transaction = database.begin().await?;
    // A fence that does not hold any more is no reason not to look; the items that are not there will be refused by it.
    database.leases.hold(&database.ground.dialect, &mut transaction, &parts).await?;
    let events: Vec<_> = items.iter().flat_map(|item| &item.events).collect();
    let mut found = HashMap::new();
    for chunk in chunks(&events) {
        let wanted = repeat("(execution = ? AND seq = ?)", " OR ", chunk.len());
        let select = built(format!("SELECT execution, seq, happened_at, body FROM events WHERE {wanted}"));
        let select = chunk.iter().fold(select, |select, event| select.bind(event.execution.clone()).bind(event.seq));
        for row in list::<Found>(&mut transaction, select).await? {
            let Found { key, content } = row?;
            found.insert(key, content);
        }
    }
    transaction.rollback().await?;
    let stands = |event: &EventRow| {
        let content = found.get(&(event.execution.clone(), event.seq));
        content.is_some_and(|(at, body)| (*at, body) == (event.at, &event.body))
    };
    Ok(items.iter().map(|item| !item.events.is_empty() && item.events.iter().all(stands)).collect())
}
