//! An open store for one unit test, on either engine.

use crate::Store;
use crate::test_database::TestDatabase;
use tempfile::TempDir;

/// A store with what it lives in.
pub(crate) struct Room {
    pub(crate) store: Store,
    pub(crate) url: String,
    _folder: TempDir,
    _database: Option<TestDatabase>,
}

impl Room {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("pulse.db").display());
        Self { store: Store::open(&url, "controller-1").await.unwrap(), url, _folder: folder, _database: None }
    }

    pub(crate) async fn mariadb() -> Self {
        let database = TestDatabase::new().await;
        let store = Store::open(&database.url, "controller-1").await.unwrap();
        Self { store, url: database.url.clone(), _folder: tempfile::tempdir().unwrap(), _database: Some(database) }
    }
}

/// Each of these tests on each engine.
macro_rules! on_both_engines {
    ($($test:ident)*) => {
        mod sqlite { $(
            #[tokio::test]
            async fn $test() {
                super::$test(crate::test_room::Room::sqlite().await).await;
            }
        )* }
        mod mariadb { $(
            #[tokio::test]
            async fn $test() {
                super::$test(crate::test_room::Room::mariadb().await).await;
            }
        )* }
    };
}
pub(crate) use on_both_engines;
