//! What the program does for each command line.

use crate::config::{self, Cli, Command, Config, Form, MigrateFlags, ServeFlags, SettingsFlags};
use crate::serve::{self, End, Mode, Serving};
use crate::{admin, backup, break_glass, dev, doctor, signals, telemetry};
use anyhow::Context;
use pulse_store::MigrationState;
use std::sync::Arc;
use std::time::Duration;

/// The exit code of a controller that another one has replaced (EX_TEMPFAIL): started again, it stands by.
pub const FENCED: u8 = 75;

/// How long everything after the last request may take: what is being written, the audit log's seal, the leases.
const REST: Duration = Duration::from_secs(10);
/// The exit code of a stop that was cut off, as of a second signal.
const FORCED: u8 = 130;

/// Runs a command line to its end.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    // Whatever is made here, the database above all, is for its owner only.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let environment = config::environment();
    match cli.command {
        None => serve(&cli.serve, &environment).await,
        Some(Command::BreakGlass(flags)) => break_glass::run(flags, &environment).await,
        Some(Command::Settings(flags)) => settings(&flags, &environment),
        Some(Command::Backup(flags)) => backup::backup(&flags, &environment).await,
        Some(Command::Restore(flags)) => backup::restore(&flags, &environment).await,
        Some(Command::Doctor(flags)) => doctor::run(&flags, &environment).await,
        Some(Command::Migrate(flags)) => migrate(&flags, &environment).await,
        Some(Command::Dev(flags)) => {
            let (layers, log) = config::load_dev(flags.log.given(), &environment)?;
            drop(telemetry::init(&log)?);
            dev::run(&flags, layers, log).await
        }
    }
}

async fn serve(flags: &ServeFlags, environment: &config::Environment) -> anyhow::Result<()> {
    let config = Config::load(flags, environment)?;
    let exchange = telemetry::init(&config.log)?;
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    // Both before anything else: until then a signal ends the process by itself.
    let (mut stop, mut again) = (signals::Stop::listen()?, signals::Again::listen()?);
    let mut serving = serve::start(&config, Mode::WHOLE).await?;
    let settings = Arc::clone(&serving.settings);
    let end = loop {
        tokio::select! {
            () = stop.asked() => {
                stop.again_means_now();
                tracing::info!("stopping");
                break stop_in_time(serving, settings.config().stop_timeout).await?;
            }
            () = again.asked() => settings.read_again(Config::load(flags, environment), &exchange).await,
            end = serving.ended() => break end?,
        }
    };
    if end == End::Fenced {
        tracing::error!("another controller has taken over this database; this process ends (started again, it stands by)");
        // At once, with every connection: nothing more is sent or answered, and nothing that still runs is waited for.
        std::process::exit(FENCED.into());
    }
    Ok(())
}

/// Ends it in order. What is still not over when requests, and what follows them, have had their time is cut off: the next start takes it up.
async fn stop_in_time(serving: Serving, grace: Duration) -> anyhow::Result<End> {
    match tokio::time::timeout(grace + REST, serving.stop()).await {
        Ok(end) => end,
        Err(_) => {
            tracing::error!("the stop did not end in its time; this process ends now, and its leases expire by themselves");
            std::process::exit(FORCED.into());
        }
    }
}

/// Everything that can be said is, also where something is wrong with it.
fn settings(flags: &SettingsFlags, environment: &config::Environment) -> anyhow::Result<()> {
    let (layers, result) = config::look(&flags.serve, environment);
    let effective = layers.effective();
    let warnings = result.as_ref().map_or(&layers.warnings, |config| &config.warnings);
    match flags.output {
        Form::Table => {
            print!("{}", pulse_settings::table(&effective));
            warnings.iter().for_each(|warning| eprintln!("pulse-controller: {warning}"));
        }
        Form::Json => println!("{:#}", pulse_settings::json(&effective, warnings)),
    }
    Ok(result.map(drop)?)
}

async fn migrate(flags: &MigrateFlags, environment: &config::Environment) -> anyhow::Result<()> {
    let (data, log) = config::load_data(&flags.settings, environment)?;
    drop(telemetry::init(&log)?);
    let url = data.database_url.reveal();
    if !flags.status {
        let folder = &data.folder;
        admin::make_folder(folder)
            .with_context(|| format!("cannot use the data folder {} (PULSE_DATA_DIR)", folder.display()))?;
    }
    let states = match flags.status {
        true => pulse_store::migration_status(url).await.context("cannot look at the database")?,
        false => pulse_store::migrate(url).await.context("cannot migrate the database")?,
    };
    states.iter().for_each(|state| println!("{}", line(state)));
    Ok(())
}

fn line(state: &MigrationState) -> String {
    let has = if state.applied { "applied" } else { "missing" };
    let name = if state.known { state.name.as_str() } else { "of a newer release" };
    format!("{:>4}  {has}  {name}", state.version)
}
