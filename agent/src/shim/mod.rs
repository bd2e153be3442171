//! The shim: a small single-threaded program between agent and command. It claims the attempt, runs the command once, drains
//! its output into the spools, ends it when its time is over or it is told to, and leaves the exit record. It needs no agent
//! after it was started: the agent may die, be upgraded and come back meanwhile.

pub mod cgroup;
mod clone;
mod oom;
mod orphans;
pub mod processes;
pub mod server;
mod spawn;
pub mod spec;
mod status;
mod supervise;
mod work;

use crate::folder::{AttemptDir, DataDir};
use crate::record::{Exit, Started};
use crate::spool;
use cgroup::Cgroup;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, Ended};
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::process::{getpid, set_child_subreaper, setsid, umask};
use spec::Spec;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

pub use status::Said;

/// The shim's whole life. `false`: it started nothing.
fn run(data: &DataDir, attempt: AttemptId) -> bool {
    let done = claim_and_run(data, attempt);
    if let Err(reason) = &done {
        status::say(&Said::Refused { reason: reason.clone() });
    }
    done.is_ok()
}

/// An error from here means that this shim started nothing. Whether another did, the attempt's folder tells.
fn claim_and_run(data: &DataDir, attempt: AttemptId) -> Result<(), String> {
    let mut spec = Spec::read(std::io::stdin().lock()).map_err(|e| format!("the command did not arrive whole: {e}"))?;
    if spec.attempt != attempt {
        return Err(format!("the command is attempt {}'s", spec.attempt));
    }
    let dir = data.attempt(attempt);
    let lock = failpoint::around(Act::ShimLock, || dir.try_lock()).map_err(|e| format!("cannot take the attempt's lock: {e}"))?;
    let _held_until_exit: File = lock.ok_or("another shim has this attempt")?;
    if !failpoint::before(Act::ShimClaim)
        .and_then(|()| dir.claim())
        .map_err(|e| format!("cannot make the attempt's folder: {e}"))?
    {
        return Err("the attempt has been claimed before".into());
    }
    failpoint::done(Act::ShimClaim);
    let cgroup = Cgroup::create(attempt);
    let ended = start_and_watch(&mut spec, &dir, cgroup.as_ref()).unwrap_or_else(not_started);
    if let Some(record) = leave_record(&dir, &Exit { attempt, ended }) {
        status::say(&Said::Ended);
        make_durable(&dir, &record);
    }
    if let Some(cgroup) = cgroup {
        cgroup::remove(cgroup.path());
    }
    if let Err(error) = work::remove(&dir) {
        status::say(&Said::Note { text: format!("the work folder cannot be removed now: {error}") });
    }
    Ok(())
}

/// An error is the reason why the command did not start.
fn start_and_watch(spec: &mut Spec, dir: &AttemptDir, cgroup: Option<&Cgroup>) -> Result<Ended, String> {
    let said = |error: std::io::Error| error.to_string();
    set_child_subreaper(Some(getpid())).map_err(|e| format!("cannot become a subreaper: {e}"))?;
    let create = |name| spool::Writer::create(&dir.file(name)).map_err(|e| format!("no room for the output: {e}"));
    let spools = [create("stdout")?, create("stderr")?];
    let control = open_control(dir).map_err(|e| format!("cannot make the control pipe: {e}"))?;
    failpoint::before(Act::ShimFiles).map_err(said)?;
    // Their memory is free while the command runs.
    work::prepare(dir, &std::mem::take(&mut spec.command.files))?;
    let account = spec.account.as_ref();
    account.map_or(Ok(()), |account| work::hand_over(dir, account))?;
    failpoint::after(Act::ShimFiles).map_err(said)?;
    failpoint::before(Act::ShimSpawn).map_err(said)?;
    let child = spawn::spawn(&spec.command, account, dir, cgroup)?;
    failpoint::done(Act::ShimSpawn);
    let pid = child.leader.as_raw_nonzero().get();
    let start_time = processes::look(pid).map_or(0, |process| process.start_time);
    let started = Started { pid, boot: spec.boot, start_time, cgroup: cgroup.map(|c| c.path().to_owned()) };
    let watch = supervise::Supervisor::new(child, spools, control, &spec.command, cgroup);
    if let Err(error) = started.write(dir) {
        status::say(&Said::Note { text: format!("the record of the start could not be written: {error}") });
    }
    status::say(&Said::Started { pid });
    Ok(watch.run())
}

/// The command runs or ran: its end must be written down, so a full disk is waited out. `None`: the folder is deleted, which
/// nobody does but a person, and no record can ever lie there; then the agent finds neither shim nor record.
fn leave_record(dir: &AttemptDir, exit: &Exit) -> Option<File> {
    loop {
        let error = match exit.write_for_now(dir) {
            Ok(record) => return Some(record),
            Err(error) => error,
        };
        // Not an unmounted disk: the shim's lock keeps it mounted.
        if error.kind() == ErrorKind::NotFound && dir.path().try_exists().is_ok_and(|there| !there) {
            status::say(&Said::Note {
                text: "the attempt's folder was deleted, so there is no place for the exit record".into(),
            });
            return None;
        }
        // What fills the disk may be the command's own files, which nobody needs any more.
        drop(work::remove(dir));
        status::say(&Said::Note { text: format!("the exit record cannot be written, trying again: {error}") });
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The agent that was told has the end in its journal; one that is away finds it in the record, also after a power cut.
#[expect(clippy::disallowed_methods, reason = "it is part of the act of writing the record")]
fn make_durable(dir: &AttemptDir, record: &File) {
    if let Err(error) = record.sync_data().and_then(|()| dir.sync_name()) {
        status::say(&Said::Note { text: format!("the exit record may not outlive a power cut: {error}") });
    }
}

fn not_started(reason: String) -> Ended {
    Ended::bare(EndKind::NotStarted { reason })
}

/// Open for both directions, so that it never reports an end; without a living shim nobody can open it for writing.
fn open_control(dir: &AttemptDir) -> std::io::Result<File> {
    let path = dir.file("control");
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)?;
    File::options().read(true).write(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)
}

/// Cuts every tie to the agent but stdin and stdout: session, terminal, inherited files, signals meant for the agent.
fn detach() {
    // Fails only where this process leads its group already, which then is its own.
    let _ = setsid();
    umask(Mode::from_raw_mode(0o022));
    // SAFETY: nothing but 0, 1 and 2 was opened by this process so far; the other calls only change signal dispositions.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        // A file size limit shall be an error like a full disk. Whoever ends the agent's service group ends commands too; the shim stays to say how they ended.
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGPIPE, libc::SIGXFSZ] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    std::panic::set_hook(Box::new(|info| status::say(&Said::Note { text: format!("the shim failed: {info}") })));
}
