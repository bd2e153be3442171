//! Scenario scripts: a workflow, agents, and what happens to them, line by line, with what the core decides printed under each
//! line. A bug report becomes a script. The scripts are `scenarios/*.txt`; lines that begin with `> ` are the script, all others
//! are what it gave. `UPDATE_GOLDEN=1` writes the answers anew.
//!
//! ```text
//! > start k=v …            > tick 30s               > agent a1 up|down|revoked|quarantined|journal|boot N|slots N|label k=v|unlabel k
//! > report a1 accepted|started|exit N|out N TEXT|signal N|timed_out|cancelled|not_started|unknown|rebooted|again
//! > absent a1              > cancel drain|kill      > resolve a1 succeeded|failed        > why
//! > answer OPTION BY       > race answer=OPTION cancel                                   > retry
//! > crash (and begin anew) > lost LINE (whose commit fails)                              a1@3 is the third attempt of a1
//! > pause SCOPE [10m]      > resume                 > ahead N|none                       > gone 1h (no controller)
//! ```

mod checker;
mod random;
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
