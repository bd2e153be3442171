//! MariaDB: its URL, its set-up, what its server must be, its migrations.

use super::{MigrationText, Purpose};
use crate::Error;
use crate::rows::{Columns, FromRow, one};
use crate::sql::{PREPARED, built, query};
use sqlx::AnyConnection;
use sqlx::any::AnyConnectOptions;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Connections that write: the two writers, and what people and agents do beside them.
pub(super) const WRITERS: u32 = 6;

/// Readers side by side.
pub(super) const READERS: u32 = 8;

/// The oldest server. Since 10.6 a DDL statement is atomic, so that a migration can be killed at any moment.
const OLDEST: (u32, u32) = (10, 6);

/// The smallest `max_allowed_packet`, which is its default. No statement of the store comes near it ([`crate::sql`]).
pub(crate) const PACKET_BYTES: i64 = 16 << 20;

/// Options of the URL that are passed on.
const OPTIONS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

pub(super) const URL_FORM: &str = "mariadb://user:password@host:3306/database, with special characters of user and password \
    percent-encoded and with the options ssl-mode, ssl-ca, ssl-cert, ssl-key, socket";

/// Strict: a value that does not fit is an error, never cut. A lock that another holds is waited for a few seconds, then the
/// whole transaction is tried again.
///
/// A transaction whose client says nothing for 8 s is ended: a process that was stopped, or a network that was cut, between fence
/// and COMMIT would otherwise keep its locks on the leases, and every other controller out, for hours. The store itself pauses in
/// no transaction.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,\
    NO_ZERO_DATE,NO_ZERO_IN_DATE,PIPES_AS_CONCAT', autocommit = 1, innodb_lock_wait_timeout = 3, lock_wait_timeout = 60, \
    idle_transaction_timeout = 8";

const NAMES: &str = "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin";

/// Every decision of the store is a unique insert or one compare-and-set, which see the newest committed row under its lock, and
/// what is read before a write in the same transaction is read with a lock. So nothing leans on a snapshot, and READ COMMITTED
/// is enough. Its searches and updates take no gap locks, at which inserts side by side would deadlock (the check of a unique key
/// that exists already still takes one), and it leaves `innodb_snapshot_isolation` nothing to refuse: REPEATABLE READ would answer error 1020 where another has written since the transaction's first read.
const WRITE_ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE";
const READ_ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY";

/// For the next transaction alone: its reads see what was committed when it began.
pub(super) const SNAPSHOT_ISOLATION: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";

/// A read that takes longer is given up, so that a bad one does not hold a connection for ever. Seconds.
const READ_LIMIT: &str = "SET SESSION max_statement_time = 30";

pub(super) const MIGRATIONS: [MigrationText; 9] = [
    (1, "base", include_str!("../../../../migrations/mariadb/0001_base.sql")),
    (2, "gitops", include_str!("../../../../migrations/mariadb/0002_gitops.sql")),
    (3, "lookups", include_str!("../../../../migrations/mariadb/0003_lookups.sql")),
    (4, "schedules", include_str!("../../../../migrations/mariadb/0004_schedules.sql")),
    (5, "people", include_str!("../../../../migrations/mariadb/0005_people.sql")),
    (6, "agents", include_str!("../../../../migrations/mariadb/0006_agents.sql")),
    (7, "identity", include_str!("../../../../migrations/mariadb/0007_identity.sql")),
    (8, "audit", include_str!("../../../../migrations/mariadb/0008_audit.sql")),
    (9, "keep", include_str!("../../../../migrations/mariadb/0009_keep.sql")),
];

/// Where the server is, and who we are to it. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// In the driver's scheme, with the password.
    url: String,
    shown: String,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Server {
    /// Reads a URL; `rest` is what follows its scheme and colon. No error shows a password.
    pub(super) fn of(scheme: &str, rest: &str) -> Result<Self, Error> {
        let refuse =
            |reason: String| Error::Url { url: format!("{scheme}:…"), reason: format!("{reason}; expected {URL_FORM}") };
        // The driver knows its own scheme only; the rest of the URL is the same.
        let url = format!("mysql:{rest}");
        let options: AnyConnectOptions = url.parse().map_err(|_| refuse("this is no URL".to_owned()))?;
        let parsed = &options.database_url;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refuse("it names no host".to_owned()))?;
        let database = parsed.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err(refuse("it names no database".to_owned()));
        }
        if parsed.username().is_empty() {
            return Err(refuse("it names no user".to_owned()));
        }
        if parsed.fragment().is_some() {
            return Err(refuse("`#` in a user or password is written as %23".to_owned()));
        }
        if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| !OPTIONS.contains(&name.as_ref())) {
            return Err(refuse(format!("the option {name:?} is not known")));
        }
        let port = parsed.port().unwrap_or(3306);
        Ok(Self { shown: format!("mariadb://{}@{host}:{port}/{database}", parsed.username()), url })
    }

    pub(super) fn connect_options(&self) -> Result<AnyConnectOptions, Error> {
        // The driver's own error could show what it could not read.
        let unreadable = |_| Error::Url { url: self.shown.clone(), reason: format!("expected {URL_FORM}") };
        let mut options: AnyConnectOptions = self.url.parse().map_err(unreadable)?;
        options.database_url.query_pairs_mut().append_pair("statement-cache-capacity", &PREPARED.to_string());
        Ok(options)
    }
}

