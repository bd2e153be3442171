//! The command line. The settings' flags are made of their table; what is not a setting stands here.

use pulse_settings::{CONTROLLER, Flags, Part, Program};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The controller of PULSE: it syncs workflows and drives their executions on agents. Without a subcommand it serves.
#[derive(Debug, clap::Parser)]
#[command(name = "pulse-controller", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of serving.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// What else there is to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bring the database to this release's schema.
    Migrate(MigrateFlags),
    /// Write everything that the database holds into a file, also while a controller runs.
    Backup(BackupFlags),
    /// Make the database anew from a backup, on whichever engine. Everything is held until a person has looked.
    Restore(RestoreFlags),
    /// Serve a folder of manifests on this machine, with one local agent, to try things out.
    Dev(DevFlags),
    /// Look whether a controller with these settings would work on this machine, and say what to do.
    ///
    /// Takes the settings of serving. Changes nothing, and may run beside the controller. Exits 1 where a check failed.
    Doctor(Box<DoctorFlags>),
    /// Make a token that opens everything for a short time, for a person in need; who made it and why is kept.
    ///
    /// Asks the controller that runs on this machine with the same settings, and prints the token alone on stdout.
    BreakGlass(BreakGlassFlags),
    /// Print every setting as it would count, and where it comes from. Secrets are left out.
    ///
    /// With the flags, environment and file of this call: a running controller says its own at `GET /api/v1/settings`.
    Settings(SettingsFlags),
}

/// The settings of serving: all of them.
#[derive(Debug, Clone, Default)]
pub struct Serving;

impl Part for Serving {
    const PROGRAM: &'static Program = &CONTROLLER;
}

/// Settings of serving. Each is also an environment variable (`PULSE_LISTEN`) and a key of the file (`listen`).
pub type ServeFlags = Flags<Serving>;

/// The settings that say what is logged.
#[derive(Debug, Clone, Default)]
pub struct Logging;

impl Part for Logging {
    const PROGRAM: &'static Program = &CONTROLLER;
    const NAMES: Option<&'static [&'static str]> = Some(&["PULSE_LOG", "PULSE_LOG_FORMAT"]);
    const CONFIG: bool = false;
}

/// The settings of migrating.
#[derive(Debug, Clone, Default)]
pub struct Migrating;

impl Part for Migrating {
    const PROGRAM: &'static Program = &CONTROLLER;
    const NAMES: Option<&'static [&'static str]> =
        Some(&["PULSE_DATA_DIR", "PULSE_DATABASE_URL", "PULSE_LOG", "PULSE_LOG_FORMAT"]);
}

/// The settings that say where the controller of this machine is.
#[derive(Debug, Clone, Default)]
pub struct Reaching;

impl Part for Reaching {
    const PROGRAM: &'static Program = &CONTROLLER;
    const NAMES: Option<&'static [&'static str]> = Some(&["PULSE_LISTEN", "PULSE_DATA_DIR", "PULSE_ADMIN_TOKEN"]);
}

/// Printing the settings.
#[derive(Debug, Clone, clap::Args)]
pub struct SettingsFlags {
    /// How they are printed.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Form,
    /// Settings of serving.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// How something is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Settings of migrating.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MigrateFlags {
    /// Only say what the database has.
    #[arg(long)]
    pub status: bool,
    /// Where the database is, and what to log.
    #[command(flatten)]
    pub settings: Flags<Migrating>,
}

/// What to back up, and where to.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BackupFlags {
    /// The file to write, which must not be there yet; `-` for stdout.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// With the administrator's token and the authority for TLS out of the data folder: whoever has the file is the administrator.
    #[arg(long)]
    pub with_secrets: bool,
    /// Which database.
    #[command(flatten)]
    pub data: Flags<Migrating>,
}

/// What to restore, and where.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RestoreFlags {
    /// The backup; `-` for stdin.
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// Let go of everything that the database holds now.
    #[arg(long)]
    pub force: bool,
    /// Put the token and the authority of the backup into the data folder, in place of those that are there.
    #[arg(long)]
    pub with_secrets: bool,
    /// Which database.
    #[command(flatten)]
    pub data: Flags<Migrating>,
}

/// Settings of looking whether it would work: those of serving, and how the answer looks.
#[derive(Debug, Clone, clap::Args)]
pub struct DoctorFlags {
    /// How the answer looks.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Report::Text)]
    pub output: Report,
    /// Settings of serving.
    #[command(flatten)]
    pub serve: ServeFlags,
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// Settings of a token for a person in need. Those of `serve` say where the controller is.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BreakGlassFlags {
    /// Who needs it.
    #[arg(long)]
    pub name: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// How long it counts, at most 4h.
    #[arg(long = "for", value_name = "DURATION", default_value = "15m")]
    pub life: crd_schemas::Duration,
    /// Where the controller is.
    #[command(flatten)]
    pub settings: Flags<Reaching>,
    /// Where it speaks https: a PEM file with the authorities to trust, in place of the data folder's [env: PULSE_CA].
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Settings of trying things out.
#[derive(Debug, Clone, clap::Args)]
pub struct DevFlags {
    /// The folder of manifests; it is watched.
    pub path: PathBuf,
    /// Loopback address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Let schedules fire; without this they are suspended.
    #[arg(long)]
    pub schedules: bool,
    /// Keep everything in this folder, and find it there next time; otherwise a temporary one is used and removed.
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// What to log.
    #[command(flatten)]
    pub log: Flags<Logging>,
}
