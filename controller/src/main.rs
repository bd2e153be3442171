//! `pulse-controller`.

use clap::Parser;
use pulse_controller::command;
use pulse_controller::config::Cli;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match command::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pulse-controller: {error:#}");
            ExitCode::FAILURE
        }
    }
}
