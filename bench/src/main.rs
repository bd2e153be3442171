//! `make bench`: PULSE beside the limits of the machine.
//!
//! Everything is a process of its own, as it is in the field: the release controller, real agents, the database. Limits, floor and PULSE
//! are measured in turns, seven rounds of each, and the median counts; so what else the machine does meanwhile meets all of them.
//!
//! ```text
//! scenarios/  what is measured, one file each          figures/  medians, goals, table, JSON
//! world/      controller, real agents, database        limits.rs what no controller can go below
//! fleet/      simulated agents                         floor/    the smallest controller of this shape
//! client/     what asks a controller                   bin/stamp.rs  a command that says when it began
//! ```

mod client;
mod figures;
mod fleet;
mod floor;
mod limits;
mod machine;
mod scenarios;
mod world;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use figures::Report;
use scenarios::{ALL, Means};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use world::Engine;

/// Measures PULSE beside the limits of the machine.
#[derive(Parser)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Which scenarios (all of them unless said), and on which engines: `mariadb`, `sqlite`.
    what: Vec<String>,
    /// A short run, to see that it works; nothing of it counts.
    #[arg(long)]
    quick: bool,
    /// Does not wait for a quiet moment before each scenario; figures of a busy one count for nothing.
    #[arg(long)]
    now: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What it starts itself as, besides.
#[derive(Subcommand)]
enum Part {
    #[command(hide = true)]
    FloorController { listen: SocketAddr, database: String },
    #[command(hide = true)]
    FloorAgent {
        server: SocketAddr,
        connections: usize,
        journal: PathBuf,
        stamps: PathBuf,
        #[arg(long)]
        instant: bool,
    },
}

fn main() -> ExitCode {
    run(Arguments::parse()).unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // What goes from task to task of one thread wakes nobody up.
    let alone = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match arguments.part {
        Some(Part::FloorController { listen, database }) => alone()?.block_on(floor::controller::run(listen, &database))?,
        Some(Part::FloorAgent { server, connections, journal, stamps, instant }) => {
            alone()?.block_on(floor::agent::run(server, connections, &journal, stamps, instant))?;
        }
        None => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            return runtime.block_on(measure(&arguments.what, arguments.quick, arguments.now));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(what: &[String], quick: bool, now: bool) -> anyhow::Result<ExitCode> {
    let (wanted, engines) = chosen(what)?;
    machine::demand_a_disk()?;
    let mut means = Means { report: Report::begin(quick, now), quick };
    for (name, on_both, run) in ALL {
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        for engine in engines.iter().copied().filter(|engine| on_both || *engine == Engine::MariaDb) {
            // What broke off is told at the end, and the others are measured.
            if let Err(error) = run(&mut means, engine).await {
                means.report.broken(&format!("{name} on {}", engine.name()), &error);
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let all_met = means.report.end(&folder)?;
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scenarios that are named, none for all of them; and the engines, both unless one is named.
fn chosen(what: &[String]) -> anyhow::Result<(Vec<&str>, Vec<Engine>)> {
    let (engines, names): (Vec<&str>, Vec<&str>) =
        what.iter().map(String::as_str).partition(|word| matches!(*word, "mariadb" | "sqlite"));
    for name in &names {
        let known = ALL.map(|(name, ..)| name).join(", ");
        ensure!(
            ALL.iter().any(|(known, ..)| known == name),
            "there is no scenario `{name}`; there are {known}, and the engines mariadb, sqlite"
        );
    }
    let is_wanted = |engine: &Engine| engines.is_empty() || engines.iter().any(|word| engine.name().eq_ignore_ascii_case(word));
    Ok((names, Engine::ALL.into_iter().filter(is_wanted).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_and_engines_are_chosen_by_name() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (all, both) = (words(""), words("latency mariadb"));
        assert_eq!(chosen(&all).unwrap(), (vec![], vec![Engine::MariaDb, Engine::Sqlite]));
        assert_eq!(chosen(&both).unwrap(), (vec!["latency"], vec![Engine::MariaDb]));
        assert!(chosen(&words("lately")).unwrap_err().to_string().contains("throughput"));
    }
}
