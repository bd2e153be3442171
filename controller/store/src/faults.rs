//! What a database's errors mean: try the transaction again, try later, or give up. The numbers are the engines' own; SQLite's
//! and MariaDB's do not overlap in type, so that one function reads both.

use sqlx::mysql::MySqlDatabaseError;

/// MariaDB has rolled the transaction back, or refused a lock, and asks for it again as a whole: deadlock or a Galera conflict,
/// lock wait timeout, record changed since last read.
const TRY_AGAIN: [u16; 3] = [1213, 1205, 1020];

/// Somebody interrupted the statement. It was not written, but whether a COMMIT was is open.
const INTERRUPTED: u16 = 1317;

/// The server ended the connection, is going down, has no room for another or no disk for more, is not ready, or may only be
/// read for now.
const AWAY: [u16; 17] = [1021, 1040, 1047, 1053, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1290, 1792, 1836, 1927];

/// SQLite's disk is full (`SQLITE_FULL`) or fails (`SQLITE_IOERR`).
const DISK: [i32; 2] = [13, 10];

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
    asks_to_try_again(error) || lost_connection(error) || number(error) == Some(INTERRUPTED)
}

/// Whether the same may succeed later though nobody changes anything.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    is_worth_another_try(error)
        || matches!(error, sqlx::Error::PoolTimedOut)
        || number(error).is_some_and(|number| AWAY.contains(&number))
        || result_code(error).is_some_and(|code| DISK.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::{asks_to_try_again, is_transient, is_worth_another_try, lost_connection};
    use crate::test_room::Room;
    use sqlx::AssertSqlSafe;

    /// A real server says each of them.
    #[tokio::test]
    async fn every_number_has_its_meaning() {
        let room = Room::mariadb().await;
        let mut connection = room.store.reader().await.unwrap();
        let retry = [1213, 1205, 1020, 1317];
        let lost = [1053, 1152, 1158, 1159, 1160, 1161, 1927];
        let away = [1021, 1040, 1047, 1114, 1129, 1203, 1226, 1290, 1792, 1836];
        let ours = [1062, 1064, 1146, 1406, 1045, 1049];
        for number in [&retry[..], &lost, &away, &ours].concat() {
            let signal = format!("SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'as told'");
            let error = sqlx::raw_sql(AssertSqlSafe(signal)).execute(&mut *connection).await.unwrap_err();
            let meaning =
                (asks_to_try_again(&error), lost_connection(&error), is_worth_another_try(&error), is_transient(&error));
            // Whether an interrupted COMMIT happened is read back, as after a lost connection.
            let expected = (
                retry.contains(&number) && number != 1317,
                lost.contains(&number),
                retry.contains(&number) || lost.contains(&number),
                !ours.contains(&number),
            );
            assert_eq!(meaning, expected, "{number}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_waited_for() {
        let room = Room::sqlite().await;
        let mut connection = room.store.database.ground.write.acquire().await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *connection).await.unwrap();
        let fill = "INSERT INTO meta (name, value) VALUES ('large', hex(randomblob(4000000)))";
        let error = sqlx::raw_sql(fill).execute(&mut *connection).await.unwrap_err();
        assert!(is_transient(&error) && !is_worth_another_try(&error), "{error:?}");
        let wrong = sqlx::raw_sql("INSERT INTO meta (name) VALUES (NULL)").execute(&mut *connection).await.unwrap_err();
        assert!(!is_transient(&wrong), "{wrong:?}");
    }
}
