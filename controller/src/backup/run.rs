//! Both commands, from their command line to the last word.

use super::files;
use super::line::{End, FORMAT, Head, Line};
use super::progress::Progress;
use super::read::{Lines, verify};
use super::write::Writer;
use crate::audit::own;
use crate::config::{self, BackupFlags, Data, Environment, RestoreFlags};
use crate::{admin, clock, telemetry};
use anyhow::{Context, anyhow, bail};
use pulse_core::Timestamp;
use pulse_core::audit::{Outcome, Record};
use pulse_store::{BackupTaken, Dump, Finished, Part, Restore};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often leases are looked at that are waited for.
const LOOK: Duration = Duration::from_millis(500);

/// `pulse-controller backup`.
pub async fn backup(flags: &BackupFlags, environment: &Environment) -> anyhow::Result<()> {
    let (data, log) = config::load_data(&flags.data, environment)?;
    drop(telemetry::init(&log)?);
    if flags.path == Path::new("-") {
        let (_, end) = write(std::io::stdout().lock(), &data, flags.with_secrets).await?;
        eprintln!("{} rows, sha256 {}", end.rows, end.sha256);
        return Ok(());
    }
    if flags.path.exists() {
        bail!("{} is there already; name another file, or remove it", flags.path.display());
    }
    let beside = beside(&flags.path)?;
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside);
    let file = file.with_context(|| format!("cannot write {}", beside.display()))?;
    let written = write(BufWriter::new(file), &data, flags.with_secrets).await;
    let kept = written.and_then(|(out, end)| keep(out, &beside, &flags.path).map(|()| end));
    match kept {
        Ok(End { rows, sha256, .. }) => eprintln!("{}: {rows} rows, sha256 {sha256}", flags.path.display()),
        Err(error) => {
            // Half a backup is none; that it cannot be removed is no news beside this.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
    }
    Ok(())
}

/// The name that it has until it is whole.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let mut name = path.file_name().with_context(|| format!("{} names no file", path.display()))?.to_owned();
    name.push(".part");
    Ok(path.with_file_name(name))
}

