//! Histories that earlier releases have recorded: brought to the present form and folded, each is what it was. A file that changes here, or is
//! gone, fails; so does a kind of event that no history has.

#[path = "../../../core/tests/histories/told.rs"]
mod told;

use super::upcast;
use pulse_core::definitions::{Program, Snapshot};
use pulse_core::execution::{Event, EventRecord, Execution};
use pulse_core::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Histories of each release: its name, and how many there are at least.
const RELEASES: [(&str, usize); 1] = [("0.1.0", 60)];

/// Kinds of events that no script leads to. Each is one that a newer release shall record.
const UNRECORDED: [&str; 0] = [];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/histories")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The histories of a release, each as it was recorded.
fn of(release: &str) -> Vec<(String, String)> {
    let folder = folder().join(release);
    let sums = read(&folder.join("SHA256SUMS"));
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ").unwrap();
        let text = read(&folder.join(name));
        assert_eq!(told::sum(text.as_bytes()), sum, "{release}/{name} is no longer what was recorded");
        (format!("{release}/{name}"), text)
    };
    sums.lines().map(line).collect()
}

/// One record, as it stands in the database: its body goes through what brings it to the present form.
fn record(line: &Value) -> EventRecord {
    let record = &line["record"];
    let version = u16::try_from(line["version"].as_u64().unwrap()).unwrap();
    let event = upcast(version, &record["event"].to_string()).unwrap();
    EventRecord {
        seq: u32::try_from(record["seq"].as_u64().unwrap()).unwrap(),
        at: Timestamp(record["at"].as_i64().unwrap()),
        event,
    }
}

#[test]
fn every_recorded_history_folds_to_what_it_was() {
    let mut wrong = Vec::new();
    for (release, least) in RELEASES {
        let histories = of(release);
        assert!(histories.len() >= least, "{release} has {} histories", histories.len());
        for (name, text) in histories {
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let [first, records @ .., last] = lines.as_slice() else { panic!("{name} is empty") };
            let snapshot: Snapshot =
                serde_json::from_value(first["snapshot"].clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let program = Program::compile(&snapshot.workflow).unwrap_or_else(|findings| panic!("{name}: {findings:?}"));
            let history: Vec<EventRecord> = records.iter().map(record).collect();
            let execution = Execution::replay(Arc::new(program), &history).unwrap_or_else(|error| panic!("{name}: {error}"));
            let found = told::told(&execution);
            if found != last["end"] {
                wrong.push(format!("{name}\n  was {}\n  is  {found}", last["end"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_event_and_of_step_is_recorded() {
    let (mut events, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in RELEASES.iter().flat_map(|(release, _)| of(release)) {
        for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            events.extend(line["record"]["event"]["type"].as_str().map(str::to_owned));
            let of_workflow = line["snapshot"]["workflow"]["spec"]["steps"].as_array().cloned().unwrap_or_default();
            steps.extend(of_workflow.iter().filter_map(|step| step["type"].as_str().map(str::to_owned)));
        }
    }
    let schema = serde_json::to_value(schemars::schema_for!(Event)).unwrap();
    let kinds = schema["oneOf"].as_array().expect("kinds").iter();
    let kinds: BTreeSet<String> = kinds.map(|kind| kind["properties"]["type"]["const"].as_str().unwrap().to_owned()).collect();
    let missing: Vec<_> = kinds.difference(&events).filter(|kind| !UNRECORDED.contains(&kind.as_str())).collect();
    assert!(missing.is_empty(), "no history has {missing:?}: write a script that leads there, and record it");
    assert_eq!(steps.into_iter().collect::<Vec<_>>(), ["execute", "parse", "prompt", "route", "wait"]);
}
