//! The end of a restore: this release's schema, and nothing goes on by itself. Whoever wrote before is fenced, agents' old sessions are none,
//! and a pause holds everything until a person has looked.

use super::{Restore, mark};
use crate::audit;
use crate::columns::time;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{Shape, plain, query};
use crate::{Error, leases, migrations};
use pulse_core::audit::Record;
use pulse_core::time::Timestamp;
use pulse_protocol::failpoint::{self, Act};
use sqlx::{AnyConnection, Connection};
use uuid::Uuid;

/// What epochs of sessions rise by: more than there were since the backup.
const SESSIONS: i64 = 1 << 20;

/// What is known of the backup, and of this moment.
#[derive(Debug, Clone)]
pub struct Taken {
    /// When the backup was taken.
    pub at: Timestamp,
    /// The highest epoch of its leases.
    pub epoch: i64,
    /// When it is restored.
    pub now: Timestamp,
    /// Why everything is held, as whoever waits will read it.
    pub reason: String,
    /// What the audit log says of it.
    pub audit: Record,
}

/// What a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Executions that were not over when the backup was taken: they are held.
    pub open: Vec<String>,
    /// The pause that holds them.
    pub pause: Uuid,
}

struct Open(String);

impl FromRow for Open {
    const TABLE: &'static str = "executions";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(format!("{}#{}", row.get::<String>("workflow")?, row.get::<i64>("number")?)))
    }
}

impl Restore {
    /// Everything was handed in. After this the database is a controller's again.
    pub async fn finish(mut self, taken: &Taken) -> Result<Finished, Error> {
        self.flushed().await?;
        migrations::run_up_to(&self.dialect, &mut self.connection, i64::MAX).await?;
        plain(&mut self.connection, self.dialect.begin_write()).await?;
        self.fence(taken).await?;
        let pause = self.hold(taken).await?;
        audit::insert(&self.dialect, &mut self.connection, &[&taken.audit]).await?;
        failpoint::before(Act::Restore).map_err(sqlx::Error::from)?;
        plain(&mut self.connection, "COMMIT").await?;
        let open = open(&mut self.connection).await?;
        failpoint::after(Act::Restore).map_err(sqlx::Error::from)?;
        mark::clear(&mut self.connection).await?;
        self.dialect.unlock_migrations(&mut self.connection).await?;
        self.connection.close().await?;
        Ok(Finished { open, pause })
    }

    /// Nobody who had these leases, or those of the database that was here, can write. The time since the backup is one without a controller.
    async fn fence(&mut self, taken: &Taken) -> Result<(), Error> {
        let epoch = self.epoch.max(taken.epoch).saturating_add(1);
        let parts: Vec<i16> = (0..i16::from(leases::LEASES)).collect();
        let insert = Shape::insert("INSERT INTO leases (part, owner, epoch, expires_at, given_back_at) VALUES", "(?,'',?,0,?)");
        let at = time(taken.at);
        insert.run(&mut self.connection, &parts, |query, part| query.bind(*part).bind(epoch).bind(at)).await?;
        query("UPDATE agents SET epoch = epoch + ?").bind(SESSIONS).execute(&mut self.connection).await?;
        // What has let somebody in since, or was revoked, is not known any more.
        let void =
            query("UPDATE agent_tokens SET expires_at = ? WHERE expires_at > ?").bind(time(taken.now)).bind(time(taken.now));
        void.execute(&mut self.connection).await?;
        Ok(())
    }

    async fn hold(&mut self, taken: &Taken) -> Result<Uuid, Error> {
        let pause = Uuid::now_v7();
        let insert = query("INSERT INTO pauses (id, scope, reason, created_by, created_at) VALUES (?, 'all', ?, 'restore', ?)");
        let insert = insert.bind(pause.to_string()).bind(taken.reason.clone()).bind(time(taken.now));
        insert.execute(&mut self.connection).await?;
        let note = query("INSERT INTO meta (name, value) VALUES (?, ?)");
        query("DELETE FROM meta WHERE name = 'restored_from'").execute(&mut self.connection).await?;
        note.bind("restored_from").bind(taken.at.0.to_string()).execute(&mut self.connection).await?;
        Ok(pause)
    }
}

async fn open(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let select = query("SELECT workflow, number FROM executions WHERE terminal = 0 ORDER BY id");
    let rows = list::<Open>(connection, select).await?;
    Ok(rows.into_iter().map(|row| row.map(|Open(name)| name)).collect::<Result<_, _>>()?)
}
