//! What a run has found so far: it is printed as it comes, scenario by scenario.

use super::{Figure, Goal, Rounds, json, table};
use crate::figures::goal::Verdict;
use crate::machine::{self, Machine};
use serde::Serialize;
use std::path::Path;

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The machine's: what no controller can go below.
    Limit,
    /// The smallest controller's.
    Floor,
    /// Ours.
    Pulse,
}

/// A run's figures.
pub struct Report {
    machine: Machine,
    quick: bool,
    /// A quiet moment is waited for.
    waits: bool,
    scenario: String,
    load: f64,
    figures: Vec<Figure>,
    /// Scenarios that did not come to their end, with the reason.
    broken: Vec<String>,
}

impl Report {
    /// Says where it is measured.
    pub fn begin(quick: bool, now: bool) -> Self {
        let machine = Machine::here();
        println!("{machine}{}", if quick { "; a quick run: nothing here counts" } else { "" });
        Self {
            machine,
            quick,
            waits: !quick && !now,
            scenario: String::new(),
            load: 0.0,
            figures: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// A scenario begins. What keeps the machine busy is waited for, though not for ever.
    pub fn scenario(&mut self, name: &str) {
        self.load = if self.waits { machine::quiet_load() } else { machine::load() };
        self.scenario = name.to_owned();
        println!("\n{name} (load {:.2} at its start)", self.load);
    }

    /// A figure of each round.
    pub fn add(&mut self, kind: Kind, name: impl Into<String>, rounds: &Rounds, unit: &'static str, goal: Option<Goal>) {
        let value = rounds.median();
        let figure = Figure {
            scenario: self.scenario.clone(),
            kind,
            name: name.into(),
            value,
            unit,
            goal,
            verdict: goal.map(|goal| Verdict::of(goal, value, self.load, self.quick)),
            load: self.load,
            rounds: rounds.all().to_vec(),
        };
        println!("  {}", table::line(&figure));
        self.figures.push(figure);
    }

    /// A limit of the machine.
    pub fn limit(&mut self, name: impl Into<String>, rounds: &Rounds, unit: &'static str) {
        self.add(Kind::Limit, name, rounds, unit, None);
    }

    /// A figure of ours.
    pub fn pulse(&mut self, name: impl Into<String>, rounds: &Rounds, unit: &'static str, goal: Option<Goal>) {
        self.add(Kind::Pulse, name, rounds, unit, goal);
    }

    /// A scenario did not come to its end.
    pub fn broken(&mut self, name: &str, error: &anyhow::Error) {
        println!("  {name} broke off: {error:#}");
        self.broken.push(format!("{name}: {error:#}"));
    }

    /// Prints the whole table, writes the JSON file, and says whether everything that counts is as it should be.
    pub fn end(self, folder: &Path) -> anyhow::Result<bool> {
        println!("\n{}", table::whole(&self.figures));
        let file = json::write(folder, &self.machine, self.quick, &self.figures, &self.broken)?;
        println!("written to {}", file.display());
        let of = |verdict| self.figures.iter().filter(move |figure| figure.verdict == Some(verdict));
        for figure in of(Verdict::Missed) {
            println!("MISSED: {}, {}", figure.scenario, table::line(figure));
        }
        let busy = of(Verdict::Busy).count();
        if busy > 0 {
            println!("{busy} figures with a goal do not count: the load was {} or more when they began", super::goal::BUSY);
        }
        self.broken.iter().for_each(|broken| println!("BROKE OFF: {broken}"));
        Ok(of(Verdict::Missed).next().is_none() && self.broken.is_empty())
    }
}
