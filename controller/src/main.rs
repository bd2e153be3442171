//! `pulse-controller`.

use clap::Parser;
use pulse_controller::command;
use pulse_controller::config::Cli;
use std::process::ExitCode;

/// A request and an execution are many small allocations on several threads; with the C library's allocator a quarter of the
/// controller's time went into them, and with that of a static build more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
