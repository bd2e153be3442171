//! `pulse-agent`, the program: its arguments, its signals, and the wiring of the parts in the library.

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use pulse_agent::budget::Budget;
use pulse_agent::config::{self, Flags, Keeping, Settings};
use pulse_agent::connection::Connection;
use pulse_agent::folder::DataDir;
use pulse_agent::host::Machine;
use pulse_agent::identity::{self, Identity};
use pulse_agent::logging;
use pulse_agent::outbox::Outbox;
use pulse_agent::reload::Reloader;
use pulse_agent::shim;
use pulse_agent::shim::server::Shims;
use pulse_agent::users::Users;
use pulse_agent::worker::{Event, Worker};
use pulse_protocol::{BootId, Incarnation};
use pulse_settings::Errors;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How long an exchange of keys is waited for.
const ROTATION: Duration = Duration::from_secs(30);

/// Runs what a PULSE controller assigns to this host, at most once, and reports what it observes.
#[derive(Parser)]
#[command(name = "pulse-agent", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Part {
    /// Makes the processes that watch over commands; started by the agent only.
    #[command(hide = true)]
    Shims(ShimsArguments),
    /// Makes another key for the agent of this data folder, and waits until the controller has taken it.
    RotateKey(RotateArguments),
    /// Prints every setting as it would count, and where it comes from. Secrets are left out.
    Settings(SettingsArguments),
}

#[derive(Args)]
struct RotateArguments {
    #[command(flatten)]
    settings: pulse_settings::Flags<Keeping>,
}

#[derive(Args)]
struct SettingsArguments {
    /// How they are printed.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    flags: Flags,
}

/// How something is printed.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

#[derive(Args)]
struct ShimsArguments {
    #[arg(long)]
    data_dir: PathBuf,
    /// Room for what the shims show in process lists.
    room: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    return_large_pieces();
    match arguments.part {
        Some(Part::Shims(ShimsArguments { data_dir, room: _ })) => return shim::server::serve(&DataDir::new(data_dir)),
        Some(Part::RotateKey(RotateArguments { settings })) => return ended(rotate_key(&settings)),
        Some(Part::Settings(arguments)) => return ended(print_settings(&arguments)),
        None => {}
    }
    // SAFETY: only changes a signal's disposition. A file size limit shall be an error like a full disk, not the end.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    ended(serve(arguments.flags))
}

fn ended(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pulse-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that can be said is, also where something is wrong with it.
fn print_settings(arguments: &SettingsArguments) -> Result<()> {
    let environment = config::environment();
    let (layers, errors) = config::look(&arguments.flags, &environment);
    let effective = layers.effective();
    match arguments.output {
        Form::Table => {
            print!("{}", pulse_settings::table(&effective));
            layers.warnings.iter().for_each(|warning| eprintln!("pulse-agent: {warning}"));
        }
        Form::Json => println!("{:#}", pulse_settings::json(&effective, &layers.warnings)),
    }
    Settings::of(layers, errors, &environment).map(drop)
}

/// Puts another key beside the agent's own. A running agent proves it at once with both, another one at its next start.
fn rotate_key(flags: &pulse_settings::Flags<Keeping>) -> Result<()> {
    let folder = config::data_dir(flags, &config::environment())?;
    let data = DataDir::new(&folder);
    identity::make_next(&data)?;
    if data.lock().context("cannot look whether the agent runs")?.is_some() {
        eprintln!("no agent runs on {}: it proves the new key when it starts", folder.display());
        return Ok(());
    }
    let begun = Instant::now();
    while identity::waits(&data) {
        if begun.elapsed() > ROTATION {
            bail!(
                "the controller has not taken the new key within {} s; the agent goes on trying, and its log says why",
                ROTATION.as_secs()
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    eprintln!("the controller has taken the new key; the old one is refused from now on");
    Ok(())
}

/// Frames and commands with files are a few MiB each and short-lived: without this, glibc learns from the first one to keep the
/// memory of all later ones, in every thread's arena.
fn return_large_pieces() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a setting of the allocator, made before there are other threads.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 256 * 1024);
    }
}

fn serve(flags: Flags) -> Result<()> {
    let environment = config::environment();
    let (layers, errors) = config::look(&flags, &environment);
    if !errors.is_empty() {
        return Err(Errors(errors).into());
    }
    let exchange = logging::begin(logging::filter(&layers)?, !environment.contains_key(OsStr::new("NO_COLOR")))?;
    let settings = Settings::gather(&flags, &environment)?;
    settings.layers.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let users = Users::read(settings.local.as_deref())?;
    let root = std::path::absolute(&settings.data_dir).context("the data folder's path is wrong")?;
    let data = DataDir::new(&root);
    let place = || format!("cannot use the data folder {} (PULSE_AGENT_DATA_DIR)", root.display());
    data.create().with_context(place)?;
    let Some(_lock) = data.lock().with_context(place)? else {
        bail!("another pulse-agent runs on the data folder {}; each needs its own PULSE_AGENT_DATA_DIR", root.display());
    };
    let identity = Identity::open(&data)?;
    let boot = boot_id()?;
    let outbox = Arc::new(Outbox::default());
    let (sender, events) = mpsc::channel(256);
    let shims = Shims::new(data.clone(), settings.shims.clone());
    let host = Machine::new(data.clone(), shims, users, sender.clone());
    let worker = Worker::open(data, boot, outbox.clone(), host, Incarnation(uuid::Uuid::new_v4()))?;
    let incarnation = worker.incarnation();
    outbox.sequence.store(worker.sequence(), Ordering::Relaxed);
    tracing::info!(name = %settings.name, %incarnation, data = %root.display(), "pulse-agent {}", env!("CARGO_PKG_VERSION"));
    std::thread::Builder::new().name("worker".into()).spawn(move || worker.run(events)).context("no thread for the worker")?;
    let budget = Budget::default();
    let reloader = Reloader::new(flags, environment, exchange, settings);
    let connection =
        Connection { settings: reloader.settings(), identity, boot, incarnation, outbox, budget, worker: sender.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(until_told_to_end(connection, sender, &reloader))
}

/// Ends at SIGTERM and SIGINT. Commands run on under their shims; the next start adopts them.
async fn until_told_to_end(connection: Connection, worker: mpsc::Sender<Event>, reloader: &Reloader) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to signals")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot listen to signals")?;
    let hang_ups = async {
        while hang_up.recv().await.is_some() {
            reloader.again();
        }
        std::future::pending::<()>().await;
    };
    let ticks = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if worker.send(Event::Tick).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("told to end; commands run on, the next start takes them over"),
        _ = interrupt.recv() => tracing::info!("interrupted; commands run on, the next start takes them over"),
        () = connection.run() => bail!("the worker has ended"),
        () = hang_ups => {}
        () = ticks => bail!("the worker has ended"),
    }
    Ok(())
}

fn boot_id() -> Result<BootId> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = match boot_of_a_test() {
        Some(text) => text,
        None => std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?,
    };
    text.trim().parse().with_context(|| format!("{path} holds no boot id"))
}

/// A test says that the host has booted anew. Builds without debug assertions (releases) do not listen.
fn boot_of_a_test() -> Option<String> {
    if cfg!(debug_assertions) { std::env::var("PULSE_TEST_BOOT_ID").ok() } else { None }
}