fn keep(out: BufWriter<File>, beside: &Path, path: &Path) -> anyhow::Result<()> {
    let file = out.into_inner().map_err(|error| anyhow!("it cannot be written: {}", error.error()))?;
    file.sync_all().context("it cannot be written to the disk")?;
    std::fs::rename(beside, path).with_context(|| format!("cannot name it {}", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}

async fn write<W: Write>(out: W, data: &Data, with_secrets: bool) -> anyhow::Result<(W, End)> {
    let url = data.database_url.reveal();
    let dump = Dump::begin(url).await.context("cannot read the database")?;
    let at = clock::now();
    let head = Head {
        pulse: "backup".to_owned(),
        format: FORMAT,
        schema: dump.schema(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        engine: if url.starts_with("sqlite") { "sqlite" } else { "mariadb" }.to_owned(),
        taken_at: at.0,
        taken: at.to_string(),
        epoch: dump.epoch(),
    };
    let (mut writer, mut progress) = (Writer::new(out), Progress::new("saved"));
    writer.line(&Line::Head(head)).context("it cannot be written")?;
    if with_secrets {
        for line in files::secrets(&data.folder)? {
            writer.line(&line).context("it cannot be written")?;
        }
    }
    let written = dump.run(|part| {
        match &part {
            Part::Table { name, .. } => progress.table(name),
            Part::Row(_) => progress.row(),
        }
        writer.line(&Line::Part(part))
    });
    written.await.context("cannot back the database up")?;
    progress.done();
    writer.finish().context("it cannot be written")
}

/// `pulse-controller restore`.
pub async fn restore(flags: &RestoreFlags, environment: &Environment) -> anyhow::Result<()> {
    let (data, log) = config::load_data(&flags.data, environment)?;
    drop(telemetry::init(&log)?);
    let folder = &data.folder;
    admin::make_folder(folder).with_context(|| format!("cannot use the data folder {} (PULSE_DATA_DIR)", folder.display()))?;
    // Kept for as long as it is read: a name that goes at its end, also by a panic.
    let (path, _spool) = match flags.path.to_str() {
        Some("-") => {
            let spool = Spool::of(&mut std::io::stdin().lock(), folder)?;
            (spool.0.clone(), Some(spool))
        }
        _ => (flags.path.clone(), None),
    };
    let shown = flags.path.display();
    let open = || File::open(&path).map(BufReader::new).with_context(|| format!("cannot read {shown}"));
    let (head, end) = verify(open()?).with_context(|| format!("{shown} is not restored"))?;
    eprintln!("{shown}: taken {} by release {}, {} rows, sha256 {}", head.taken, head.release, end.rows, end.sha256);
    let finished = load(Lines::new(open()?), &head, flags, &data).await.context("the backup is not restored")?;
    tell(&head, &finished);
    Ok(())
}

/// Takes the database. Leases of a controller that has died are waited for, 10 s at most; those that are renewed meanwhile are of a living one.
async fn begin(url: &str, schema: i64, force: bool) -> Result<Restore, pulse_store::Error> {
    let mut last: Option<Duration> = None;
    loop {
        match Restore::begin(url, schema, force, clock::now()).await {
            Err(pulse_store::Error::Held { expires_in, .. }) if last.is_none_or(|last| expires_in < last) => {
                if last.replace(expires_in).is_none() {
                    eprintln!("waiting for the leases of a controller that may have died …");
                }
                tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK).tick().await;
            }
            begun => return begun,
        }
    }
}

async fn load<R: std::io::Read>(mut lines: Lines<R>, head: &Head, flags: &RestoreFlags, data: &Data) -> anyhow::Result<Finished> {
    let mut restore = begin(data.database_url.reveal(), head.schema, flags.force).await.context("cannot take the database")?;
    let mut progress = Progress::new("restored");
    while let Some(line) = lines.next()? {
        match line {
            Line::Part(part) => {
                match &part {
                    Part::Table { name, .. } => progress.table(name),
                    Part::Row(_) => progress.row(),
                }
                restore.take(part).await?;
            }
            Line::File { name, text } if flags.with_secrets => files::put(&data.folder, &name, &text)?,
            Line::File { name, .. } => eprintln!("the backup's {name} is left out; --with-secrets takes it"),
            Line::Head(_) | Line::End(_) => {}
        }
    }
    progress.done();
    let now = clock::now();
    let reason = format!(
        "restored from the backup of {}: what was decided since is not known here; look at what ran, end what must not go on, then resume",
        head.taken
    );
    let (at, epoch) = (Timestamp(head.taken_at), head.epoch);
    Ok(restore.finish(&BackupTaken { at, epoch, now, reason, audit: row(head, now) }).await?)
}

/// What the audit log says of it.
fn row(head: &Head, now: Timestamp) -> Record {
    let details = json!({ "taken": head.taken, "release": head.release, "schema": head.schema, "engine": head.engine });
    let details = details.as_object().cloned().unwrap_or_default();
    own(("restore", "command_line"), "database.restore", Outcome::Done, now, details)
}

fn tell(head: &Head, finished: &Finished) {
    eprintln!("restored as of {}; everything is held by the pause {}", head.taken, finished.pause);
    if finished.open.is_empty() {
        eprintln!("no execution was open then");
    } else {
        eprintln!("not over then: {}", finished.open.join(", "));
        eprintln!("what of them ran since is not known here: look at each (`pulse describe`), and cancel what must not go on");
    }
    eprintln!("then: pulse resume {}", finished.pause);
}

/// What comes by stdin, kept in the data folder until it is read twice.
struct Spool(PathBuf);

impl Spool {
    fn of(input: &mut impl std::io::Read, folder: &Path) -> anyhow::Result<Self> {
        let spool = Self(folder.join("restore.spool"));
        let mut file = File::create(&spool.0).with_context(|| format!("cannot write {}", spool.0.display()))?;
        std::io::copy(input, &mut file).with_context(|| format!("cannot keep what comes in {}", spool.0.display()))?;
        Ok(spool)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // It is of no use to anybody; one that stays is overwritten by the next restore.
        let _ = std::fs::remove_file(&self.0);
    }
}
