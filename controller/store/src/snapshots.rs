//! Snapshots: the pinned definitions of executions, by digest. Written with the first event, never changed.

use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{built, chunks, query, repeat};
use crate::{Error, RowError, Store};

struct Snapshot {
    digest: String,
    body: String,
}

impl FromRow for Snapshot {
    const TABLE: &'static str = "snapshots";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("digest")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self { digest: row.get("digest")?, body: row.get("body")? })
    }
}

impl Store {
    /// The body of a snapshot.
    pub async fn snapshot(&self, digest: &str) -> Result<Option<String>, Error> {
        let select = query("SELECT digest, body FROM snapshots WHERE digest = ?").bind(digest.to_owned());
        Ok(one::<Snapshot>(&mut *self.reader().await?, select).await?.map(|snapshot| snapshot.body))
    }

    /// Those of these snapshots that exist, as (digest, body).
    pub async fn snapshots(&self, digests: &[String]) -> Result<Vec<Result<(String, String), RowError>>, Error> {
        let mut reader = self.reader().await?;
        let mut found = Vec::new();
        for chunk in chunks(digests) {
            let select = built(format!("SELECT digest, body FROM snapshots WHERE digest IN ({})", repeat("?", ",", chunk.len())));
            let select = chunk.iter().fold(select, |select, digest| select.bind(digest.clone()));
            let rows = list::<Snapshot>(&mut reader, select).await?;
            found.extend(rows.into_iter().map(|row| row.map(|snapshot| (snapshot.digest, snapshot.body))));
        }
        Ok(found)
    }
}
