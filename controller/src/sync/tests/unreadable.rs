//! What is live and cannot be read by this release: an older one reads what a newer one wrote.

use super::{Room, SOURCE, workflow};
use crate::agents::FleetHandle;
use crate::engine::Engine;
use crate::source::Folder;
use crate::sync::Syncer;
use pulse_store::SyncOutcome;
use sqlx::{AnyConnection, Connection};
use std::sync::Arc;
use std::time::Duration;

impl Room {
    /// Changes the database by hand.
    async fn meddle(&self, sql: &'static str) {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}", self.root.path().join("pulse.db").display());
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.expect(sql);
        connection.close().await.unwrap();
    }

    /// Another controller on the same store, which has read nothing yet.
    fn restart(&mut self) -> &Engine {
        let engine = Engine::new(self.store.clone(), FleetHandle::default());
        let folder = Arc::new(Folder::new(self.root.path().join("ops")));
        self.syncer = Syncer::new(SOURCE, folder, Duration::from_secs(60), engine);
        &self.syncer.inner.engine
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_written_anew_and_does_not_come_back_once_it_is_deleted() {
    let mut room = Room::new().await;
    for name in ["a", "b", "c"] {
        room.write(&format!("{name}.yaml"), &workflow(name, "echo"));
    }
    room.sync(SyncOutcome::Applied).await;
    room.meddle("UPDATE definitions SET manifest = 'newer' || manifest WHERE name <> 'c'").await;
    room.restart();
    std::fs::remove_file(room.path("b.yaml")).unwrap();
    // Asked for at once, before anything else has read what is live.
    let checked = room.syncer.check_source(None).await.unwrap();
    let plan = room.syncer.plan(&checked).await.unwrap().plan;
    let names = |changes: &[pulse_core::plan::Change]| changes.iter().map(|change| change.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&plan.create), names(&plan.update), names(&plan.retire)), (vec![], vec!["a".into()], vec!["b".into()]));
    let synced = room.sync(SyncOutcome::Applied).await;
    assert_eq!(synced.message.as_deref(), Some("0 created, 1 updated, 1 retired, 1 unchanged"));
    assert!(room.syncer.inner.engine.unreadable(SOURCE).is_empty(), "nothing of it is left to be read");
    // An upgrade, which could read what was written before.
    room.meddle("UPDATE definitions SET manifest = REPLACE(manifest, 'newer', '')").await;
    let engine = room.restart();
    engine.definitions_changed().await.unwrap();
    assert_eq!(room.live().await, ["a", "c"]);
    room.sync(SyncOutcome::Unchanged).await;
}

#[tokio::test]
async fn much_that_cannot_be_read_is_held_like_anything_else_before_it_goes() {
    let mut room = Room::new().await;
    for name in ["a", "b", "c", "d"] {
        room.write(&format!("{name}.yaml"), &workflow(name, "echo"));
    }
    room.sync(SyncOutcome::Applied).await;
    room.meddle("UPDATE definitions SET manifest = 'newer'").await;
    room.restart();
    for name in ["a", "b", "c", "d"] {
        std::fs::remove_file(room.path(&format!("{name}.yaml"))).unwrap();
    }
    let held = room.sync(SyncOutcome::Held).await;
    assert_eq!(held.counts["changes"].as_array().unwrap().len(), 4);
}
