//! After a COMMIT whose answer got lost: the keys say whether it happened.

use super::item::Prepared;
use crate::open::Database;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{built, chunks, repeat};
use crate::transact::{LIMIT, Tries, silent};
use crate::{Error, faults};
use std::collections::{BTreeSet, HashMap};

struct Body {
    execution: String,
    body: String,
}

impl FromRow for Body {
    const TABLE: &'static str = "events";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("execution")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { execution: row.get("execution")?, body: row.get("body")? })
    }
}

/// Which of these items are in the database: those whose first event stands there with the same body. An item without events
/// counts as absent: writing it again changes nothing.
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
    let firsts: Vec<_> = items.iter().filter_map(|item| item.events.first()).collect();
    let mut found = HashMap::new();
    for chunk in chunks(&firsts) {
        let wanted = repeat("(execution = ? AND seq = ?)", " OR ", chunk.len());
        let select = built(format!("SELECT execution, body FROM events WHERE {wanted}"));
        let select = chunk.iter().fold(select, |select, event| select.bind(event.execution.clone()).bind(event.seq));
        for row in list::<Body>(&mut transaction, select).await? {
            let row = row?;
            found.insert(row.execution, row.body);
        }
    }
    transaction.rollback().await?;
    let is_there = |item: &&Prepared| item.events.first().is_some_and(|event| found.get(&item.id) == Some(&event.body));
    Ok(items.iter().map(is_there).collect())
}
