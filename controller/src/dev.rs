//! `pulse-controller dev PATH`: everything on this machine, to try things out. A controller on loopback with its own data
//! folder, the folder of manifests watched, one local agent.

mod ending;

use crate::api::make_token;
use crate::config::{Config, Data, DevFlags, Limits, Listen, Log, Observe, Origin, People, STOP_TIMEOUT, Source, Tls};
use crate::keep::Keep;
use crate::serve::{self, Active, Mode};
use crate::{clock, signals};
use anyhow::{Context, bail};
use crd_schemas::Duration as Life;
use pulse_protocol::AgentName;
use pulse_settings::Layers;
use rustix::io::FdFlags;
use std::io::{IsTerminal, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The local agent's name.
const AGENT: &str = "local";
/// How long the agent's token works.
const TOKEN_LIFE: Life = Life::from_secs(600);
/// How long the agent may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// Before an agent that ended by itself is started again.
const PAUSE: Duration = Duration::from_secs(2);

/// Serves until a signal.
pub async fn run(flags: &DevFlags, mut layers: Layers, log: Log) -> anyhow::Result<()> {
    let agent = agent_binary()?;
    let folder = std::path::absolute(&flags.path)?;
    if !folder.is_dir() {
        bail!("{} is no folder; name the folder that holds the manifests", flags.path.display());
    }
    if !flags.listen.ip().is_loopback() {
        bail!("--listen {}: dev listens on loopback only, such as 127.0.0.1:8080", flags.listen);
    }
    let (data, kept) = data_folder(flags)?;
    let own = [("PULSE_LISTEN", flags.listen.to_string()), ("PULSE_DATA_DIR", data.display().to_string())];
    let own = own.into_iter().chain([("PULSE_SOURCE_URL", folder.display().to_string()), ("PULSE_LOG", log.filter.clone())]);
    own.for_each(|(name, text)| layers.decide(name, text, "pulse-controller dev"));
    let config = Config {
        listen: Listen { address: flags.listen, public_url: None },
        tls: Tls::Off,
        data: Data::in_folder(&data),
        source: Some(Source {
            origin: Origin::Folder { folder: folder.clone(), path: String::new() },
            poll: Source::DEFAULT_POLL,
        }),
        admin_token: None,
        people: People::default(),
        webhook_secrets: None,
        limits: Limits::default(),
        stop_timeout: STOP_TIMEOUT,
        keep: Keep::default(),
        observe: Observe::default(),
        log,
        warnings: Vec::new(),
        layers,
    };
    let mut serving = serve::start(&config, Mode { enrolment: false, schedules: flags.schedules }).await?;
    let active = serving.active().await?;
    greet(&serving.url, &active, &folder, &data, kept.is_some(), flags.schedules);
    let served = tend_agent(&serving.url, &active, &agent, &data, kept.is_some(), &config.log.filter).await;
    println!("\nStopping …");
    drop(active);
    serving.stop().await?;
    served
}

/// The data folder; a temporary one lives as long as its guard.
fn data_folder(flags: &DevFlags) -> anyhow::Result<(PathBuf, Option<Temporary>)> {
    match &flags.data_dir {
        Some(folder) => Ok((std::path::absolute(folder)?, None)),
        None => {
            let folder = std::env::temp_dir().join(format!("pulse-dev-{}", uuid::Uuid::now_v7().as_simple()));
            Ok((folder.clone(), Some(Temporary(folder))))
        }
    }
}

/// A folder that is removed at the end.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// `pulse-agent` beside this program.
fn agent_binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program stands")?;
    let agent = own.with_file_name("pulse-agent");
    if !agent.is_file() {
        bail!("there is no {}; build it, too: cargo build (or put pulse-agent beside pulse-controller)", agent.display());
    }
    Ok(agent)
}

/// Keeps the local agent running until a signal, then ends it.
async fn tend_agent(url: &str, active: &Active, binary: &Path, data: &Path, temporary: bool, filter: &str) -> anyhow::Result<()> {
    let mut stop = signals::Stop::listen()?;
    loop {
        let mut agent = spawn_agent(url, active, binary, data, filter).await?;
        tokio::select! {
            () = stop.asked() => {
                stop.again_means_now();
                if temporary {
                    ending::end_commands(&active.engine, &AGENT.parse()?).await;
                }
                return end_agent(agent).await;
            }
            status = agent.wait() => {
                let status = status.context("cannot wait for the local agent")?;
                eprintln!("the local agent ended by itself ({status}); starting it again");
            }
        }
        if tokio::time::timeout(PAUSE, stop.asked()).await.is_ok() {
            return Ok(());
        }
    }
}

