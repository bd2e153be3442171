//! People, as their identity provider said them last. A name belongs to the subject of a provider that had it first.

use crate::columns::time;
use crate::rows::{Columns, FromRow, list, one};
use crate::sql::{Query, built, is_taken, query};
use crate::tokens::json;
use crate::{Error, RowError, Store, bounds};
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::Act;
use sqlx::AnyConnection;
use std::collections::BTreeSet;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their name.
    pub name: String,
    /// Who vouches for them: `proxy`, or an issuer's URL.
    pub provider: String,
    /// What the provider calls them for ever.
    pub subject: String,
    /// What people call them.
    pub display_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// Their groups.
    pub groups: BTreeSet<String>,
    /// When they came first.
    pub first_seen_at: Timestamp,
    /// When they came last, to some minutes.
    pub last_seen_at: Timestamp,
}

const COLUMNS: &str = "name, provider, subject, display_name, email, member_of, first_seen_at, last_seen_at";

impl FromRow for User {
    const TABLE: &'static str = "users";
    fn key(row: &Columns<'_>) -> Option<String> {
        row.text("name")
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self {
            name: row.get("name")?,
            provider: row.get("provider")?,
            subject: row.get("subject")?,
            display_name: row.get("display_name")?,
            email: row.get("email")?,
            groups: row.json("member_of")?,
            first_seen_at: Timestamp(row.get("first_seen_at")?),
            last_seen_at: Timestamp(row.get("last_seen_at")?),
        })
    }
}

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is theirs, and what is known of them is as they said.
    Theirs,
    /// It is somebody else's.
    NameTaken,
}

fn select_user(name: &str, end: &str) -> Query {
    built(format!("SELECT {COLUMNS} FROM users WHERE name = ? {end}")).bind(name.to_owned())
}

impl Store {
    /// Notes a person as they come in now.
    pub async fn see_user(&self, user: &User) -> Result<Seen, Error> {
        bounds::text("a user's name", &user.name, bounds::NAME)?;
        bounds::text("a user's provider", &user.provider, bounds::NAME)?;
        bounds::text("a user's subject", &user.subject, bounds::LINE)?;
        let groups = &json(&user.groups)?;
        bounds::documents("a user", &[groups])?;
        self.transact(
            Act::Credential,
            |connection, _| Box::pin(async move { see(connection, user, groups).await }),
            |connection, _| {
                Box::pin(async move {
                    let select = select_user(&user.name, self.database.ground.dialect.for_update());
                    let row = one::<User>(connection, select).await?;
                    Ok(row.filter(|row| row.last_seen_at == user.last_seen_at && is_same(row, user)).map(|_| Seen::Theirs))
                })
            },
        )
        .await
    }

    /// Everybody who ever came in, by name.
    pub async fn users(&self) -> Result<Vec<Result<User, RowError>>, Error> {
        let select = built(format!("SELECT {COLUMNS} FROM users ORDER BY name"));
        Ok(list(&mut *self.reader().await?, select).await?)
    }
}

fn is_same(a: &User, b: &User) -> bool {
    a.provider == b.provider && a.subject == b.subject
}

/// An update of who has the name and is the same; else an insert, which only one of two can win.
async fn see(connection: &mut AnyConnection, user: &User, groups: &str) -> Result<Seen, Error> {
    let update = query(
        "UPDATE users SET display_name = ?, email = ?, member_of = ?, last_seen_at = ? WHERE name = ? AND provider = ? AND subject = ?",
    );
    let update = update.bind(user.display_name.clone()).bind(user.email.clone()).bind(groups.to_owned());
    let update = update.bind(time(user.last_seen_at)).bind(user.name.clone());
    let update = update.bind(user.provider.clone()).bind(user.subject.clone());
    if update.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(Seen::Theirs);
    }
    let insert = built(format!("INSERT INTO users ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
    let insert = insert.bind(user.name.clone()).bind(user.provider.clone()).bind(user.subject.clone());
    let insert = insert.bind(user.display_name.clone()).bind(user.email.clone()).bind(groups.to_owned());
    match insert.bind(time(user.last_seen_at)).bind(time(user.last_seen_at)).execute(connection).await {
        Ok(_) => Ok(Seen::Theirs),
        Err(error) if is_taken(&error) => Ok(Seen::NameTaken),
        Err(error) => Err(error.into()),
    }
}
