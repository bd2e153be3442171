//! The shim: a small single-threaded program between agent and command. It claims the attempt, runs the command once, drains
//! its output into the spools, ends it when its time is over or it is told to, and leaves the exit record. It needs no agent
//! after it has the command: the agent may die, be upgraded and come back meanwhile. Once nothing of the command is left and the agent has
//! its end, it may be given another one.

pub mod cgroup;
mod clone;
mod launch;
mod oom;
mod orphans;
pub mod processes;
pub mod requests;
pub mod server;
mod spawn;
pub mod spec;
mod status;
mod supervise;
mod work;

use crate::folder::{AttemptDir, DataDir};
use crate::record::{self, Exit, Started, Supervised};
use crate::spare::Spare;
use crate::spool;
use cgroup::Cgroup;
use orphans::Orphans;
use pulse_protocol::failpoint::{self, Act};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, Ended};
use requests::Requests;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::process::{getpid, set_child_subreaper, setsid, umask};
use spec::Spec;
use std::fs::File;
use std::io::ErrorKind;
use std::time::Duration;
use uuid::Uuid;

pub use status::Said;

/// Signals whose meaning is left as it is: faults of this program, the children's ends, being stopped and continued, and requests.
const KEPT: [i32; 14] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    requests::STOP,
];
/// The agent's word that it has the end, or has not, and the name of a folder that may be used for another attempt, or of none.
const WORD_BYTES: usize = 17;

/// That word as it goes over the pipe.
pub fn word(is_known: bool, spare: Option<Uuid>) -> [u8; WORD_BYTES] {
    let mut word = [0; WORD_BYTES];
    word[0] = is_known.into();
    word[1..].copy_from_slice(spare.unwrap_or_default().as_bytes());
    word
}

/// How long the agent's word is waited for that it has the end.
const WORD: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What a shim has for its commands.
#[derive(Default)]
struct Tools {
    /// Made with the first.
    senses: Option<(Requests, Orphans)>,
    /// How many there were.
    commands: u64,
    /// The name of a folder that may be used for the next one.
    spare: Option<Uuid>,
}

/// The shim's whole life. `show` is told which attempt it has in hand. What the next one needs is made ready before it comes.
fn run(data: &DataDir, show: impl Fn(Option<AttemptId>)) {
    let mut tools = Tools::default();
    loop {
        show(None);
        match claim_and_run(data, &mut tools, &show) {
            Ok(true) => status::say(&Said::Ready),
            Ok(false) => break,
            Err(reason) => {
                status::say(&Said::Refused { reason });
                break;
            }
        }
    }
    // It will not be used.
    drop(tools.spare.map(|spare| Spare::make_ready(data, Some(spare))));
}

/// `true`: everything went as it should, nothing of the command is left, and the agent may give another one. An error means that this shim did not start the command.
/// Whether another did, the attempt's folder tells.
fn claim_and_run(data: &DataDir, tools: &mut Tools, show: impl Fn(Option<AttemptId>)) -> Result<bool, String> {
    // Where there is no room now, there may be later.
    let ready = Spare::make_ready(data, tools.spare.take()).ok();
    tools.commands += 1;
    let cgroup = Cgroup::create(tools.commands);
    let mut spec = Spec::read(std::io::stdin().lock()).map_err(|e| format!("the command did not arrive whole: {e}"))?;
    let attempt = spec.attempt;
    show(Some(attempt));
    let dir = data.attempt(attempt);
    let lock = failpoint::before(Act::ShimClaim)
        .and_then(|()| claim(data, ready, &dir))
        .map_err(|e| format!("cannot make the attempt's folder: {e}"))?;
    let _held_to_the_end: File = lock.ok_or("the attempt has been claimed before")?;
    failpoint::done(Act::ShimClaim);
    let mut record = record::Writer::new(attempt, dir.path());
    let (ended, went_well) = start_and_watch(&mut spec, &dir, &mut record, tools, cgroup.as_ref())
        .unwrap_or_else(|reason| (not_started(reason), false));
    let exit = Exit { ended };
    let is_recorded = leave_record(&dir, &mut record, &exit);
    if is_recorded {
        status::say_ended(exit.ended);
    }
    let is_clean = went_well && processes::none_is_left() && cgroup.as_ref().is_none_or(Cgroup::is_empty);
    drop(cgroup);
    if let Err(error) = work::remove(&dir) {
        status::say(&Said::Note { text: format!("the work folder cannot be removed now: {error}") });
    }
    let (is_known, spare) = if is_recorded { hear_word() } else { (false, None) };
    tools.spare = spare;
    if is_recorded && !is_known {
        make_durable(&dir, &record);
    }
    Ok(is_known && is_clean)
}

/// The claim, with the folder that was made ready if it is still there. `None`: somebody else has it.
fn claim(data: &DataDir, ready: Option<Spare>, dir: &AttemptDir) -> std::io::Result<Option<File>> {
    match ready.map(|ready| ready.claim(dir)) {
        Some(Err(error)) if error.kind() == ErrorKind::NotFound => {}
        Some(claimed) => return claimed,
        None => {}
    }
    Spare::make_ready(data, None)?.claim(dir)
}