pub(super) async fn set_up(connection: &mut AnyConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let isolation = if purpose == Purpose::Write { WRITE_ISOLATION } else { READ_ISOLATION };
    for statement in [SESSION, NAMES, isolation] {
        query(statement).execute(&mut *connection).await?;
    }
    if purpose == Purpose::Read {
        query(READ_LIMIT).execute(connection).await?;
    }
    Ok(())
}

struct Facts {
    version: String,
    packet: i64,
    flush: i64,
    /// `@@binlog_format` where there is a binary log.
    logged_as: Option<String>,
    sync_log: i64,
}

impl FromRow for Facts {
    const TABLE: &'static str = "the server's settings";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let log: i64 = row.get("log")?;
        Ok(Self {
            version: row.get("version")?,
            packet: row.get("packet")?,
            flush: row.get("flush_mode")?,
            logged_as: Some(row.get("log_format")?).filter(|_| log != 0),
            sync_log: row.get("sync_log")?,
        })
    }
}

/// Refuses a server that cannot keep the store's promises. Asked before the set-up, some of which an old server would not know.
pub(super) async fn check(connection: &mut AnyConnection) -> Result<(), Error> {
    let select = query(
        "SELECT VERSION() AS version, CAST(@@max_allowed_packet AS SIGNED) AS packet, \
         CAST(@@innodb_flush_log_at_trx_commit AS SIGNED) AS flush_mode, CAST(@@log_bin AS SIGNED) AS log, \
         @@binlog_format AS log_format, CAST(@@sync_binlog AS SIGNED) AS sync_log",
    );
    let Some(facts) = one::<Facts>(connection, select).await? else { return Ok(()) };
    facts.judge().map_err(|reason| Error::Server { reason })?;
    let forgetful = facts.forgetful();
    // Once, and not with each connection of each pool.
    if WARNED.swap(forgetful.is_some(), Ordering::Relaxed) {
        return Ok(());
    }
    if let Some(setting) = forgetful {
        tracing::warn!("{setting}: after a power cut the database may have forgotten commits; set it to 1");
    }
    Ok(())
}

/// The last connection was to a server that may forget commits.
static WARNED: AtomicBool = AtomicBool::new(false);

impl Facts {
    /// The setting for which answered commits may be lost, as it is.
    fn forgetful(&self) -> Option<String> {
        match (self.flush, &self.logged_as, self.sync_log) {
            (1, None, _) | (1, Some(_), 1) => None,
            // What is not in the binary log is rolled back when the server recovers.
            (1, Some(_), sync) => Some(format!("sync_binlog is {sync}, and there is a binary log")),
            (flush, ..) => Some(format!("innodb_flush_log_at_trx_commit is {flush}")),
        }
    }

    fn judge(&self) -> Result<(), String> {
        let (version, (major, minor)) = (&self.version, OLDEST);
        if !version.contains("MariaDB") {
            return Err(format!(
                "it says it is {version:?}; MariaDB {major}.{minor} or newer is needed, and MySQL is not served"
            ));
        }
        // Some servers put a fixed prefix for old replicas before their version.
        let mut numbers = version.trim_start_matches("5.5.5-").split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
            return Err(format!("it is {version}; MariaDB {major}.{minor} or newer is needed"));
        }
        if self.packet < PACKET_BYTES {
            return Err(format!("its max_allowed_packet is {}; at least {PACKET_BYTES} is needed", self.packet));
        }
        if self.logged_as.as_deref() == Some("STATEMENT") {
            let reason = "it has a binary log, and binlog_format is STATEMENT, which cannot log what READ COMMITTED writes; set \
                binlog_format to MIXED (the default) or ROW in its configuration, and at once by SET GLOBAL binlog_format = 'MIXED'";
            return Err(reason.to_owned());
        }
        Ok(())
    }
}

