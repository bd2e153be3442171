//! The same for programs: one file for each commit.

use super::Figure;
use crate::machine::Machine;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Writes `<commit>.json` (`<commit>-quick.json` for a short run) into the folder.
pub fn write(folder: &Path, machine: &Machine, quick: bool, figures: &[Figure], broken: &[String]) -> anyhow::Result<PathBuf> {
    let document = json!({ "machine": machine, "quick": quick, "figures": figures, "brokeOff": broken });
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}{}.json", machine.commit, if quick { "-quick" } else { "" }));
    std::fs::write(&file, serde_json::to_string_pretty(&document)? + "\n")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::goal::{Goal, Verdict};
    use crate::figures::report::Kind;
    use serde_json::Value;

    #[test]
    fn a_run_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let machine =
            Machine { commit: "abc1234".into(), cpu: "a CPU".into(), cores: 2, kernel: "6.1".into(), disk: "ext4".into() };
        let figure = Figure {
            scenario: "latency".into(),
            kind: Kind::Pulse,
            name: "POST to started, p50".into(),
            value: 1.5,
            unit: "ms",
            goal: Some(Goal::AtMost(2.0)),
            verdict: Some(Verdict::Ok),
            load: 0.5,
            rounds: vec![1.4, 1.5, 1.6],
        };
        let file = write(&folder.path().join("bench"), &machine, false, &[figure], &[]).unwrap();
        assert_eq!(file.file_name().unwrap(), "abc1234.json");
        let read: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(read["machine"]["cores"], 2);
        let figure = &read["figures"][0];
        assert_eq!(figure["goal"], json!({ "atMost": 2.0 }));
        assert_eq!(
            (&figure["kind"], &figure["verdict"], &figure["rounds"]),
            (&json!("pulse"), &json!("ok"), &json!([1.4, 1.5, 1.6]))
        );
        assert!(write(folder.path(), &machine, true, &[], &[]).unwrap().ends_with("abc1234-quick.json"));
    }
}
