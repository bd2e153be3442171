//! The alert rules by themselves: Debian's promtool finds them right, each fires when it shall and rests when it only looks so, and the page
//! has them all.

use pulse_controller::metrics::table::TABLE;
use std::collections::BTreeSet;
use std::process::Command;

pub const ALERTS: &str = include_str!("../../../../charts/pulse/files/alerts.yaml");
const TESTS: &str = include_str!("alerts_test.yaml");
const REMEDIES: &str = include_str!("../../../../docs/troubleshooting.md");
const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// The names behind a key, at each of its lines.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(key)).map(str::trim).collect()
}

/// The metrics that an expression asks for.
pub fn metrics_of(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("pulse_") || word.starts_with("process_")).map(str::to_owned).collect()
}

fn promtool(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.yaml"), ALERTS).unwrap();
    std::fs::write(folder.path().join("alerts_test.yaml"), TESTS).unwrap();
    let ran = Command::new("promtool").args(arguments).current_dir(&folder).output();
    let ran = ran.unwrap_or_else(|error| panic!("promtool: {error}; run scripts/setup, or: sudo apt-get install prometheus"));
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(ran.status.success(), "{said}");
}

#[test]
fn promtool_finds_them_right() {
    promtool(&["check", "rules", "alerts.yaml"]);
}

#[test]
fn each_fires_when_it_shall_and_rests_when_it_only_looks_so() {
    let tests: BTreeSet<&str> = values(TESTS, "- name:").into_iter().collect();
    for alert in values(ALERTS, "- alert:") {
        for what in ["fires", "rests"] {
            assert!(tests.contains(format!("{alert} {what}").as_str()), "{alert} {what}: there is no such test");
        }
    }
    promtool(&["test", "rules", "alerts_test.yaml"]);
}

#[test]
fn each_says_what_to_do_and_asks_for_what_there_is() {
    let alerts = values(ALERTS, "- alert:");
    let books = values(ALERTS, "runbook_url:");
    let anchors: Vec<String> = alerts.iter().map(|alert| format!("docs/troubleshooting.md#{}", alert.to_lowercase())).collect();
    assert_eq!(books, anchors);
    for alert in &alerts {
        assert!(REMEDIES.contains(&format!("\n### {alert}\n")), "docs/troubleshooting.md does not say what to do about {alert}");
    }
    let told: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("| `Pulse")?.split('`').next()).collect();
    assert_eq!(told, alerts.iter().map(|alert| &alert["Pulse".len()..]).collect::<Vec<_>>(), "docs/metrics.md has every alert");
    for metric in values(ALERTS, "expr:").into_iter().flat_map(metrics_of) {
        let name = ["_bucket", "_count", "_sum"].iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(&metric);
        assert!(TABLE.iter().any(|row| row.name == name || row.name == metric), "there is no metric {metric}");
    }
}
