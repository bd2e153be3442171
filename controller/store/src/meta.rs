//! Facts about this installation that are written once, such as its id.

use crate::bounds;
use crate::rows::{Columns, FromRow, one};
use crate::sql::{Query, Shape, query};
use crate::transact::look_again;
use crate::{Error, Store};
use pulse_protocol::failpoint::Act;

struct Value(String);

impl FromRow for Value {
    const TABLE: &'static str = "meta";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("name")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get("value")?))
    }
}

impl Store {
    /// A fact, if it was ever put.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, Error> {
        let select = query("SELECT name, value FROM meta WHERE name = ?").bind(name.to_owned());
        Ok(one::<Value>(&mut *self.reader().await?, select).await?.map(|Value(value)| value))
    }

    /// Puts a fact unless it is there already, and answers the one that stands.
    pub async fn meta_once(&self, name: &str, value: &str) -> Result<String, Error> {
        bounds::text("a fact's name", name, bounds::WORD)?;
        self.transact(
            Act::Meta,
            |connection, _| {
                Box::pin(async move {
                    let insert = Shape::insert("INSERT INTO meta (name, value) VALUES", "(?, ?)");
                    let bind = |query: Query, (): &()| query.bind(name.to_owned()).bind(value.to_owned());
                    self.database.ground.dialect.or_ignore(insert, "name").run(connection, &[()], bind).await?;
                    let select = query("SELECT name, value FROM meta WHERE name = ?").bind(name.to_owned());
                    let standing = one::<Value>(connection, select).await?;
                    Ok(standing.map_or_else(|| value.to_owned(), |Value(value)| value))
                })
            },
            look_again,
        )
        .await
    }

    /// Puts a fact, whatever it was before.
    pub async fn put_meta(&self, name: &str, value: &str) -> Result<(), Error> {
        if self.meta_once(name, value).await? == value {
            return Ok(());
        }
        self.transact(
            Act::Meta,
            |connection, _| {
                Box::pin(async move {
                    let update = query("UPDATE meta SET value = ? WHERE name = ?");
                    update.bind(value.to_owned()).bind(name.to_owned()).execute(connection).await?;
                    Ok::<_, Error>(())
                })
            },
            look_again,
        )
        .await
    }

    /// The id of this installation; `fresh` becomes it where there is none yet.
    pub async fn cluster_id(&self, fresh: &str) -> Result<String, Error> {
        self.meta_once("cluster_id", fresh).await
    }
}
