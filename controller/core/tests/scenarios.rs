//! Scenario scripts: a workflow, agents, and what happens to them, line by line, with what the core decides printed under each
//! line. A bug report becomes a script. The scripts are `scenarios/*.txt`; lines that begin with `> ` are the script, all others
//! are what it gave. `UPDATE_GOLDEN=1` writes the answers anew.
//!
//! ```text
//! > start k=v …            > tick 30s               > agent a1 up|down|revoked|quarantined|journal|boot N|slots N|label k=v|unlabel k
//! > report a1 accepted|started|exit N|out N TEXT|signal N|timed_out|cancelled|not_started|withdrawn|unknown|rebooted|again
//! > absent a1              > cancel drain|kill      > resolve a1 succeeded|failed        > why
//! > answer OPTION BY       > race answer=OPTION cancel                                   > retry
//! > crash (and begin anew) > lost LINE (whose commit fails)                              a1@3 is the third attempt of a1
//! > unknown (targets that a retry asks about)
//! > picture a1 (what the agent is told when it comes)
//! > pause SCOPE [10m]      > resume                 > ahead N|N unbegun|none             > gone 1h (no controller)
//! ```

mod checker;
mod random;
#[path = "histories/told.rs"]
mod told;
mod world;

use std::path::Path;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn every_script_gives_what_it_gave() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut scripts: Vec<_> = std::fs::read_dir(&folder).expect("scripts").map(|entry| entry.expect("entry").path()).collect();
    scripts.sort();
    assert!(scripts.len() >= 20, "only {} scripts were found", scripts.len());
    let mut wrong = Vec::new();
    for path in scripts {
        let kept = std::fs::read_to_string(&path).expect("a script can be read");
        let found = world::play(&kept);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).expect("a script can be written");
        } else if found != kept {
            let differ = kept.lines().zip(found.lines()).enumerate().find(|(_, (kept, found))| kept != found);
            wrong.push(format!("{}: {differ:?}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A pass that would be too long rests, and goes on at once.
#[test]
fn a_long_way_is_gone_in_several_passes() {
    let route = |id: usize| format!("    - {{id: s{id}, type: route, routes: [{{default: true, goto: s{}}}]}}\n", (id + 1) % 6);
    let steps: String = (0..6).map(route).collect();
    let head = format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: demo}}\nspec:\n  steps:\n{steps}");
    let mut world = world::World::new(&head);
    assert!(world.play("start").ends_with("= running, wake in 0s\n"));
    assert_eq!(world.history().len(), 1001);
    assert!(world.play("tick 1s").ends_with("= failed\n"));
}

/// What one `parse` step keeps stands in one event, so it is bounded in all.
#[test]
fn a_parse_of_many_hosts_is_bounded_in_all() {
    let steps = "    - {id: run, type: execute, targets: [all], command: df}\n    - {id: read, type: parse, each: true, format: keyvalue}\n";
    let head = format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: demo}}\nspec:\n  steps:\n{steps}");
    for (agents, end) in [(4, "= succeeded\n"), (5, "= failed\n")] {
        let mut world = world::World::new(&head);
        (1..=agents).for_each(|agent| drop(world.play(&format!("agent a{agent} up"))));
        drop(world.play("start"));
        let text = format!("A={}", "x".repeat(60_000));
        let answers: Vec<String> = (1..=agents).map(|agent| world.play(&format!("report a{agent} out 0 {text}"))).collect();
        let last = answers.last().expect("an answer");
        assert!(last.ends_with(end), "{}", &last[last.len() - 300..]);
        assert_eq!(last.contains("step `run` gives more than 256 KiB of values in all"), end == "= failed\n");
    }
}

/// The visits that a retry takes over are not counted again.
#[test]
fn a_retry_has_all_its_visits() {
    let route = "    - {id: round, type: route, routes: [{default: true, goto: round}]}\n";
    let mut world = world::World::new(&format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: demo}}\nspec:\n  steps:\n{route}"
    ));
    for command in ["start", "retry"] {
        assert!(world.play(command).ends_with("= failed\n"));
        assert_eq!(world.history().len(), 2 + 3 * 100 + 1, "{command}");
    }
}

/// `RECORD_HISTORIES=0.1.0` writes what every script gives as the histories of that release, once and for all: `histories/0.1.0/NAME.jsonl`. What
/// is recorded must fold to the same on every later release; the store's tests see to that, because it brings events to their present form.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn histories_are_recorded_once_for_each_release() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let Ok(release) = std::env::var("RECORD_HISTORIES") else {
        assert!(here.join("histories").is_dir(), "recorded histories are kept");
        return;
    };
    let folder = here.join("histories").join(&release);
    assert!(!folder.exists(), "{} is recorded already, and stays as it is", folder.display());
    std::fs::create_dir(&folder).expect("a folder");
    let mut sums = String::new();
    let mut scripts: Vec<_> =
        std::fs::read_dir(here.join("scenarios")).expect("scripts").map(|entry| entry.expect("entry").path()).collect();
    scripts.sort();
    for path in scripts {
        let script = std::fs::read_to_string(&path).expect("a script can be read");
        let Some(history) = world::recorded(&script) else { continue };
        let name = format!("{}.jsonl", path.file_stem().expect("a name").to_string_lossy());
        sums += &format!("{}  {name}\n", told::sum(history.as_bytes()));
        std::fs::write(folder.join(name), history).expect("a history can be written");
    }
    std::fs::write(folder.join("SHA256SUMS"), sums).expect("their digests can be written");
}
