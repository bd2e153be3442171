//! Settings that are read again.

use super::{Outcome, Reloader};
use crate::config::{Environment, Flags, Settings};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// An agent with this file, and the filters that its log got.
fn reloader(file: &Path) -> (Reloader, Arc<Mutex<Vec<String>>>) {
    let environment: Environment =
        [("PULSE_CONFIG".into(), file.into()), ("PULSE_AGENT_DATA_DIR".into(), "/tmp/x".into())].into();
    let settings = Settings::gather(&Flags::default(), &environment).unwrap();
    let filters = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&filters);
    let exchange = Box::new(move |filter: tracing_subscriber::EnvFilter| heard.lock().unwrap().push(filter.to_string()));
    (Reloader::new(Flags::default(), environment, exchange, settings), filters)
}

#[test]
fn what_is_live_is_taken_over_and_the_rest_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.yaml");
    std::fs::write(&file, "server: http://127.0.0.1:1\nname: a\nlog: info\n").unwrap();
    let (reloader, filters) = reloader(&file);
    let mut settings = reloader.settings();
    assert_eq!(reloader.read().unwrap(), Outcome::default());
    std::fs::write(&file, "server: http://127.0.0.1:1\nname: a\nlog: debug\n").unwrap();
    assert_eq!(reloader.read().unwrap(), Outcome { taken: vec!["log"], left: vec![] });
    assert!(!settings.has_changed().unwrap(), "a filter is no reason to come again");
    assert_eq!(*filters.lock().unwrap(), ["debug"]);
    std::fs::write(&file, "server: http://127.0.0.1:2\nname: b\nlog: debug\nslots: 9\nlabels: {role: db}\n").unwrap();
    assert_eq!(reloader.read().unwrap(), Outcome { taken: vec!["server", "labels", "slots"], left: vec!["name"] });
    assert!(settings.has_changed().unwrap());
    let now = Arc::clone(&settings.borrow_and_update());
    assert_eq!((now.server.port, now.name.as_str(), now.slots, now.labels["role"].as_str()), (2, "a", 9, "db"));
    assert_eq!(reloader.read().unwrap(), Outcome { taken: vec![], left: vec!["name"] }, "it waits still");
}

#[test]
fn where_anything_is_wrong_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.yaml");
    std::fs::write(&file, "server: http://127.0.0.1:1\nname: a\n").unwrap();
    let (reloader, filters) = reloader(&file);
    let settings = reloader.settings();
    for (wrong, said) in [
        ("server: http://127.0.0.1:1\nslots: 9\nlog: debug\nlabels: {a b: c}\n", "agent.yaml:4:1: labels"),
        ("server: http://127.0.0.1:1\nslots: 9\nlog: '=='\n", "agent.yaml:3:1: log"),
        ("server: http://127.0.0.1:1\nslots: 9\nname: 'A!'\n", "agent.yaml:3:1: name"),
        ("server: http://127.0.0.1:1\nslots: 9\nslot: 9\n", "did you mean `slots`?"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let error = format!("{:#}", reloader.read().unwrap_err());
        assert!(error.contains(said), "{error}");
    }
    assert!(!settings.has_changed().unwrap() && settings.borrow().slots == 5 && filters.lock().unwrap().is_empty());
}
