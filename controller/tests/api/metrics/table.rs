//! The table of metrics: what a controller says, and what the page says, are what it says.

use super::get::{Scrape, scrape};
use crate::harness::{Server, schedule, workflow};
use pulse_controller::metrics::table::{TABLE, row};
use std::collections::BTreeSet;

#[test]
fn the_page_has_every_metric_and_no_other() {
    let page = include_str!("../../../../docs/metrics.md");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> =
        page.lines().filter(|line| line.starts_with("| `pulse_") || line.starts_with("| `process_")).map(cells).collect();
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let known: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(told, known, "docs/metrics.md has the metrics of controller/src/metrics/table.rs, in its order");
    for told in &rows {
        let row = row(told[0].trim_matches('`')).unwrap();
        let labels = row.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        assert_eq!((told[1].as_str(), told[2].as_str()), (row.kind.as_str(), labels.as_str()), "{}", row.name);
        assert_eq!(told[3], row.help, "{}", row.name);
    }
}

#[test]
fn a_controller_says_what_stands_in_the_table() {
    let server =
        Server::with(&[("work.yaml", &workflow("work", "echo")), ("nightly.yaml", &schedule("nightly", "cron: '0 3 * * *'"))]);
    let mut agent = server.agent("one");
    let id = server.run("work");
    agent.does("done", 0);
    server.until(&format!("/api/v1/executions/{id}"), |execution| execution["status"] == "succeeded");
    let Scrape { types, samples } = scrape(&server, None);
    let known: BTreeSet<&str> = TABLE.iter().map(|row| row.name).collect();
    let told: BTreeSet<&str> = types.keys().map(String::as_str).collect();
    assert_eq!(told, known);
    for row in TABLE {
        assert_eq!(types[row.name], row.kind.as_str(), "{}", row.name);
        let own = samples.iter().filter(|sample| sample.family == row.name);
        for sample in own {
            let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
            assert_eq!(labels, row.labels.iter().copied().collect(), "{}", row.name);
        }
    }
}
