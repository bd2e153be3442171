//! What a database's errors mean: try the transaction again, try later, or give up. The numbers are the engines' own; SQLite's
//! and MariaDB's do not overlap in type, so that one function reads both.

use sqlx::mysql::MySqlDatabaseError;

/// MariaDB has rolled the transaction back, or refused a lock, and asks for it again as a whole: deadlock or a Galera conflict,
/// lock wait timeout, record changed since last read.
const TRY_AGAIN: [u16; 3] = [1213, 1205, 1020];

/// The server ended the connection, is going down, has no room for another, is not ready, or may only be read for now.
const AWAY: [u16; 15] = [1021, 1040, 1047, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1290, 1792, 1836, 1927];

/// MariaDB's number of an error.
fn number(error: &sqlx::Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// SQLite's primary result code.
fn result_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?.parse::<i32>().ok()?;
    number(error).is_none().then_some(code & 0xff)
}

/// Whether the engine asks for the same transaction again; nothing of it was written.
pub(crate) fn asks_to_try_again(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and its extended forms.
    number(error).is_some_and(|number| TRY_AGAIN.contains(&number)) || result_code(error) == Some(5)
}

/// Whether the error says that a table does not exist.
pub(crate) fn is_missing_table(error: &sqlx::Error) -> bool {
    match number(error) {
        Some(number) => number == 1146,
        // SQLite says SQLITE_ERROR, its code for everything wrong with a statement.
        None => result_code(error) == Some(1),
    }
}

/// Whether the connection is gone, so that what it was doing cannot be known from the error alone.
pub(crate) fn lost_connection(error: &sqlx::Error) -> bool {
    let by_server = number(error).is_some_and(|number| matches!(number, 1053 | 1152 | 1158..=1161 | 1927));
    by_server || matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed)
}

/// Whether the same transaction is tried again at once, where its COMMIT was not sent yet. A pool that had no connection to give
/// has waited already.
pub(crate) fn is_worth_another_try(error: &sqlx::Error) -> bool {
    asks_to_try_again(error) || lost_connection(error)
}

/// Whether the same may succeed later though nobody changes anything.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    asks_to_try_again(error)
        || lost_connection(error)
        || matches!(error, sqlx::Error::PoolTimedOut)
        || number(error).is_some_and(|number| AWAY.contains(&number))
}
