//! `pulse`: PULSE on the command line.
//!
//! ```text
//! args ─▶ commands/<name>.rs ─▶ client (HTTP, one problem type) ─▶ output (tables, times, escapes)
//!                          ├──▶ manifests, used (offline: crd-schemas + core) ─▶ snippets
//!                          └──▶ import (the old PULSE's JSON ─▶ manifests)
//! ```
//!
//! Data goes to stdout, messages to stderr. What may not live here: decisions. The controller makes them, and `validate`
//! calls the same checks as the controller does.

mod args;
mod client;
mod commands;
mod exit;
mod failure;
mod follow;
mod import;
mod interrupt;
mod manifests;
mod output;
#[cfg(test)]
mod pages;
mod prompts;
mod scheduled;
mod sourced;
mod steps;
mod typed;
mod used;
mod views;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match commands::run(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}
