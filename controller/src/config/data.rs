//! Where the controller keeps what it knows.

use super::secret::Secret;
use pulse_settings::Layers;
use std::path::{Path, PathBuf};

/// Data folder and database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The folder for everything that is no row: the administrator's token, the lock, the SQLite file.
    pub folder: PathBuf,
    /// The database; may hold a password.
    pub database_url: Secret,
}

impl Data {
    const DEFAULT: &'static str = "/var/lib/pulse";

    /// Everything in one folder.
    pub fn in_folder(folder: &Path) -> Self {
        let database_url = Secret::new(format!("sqlite://{}", folder.join("pulse.db").display()));
        Self { folder: folder.to_owned(), database_url }
    }

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let folder = layers.get("PULSE_DATA_DIR").map_or(Self::DEFAULT, |given| given.text.as_str());
        let default = Self::in_folder(Path::new(folder));
        let Some(given) = layers.get("PULSE_DATABASE_URL") else { return default };
        // What stands behind the scheme is read where it is used, which also knows how to keep a password out of its errors.
        match given.text.split_once(':') {
            Some(("sqlite" | "mariadb" | "mysql", _)) => Self { database_url: Secret::new(given.text.clone()), ..default },
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') => {
                let place = &given.place;
                errors.push(format!(
                    "{place}: `{scheme}` databases are unsupported; use mariadb://user:password@host/database or sqlite://<file>"
                ));
                default
            }
            _ => {
                let place = &given.place;
                errors.push(format!("{place}: this is no URL; write mariadb://user:password@host/database or sqlite://<file>"));
                default
            }
        }
    }
}