/// Takes the lock under which migrations run. Closing the connection gives it back.
pub(super) async fn lock_migrations(connection: &mut AnyConnection) -> Result<(), Error> {
    const SECONDS: u32 = 120;
    struct Taken(Option<i64>);
    impl FromRow for Taken {
        const TABLE: &'static str = "the lock of migrations";
        fn key(_: &Columns<'_>) -> Option<String> {
            None
        }
        fn read(row: &Columns<'_>) -> Result<Self, String> {
            Ok(Self(row.get("taken")?))
        }
    }
    let select = format!("SELECT CAST(GET_LOCK(CONCAT('pulse/', SHA1(DATABASE())), {SECONDS}) AS SIGNED) AS taken");
    match one::<Taken>(connection, built(select)).await? {
        Some(Taken(Some(1))) => Ok(()),
        _ => Err(Error::Migrating { seconds: SECONDS }),
    }
}

/// Gives it back.
pub(super) async fn unlock_migrations(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    query("DO RELEASE_LOCK(CONCAT('pulse/', SHA1(DATABASE())))").execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Facts, PACKET_BYTES, Server};

    #[test]
    fn a_url_is_read_and_its_password_never_shown() {
        let server = Server::of("mariadb", "//pulse:h%40nter2@db.example:3307/ops?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem").unwrap();
        assert_eq!(format!("{server:?}"), "mariadb://pulse@db.example:3307/ops");
        assert!(server.connect_options().is_ok());
        for (rest, word) in [
            ("//pulse:hunter2@db/", "database"),
            ("//pulse:hunter2@db/a/b", "database"),
            ("//:hunter2@db/ops", "user"),
            ("//pulse:hunter2@db/ops?sslmode=off", "sslmode"),
            ("//pulse:hunter2@db/ops?charset=latin1", "charset"),
            ("//pulse:hunter2#x@db/ops", "expected"),
            ("//pulse:hunter2@db:port/ops", "URL"),
            ("hunter2", "host"),
        ] {
            let error = Server::of("mysql", rest).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.code() == "store_url" && text.contains(word) && !text.contains("hunter2"), "{rest}: {text}");
        }
    }

    fn good() -> Facts {
        let version = "10.11.14-MariaDB".to_owned();
        Facts { version, packet: PACKET_BYTES, flush: 1, logged_as: None, sync_log: 0 }
    }

    #[test]
    fn a_binary_log_is_not_one_of_statements() {
        let logged_as = |format: &str| Facts { logged_as: Some(format.to_owned()), ..good() };
        assert!(logged_as("STATEMENT").judge().unwrap_err().contains("SET GLOBAL binlog_format = 'MIXED'"));
        assert_eq!((logged_as("MIXED").judge(), logged_as("ROW").judge(), good().judge()), (Ok(()), Ok(()), Ok(())));
    }

    #[test]
    fn what_may_forget_commits_is_named() {
        let log = Some("ROW".to_owned());
        let synced = Facts { logged_as: log.clone(), sync_log: 1, ..good() };
        assert_eq!((good().forgetful(), synced.forgetful()), (None, None));
        let log_unsynced = Facts { logged_as: log, ..good() }.forgetful();
        assert!(log_unsynced.is_some_and(|said| said.contains("sync_binlog is 0")));
        let unflushed = Facts { flush: 2, ..good() }.forgetful();
        assert!(unflushed.is_some_and(|said| said.contains("innodb_flush_log_at_trx_commit is 2")));
    }

    #[test]
    fn old_and_foreign_servers_are_refused() {
        let facts = |version: &str, packet| Facts { version: version.to_owned(), packet, ..good() }.judge();
        for version in ["10.6.0-MariaDB", "5.5.5-10.11.14-MariaDB-0+deb12u2", "11.8.3-MariaDB-log", "12.0.2-MariaDB"] {
            assert_eq!(facts(version, PACKET_BYTES), Ok(()), "{version}");
        }
        for version in ["8.4.3", "10.5.27-MariaDB", "5.5.68-MariaDB", "9.0.1-commercial"] {
            assert!(facts(version, PACKET_BYTES).unwrap_err().contains("10.6"), "{version}");
        }
        assert!(facts("11.4.2-MariaDB", 1 << 20).unwrap_err().contains("max_allowed_packet"));
    }
}