async fn end_agent(mut agent: Child) -> anyhow::Result<()> {
    let pid = agent.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(Err(error)) = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM)) {
        tracing::debug!(%error, "the agent ended before it was told to");
    }
    match tokio::time::timeout(GRACE, agent.wait()).await {
        Ok(status) => drop(status.context("cannot wait for the local agent")?),
        Err(_) => {
            eprintln!("the local agent did not end within {} s and is killed", GRACE.as_secs());
            agent.kill().await.context("cannot kill the local agent")?;
        }
    }
    Ok(())
}

/// Starts the agent with a one-use token that it reads from an inherited descriptor: no process list and no file shows it.
async fn spawn_agent(url: &str, active: &Active, binary: &Path, data: &Path, filter: &str) -> anyhow::Result<Child> {
    let reader = token_pipe(active).await?;
    // Only this child inherits it: the flag is off for the moment of the spawn, and nothing else is started here.
    rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
    let mut command = Command::new(binary);
    // No file of settings: this host may have an agent of its own.
    command.args(["--config", "/dev/null", "--token-fd", &reader.as_raw_fd().to_string()]);
    command.env_clear().envs(kept_environment());
    command.env("RUST_LOG", filter);
    command.env("PULSE_SERVER", url).env("PULSE_AGENT_NAME", AGENT).env("PULSE_AGENT_DATA_DIR", data.join("agent"));
    // A group of its own: Ctrl-C in the terminal is for us, and we tell the agent in our order.
    command.process_group(0).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().with_context(|| format!("cannot start {}", binary.display()))
}

/// What the agent needs of our environment: nothing that could set it up in another way than said here.
fn kept_environment() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let kept = |name: &std::ffi::OsStr| {
        name != "PULSE_TOKEN" && name != "PULSE_CONFIG" && !name.as_encoded_bytes().starts_with(b"PULSE_AGENT_")
    };
    let environment = crate::config::environment();
    environment.into_iter().filter(|(name, _)| kept(name)).collect()
}

async fn token_pipe(active: &Active) -> anyhow::Result<OwnedFd> {
    let mut made =
        make_token("dev".to_owned(), 1, clock::now().plus(TOKEN_LIFE), None).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    made.row.names = vec![AGENT.parse::<AgentName>()?];
    active.engine.store().create_token(&made.row).await?;
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // Far less than what a pipe holds, so that this never waits for a reader.
    std::fs::File::from(writer).write_all(format!("{}\n", made.token).as_bytes())?;
    Ok(reader)
}

/// Where `pulse` stands beside this program and would not be found: the line that changes that.
fn path_line() -> String {
    let folder = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
    let Some(folder) = folder.filter(|folder| folder.join("pulse").is_file()) else { return String::new() };
    let environment = crate::config::environment();
    let path = environment.iter().find(|(name, _)| *name == "PATH").map(|(_, value)| value.clone()).unwrap_or_default();
    let found = std::env::split_paths(&path).any(|entry| entry == folder);
    if found { String::new() } else { format!("  export PATH={}:$PATH\n", folder.display()) }
}

/// What people read first.
fn greet(address: &str, active: &Active, folder: &Path, data: &Path, temporary: bool, schedules: bool) {
    let bold = |text: &str| if std::io::stdout().is_terminal() { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
    let kept = if temporary { " (removed at the end)" } else { "" };
    let fire = if schedules { "fire" } else { "are suspended; start it with --schedules to let them fire" };
    println!(
        "\n{title}\n\n  address    {url}\n  token      {token}\n  manifests  {folder} (watched: edit them, and they are live)\n  data       {data}{kept}\n  agent      {AGENT}\n  schedules  {fire}\n\n\
         In another terminal:\n\n{path}  export PULSE_SERVER={url}\n  export PULSE_TOKEN={token}\n\n  pulse get workflows\n  \
         pulse get agents\n  pulse run NAME --follow\n\nCtrl-C ends it.",
        title = bold("PULSE is ready."),
        path = path_line(),
        url = bold(address),
        token = active.admin_token.0.reveal(),
        folder = folder.display(),
        data = data.display(),
    );
}
