//! From a push to what is live: a release controller, a real Git remote, signed webhooks, and the limit beside each figure. It
//! ends with 1 where a figure missed its limit.
//!
//! ```text
//! make bench-sync [BENCH="http ssh lost many-mariadb many-sqlite refused burst"]
//! ```
//!
//! Live is what `GET /api/v1/workflows/{name}` shows. It is asked again [`scene::POLL`] after each answer, so that a figure is too
//! large by at most that and one such request, and never too small.

mod burst;
mod controller;
mod figures;
mod live;
#[path = "../support/manifests.rs"]
mod manifests;
mod many;
mod refused;
#[path = "../../tests/support/remotes/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests' remotes also misbehave; a benchmark needs none of that")]
mod remotes;
mod scene;
#[path = "../../store/src/test_database.rs"]
mod test_database;

use anyhow::ensure;
use figures::Report;
use std::process::ExitCode;

/// What prints its figures.
type Scenario = fn(&mut Report) -> anyhow::Result<()>;

const SCENARIOS: [(&str, Scenario); 7] = [
    ("http", live::over_http),
    ("ssh", live::over_ssh),
    ("lost", live::lost_webhooks),
    ("many-mariadb", many::on_mariadb),
    ("many-sqlite", many::on_sqlite),
    ("refused", refused::one_bad_of_many),
    ("burst", burst::a_thousand_webhooks),
];

fn main() -> anyhow::Result<ExitCode> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for name in &asked {
        ensure!(SCENARIOS.iter().any(|(known, _)| known == name), "no scenario `{name}`; there are {}", names());
    }
    let mut report = Report::begin();
    for (_, scenario) in SCENARIOS.iter().filter(|(name, _)| asked.is_empty() || asked.iter().any(|asked| asked == name)) {
        scenario(&mut report)?;
    }
    println!("\n{} figures missed their limits", report.missed);
    Ok(if report.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn names() -> String {
    SCENARIOS.map(|(name, _)| name).join(", ")
}
