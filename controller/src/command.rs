//! What the program does for each command line.

use crate::config::{self, Cli, Command, Config, MigrateFlags, ServeFlags};
use crate::serve::{self, End, Mode};
use crate::{admin, backup, break_glass, dev, doctor, signals, telemetry};
use anyhow::Context;
use pulse_store::MigrationState;

/// The exit code of a controller that another one has replaced (EX_TEMPFAIL): started again, it stands by.
pub const FENCED: u8 = 75;

/// Runs a command line to its end.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    // Whatever is made here, the database above all, is for its owner only.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let environment = config::environment();
    match cli.command {
        None => serve(&cli.serve, &environment).await,
        Some(Command::BreakGlass(flags)) => break_glass::run(flags, &environment).await,
        Some(Command::Backup(flags)) => backup::backup(&flags, &environment).await,
        Some(Command::Restore(flags)) => backup::restore(&flags, &environment).await,
        Some(Command::Doctor(flags)) => doctor::run(&flags, &environment).await,
        Some(Command::Migrate(flags)) => migrate(&flags, &environment).await,
        Some(Command::Dev(flags)) => {
            let log = config::load_dev_log(&flags, &environment)?;
            telemetry::init(&log)?;
            dev::run(&flags, log).await
        }
    }
}

async fn serve(flags: &ServeFlags, environment: &config::Environment) -> anyhow::Result<()> {
    let config = Config::load(flags, environment)?;
    telemetry::init(&config.log)?;
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut stop = signals::Stop::listen()?;
    let mut serving = serve::start(&config, Mode::WHOLE).await?;
    let end = tokio::select! {
        () = stop.asked() => {
            stop.again_means_now();
            tracing::info!("stopping");
            serving.stop().await?
        }
        end = serving.ended() => end?,
    };
    if end == End::Fenced {
        tracing::error!("another controller has taken over this database; this process ends (started again, it stands by)");
        // At once, with every connection: nothing more is sent or answered, and nothing that still runs is waited for.
        std::process::exit(FENCED.into());
    }
    Ok(())
}

async fn migrate(flags: &MigrateFlags, environment: &config::Environment) -> anyhow::Result<()> {
    let (data, log) = config::load_migrate(flags, environment)?;
    telemetry::init(&log)?;
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
