//! Migrations of an engine whose DDL commits by itself: every statement is a step that may be run again, and a migration is noted
//! as done after its last one. So whatever moment a process is killed at, the next one begins with the first statement of the
//! migration that is not noted, and nobody has to mend anything.

use super::Applied;
use crate::Error;
use crate::sql::{built, query};
use sqlx::AnyConnection;
use sqlx::migrate::{MigrateError, Migration};

/// The same table that the driver keeps on other engines, so that both are read alike.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT NOT NULL PRIMARY KEY, description TEXT NOT NULL, \
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success SMALLINT NOT NULL, checksum BLOB NOT NULL, \
    execution_time BIGINT NOT NULL) ENGINE = InnoDB";

/// One thing that is done and durable.
#[derive(Debug)]
pub(super) enum Step<'m> {
    /// A statement that changes nothing when it is run again.
    Statement(String),
    /// The row that says that all statements of this migration have run.
    Done(&'m Migration),
}

/// What is missing in a database that has these migrations, in order. An error if one of them has another text there.
pub(super) fn missing<'m>(known: &'m [Migration], applied: &[Applied]) -> Result<Vec<Step<'m>>, Error> {
    let mut steps = vec![Step::Statement(TABLE.to_owned())];
    for migration in known {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => {
                steps.extend(statements(migration.sql.as_str()).into_iter().map(Step::Statement));
                steps.push(Step::Done(migration));
            }
            Some(applied) if applied.checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version).into()),
        }
    }
    Ok(steps)
}

impl Step<'_> {
    pub(super) async fn run(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Statement(text) => built(text.clone()).execute(connection).await?,
            Self::Done(migration) => {
                let insert = query(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?, ?, 1, ?, 0)",
                );
                let insert = insert.bind(migration.version).bind(migration.description.to_string());
                insert.bind(migration.checksum.to_vec()).execute(connection).await?
            }
        };
        Ok(())
    }
}

/// The statements of a migration's text. Comments are whole lines; no text in a statement holds a `;`.
pub(super) fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    code.join("\n").split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{Step, missing, statements};
    use crate::dialect::Dialect;
    use crate::migrations::Applied;

    #[test]
    fn a_text_is_cut_into_statements() {
        assert_eq!(statements("-- one; two\nA\n  (b);\n\n-- three\nC;"), ["A\n  (b)", "C"]);
    }

    #[test]
    fn every_statement_may_be_run_again() {
        let known = Dialect::of("mariadb://u@h/d").unwrap().migrations();
        for step in missing(&known, &[]).unwrap() {
            if let Step::Statement(text) = step {
                let create = text.starts_with("CREATE TABLE IF NOT EXISTS ");
                let alter =
                    text.starts_with("ALTER TABLE ") && text.matches("ADD ").count() == text.matches("IF NOT EXISTS ").count();
                assert!(create || alter, "{text}");
                // A literal that was cut at its `;` leaves a quote alone.
                let whole = ['\'', '"', '`'].iter().all(|quote| text.matches(*quote).count().is_multiple_of(2));
                assert!(whole && !text.contains("--") && !text.contains("/*"), "comments are whole lines: {text}");
            }
        }
    }

    #[test]
    fn what_is_noted_is_not_run_again_and_must_be_the_same() {
        let known = Dialect::of("mariadb://u@h/d").unwrap().migrations();
        let mut applied: Vec<Applied> =
            known.iter().map(|m| Applied { version: m.version, checksum: m.checksum.to_vec() }).collect();
        assert_eq!(missing(&known, &applied).unwrap().len(), 1);
        applied[0].checksum[0] ^= 1;
        assert_eq!(missing(&known, &applied).unwrap_err().code(), "store_migration");
    }
}