/// How it ended, and whether all of its output is stored. An error is the reason why the command did not start.
fn start_and_watch(
    spec: &mut Spec,
    dir: &AttemptDir,
    record: &mut record::Writer,
    tools: &mut Tools,
    cgroup: Option<&Cgroup>,
) -> Result<(Ended, bool), String> {
    let said = |error: std::io::Error| error.to_string();
    let (requests, orphans) = match &mut tools.senses {
        Some(senses) => senses,
        none => {
            set_child_subreaper(Some(getpid())).map_err(|e| format!("cannot become a subreaper: {e}"))?;
            let requests = Requests::listen().map_err(|e| format!("cannot listen for a request to stop: {e}"))?;
            none.insert((requests, Orphans::watch()))
        }
    };
    let spool = spool::Writer::create(dir).map_err(|e| format!("no room for the output: {e}"))?;
    failpoint::before(Act::ShimFiles).map_err(said)?;
    let shim = getpid().as_raw_nonzero().get();
    let supervised = Supervised { shim, cgroup: cgroup.map(|c| c.path().to_owned()) };
    record.supervised(supervised).map_err(|e| format!("no room for the attempt's record: {e}"))?;
    // Their memory is free while the command runs.
    work::prepare(dir, &std::mem::take(&mut spec.command.files))?;
    let account = spec.account.as_ref();
    account.map_or(Ok(()), |account| work::hand_over(dir, account))?;
    failpoint::after(Act::ShimFiles).map_err(said)?;
    failpoint::before(Act::ShimSpawn).map_err(said)?;
    let child = spawn::spawn(&spec.command, account, dir, cgroup)?;
    failpoint::done(Act::ShimSpawn);
    let pid = child.leader.as_raw_nonzero().get();
    let watch = supervise::Supervisor::new(child, spool, spec, (requests, orphans), cgroup);
    if let Err(error) = record.started(Started { pid }) {
        status::say(&Said::Note { text: format!("the record of the start could not be written: {error}") });
    }
    status::say(&Said::Started { pid });
    Ok(watch.run())
}

/// The command runs or ran: its end must be written down, so a full disk is waited out. `false`: the folder is deleted, which
/// nobody does but a person, and no record can ever lie there; then the agent finds neither shim nor record.
fn leave_record(dir: &AttemptDir, record: &mut record::Writer, exit: &Exit) -> bool {
    loop {
        let written = record.exit(exit.clone());
        // Not an unmounted disk: the shim's lock keeps it mounted.
        if dir.path().try_exists().is_ok_and(|there| !there) {
            status::say(&Said::Note {
                text: "the attempt's folder was deleted, so there is no place for the exit record".into(),
            });
            return false;
        }
        let Err(error) = written else { return true };
        // What fills the disk may be the command's own files, which nobody needs any more.
        drop(work::remove(dir));
        status::say(&Said::Note { text: format!("the exit record cannot be written, trying again: {error}") });
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whether the agent says that the end stands in its journal, which outlives a power cut, and which folder may be used next. One that is away, or dies,
/// closes its end of the pipe.
fn hear_word() -> (bool, Option<Uuid>) {
    let (stdin, mut heard) = (std::io::stdin(), [0; WORD_BYTES]);
    let is_there = matches!(poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&WORD)), Ok(1));
    // It is shorter than what a pipe takes as a whole.
    if !is_there || !matches!(rustix::io::read(&stdin, &mut heard), Ok(WORD_BYTES)) {
        return (false, None);
    }
    let [is_known, spare @ ..] = heard;
    (is_known == 1, Some(Uuid::from_bytes(spare)).filter(|spare| !spare.is_nil()))
}

/// Whoever looks for the end finds it in the record, also after a power cut.
fn make_durable(dir: &AttemptDir, record: &record::Writer) {
    if let Err(error) = record.sync().and_then(|()| dir.sync_name()) {
        status::say(&Said::Note { text: format!("the exit record may not outlive a power cut: {error}") });
    }
}

fn not_started(reason: String) -> Ended {
    Ended::bare(EndKind::NotStarted { reason })
}

/// Cuts every tie to the agent but stdin and stdout: session, terminal, inherited files, signals meant for the agent.
fn detach() {
    // Fails only where this process leads its group already, which then is its own.
    let _ = setsid();
    umask(Mode::from_raw_mode(0o022));
    // SAFETY: nothing but 0, 1 and 2 was opened by this process so far; the other calls only change signal dispositions.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        // A file size limit shall be an error like a full disk. Whoever sends signals to the agent's service group, or to all that its user runs, ends
        // commands too; the shim stays to say how they ended.
        for signal in (1..=64).filter(|signal| !KEPT.contains(signal)) {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    std::panic::set_hook(Box::new(|info| status::say(&Said::Note { text: format!("the shim failed: {info}") })));
}
