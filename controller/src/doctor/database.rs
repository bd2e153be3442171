//! The database: can it be reached, and has it this release's schema.

use super::check::Check;
use crate::config::Config;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(15);

/// Reads what has been migrated, and changes nothing.
pub(super) async fn check(config: &Config) -> Check {
    let url = config.data.database_url.reveal();
    let status = match tokio::time::timeout(PATIENCE, pulse_store::migration_status(url)).await {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Check::fail("database", error.to_string(), "PULSE_DATABASE_URL, and docs/mariadb.md"),
        Err(_) => {
            let remedy = "is the server up, and nothing between that swallows packets?";
            return Check::fail("database", format!("it does not answer within {} s", PATIENCE.as_secs()), remedy);
        }
    };
    if let Some(newer) = status.iter().find(|state| !state.known) {
        let message = format!("it has schema {}, which this release does not know", newer.version);
        return Check::fail("database", message, "run the newer pulse-controller, or restore a backup");
    }
    let missing = status.iter().filter(|state| !state.applied).count();
    match missing {
        0 => Check::ok("database", "it answers and has this release's schema"),
        count => {
            let remedy = "the next start migrates it; `pulse-controller migrate` does so now, after a backup";
            Check::warn("database", format!("it answers; {count} migrations are missing"), remedy)
        }
    }
}
