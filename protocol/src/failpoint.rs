//! Named points before and after each durable write and each send, at which a test stops a process, ends it, or has the act fail.
//! Builds without debug assertions (releases) have none of them.
//!
//! `PULSE_FAILPOINT=[HOW:]NAME=/folder/marker` names one point of a process. The folder arms it: without the folder every visit
//! passes. The first visit makes the marker, with the process's id in it, and then (`HOW`):
//!
//! * stands still until the marker is removed, so that a test can kill whatever it likes at exactly this point (nothing said),
//! * `abort`: ends the process on the spot, as a crash would,
//! * `error`: the act fails. Before it nothing was done; after it everything was, and only the answer got lost.
//!
//! Further visits pass, also those of the next process. [`Act`] lists every act, and the functions of controller and agent that write
//! or send take one, so that a new act cannot be without its points; a test drives each ([`Act::points`]).
//!
//! A simulation, which has no processes, is told of each visit in its own thread, and ends the visitor by a panic.

use std::io;

/// What an act is, and with that where it has points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It makes something durable, or sends it: a point before and a point after, and it can fail at both.
    Write,
    /// It starts something that cannot be taken back: the same, but it fails before only.
    Start,
    /// A place between two statements of a transaction: one point, at which nothing fails.
    Midway,
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// What is done there.
    pub act: Act,
    /// Its name, such as `controller.commit.before`.
    pub name: &'static str,
    /// Whether the act can be made to fail there.
    pub fails: bool,
}

macro_rules! acts {
    ($($(#[$sentence:meta])* $act:ident = $kind:ident $name:literal;)*) => {
        /// Every durable write and every send.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act { $($(#[$sentence])* $act,)* }

        impl Act {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$act,)*];

            /// Its name, and those of the points before and after it.
            const fn names(self) -> [&'static str; 3] {
                match self {
                    $(Self::$act => [$name, concat!($name, ".before"), concat!($name, ".after")],)*
                }
            }

            /// What it is.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$act => Kind::$kind,)*
                }
            }
        }
    };
}

acts! {
    /// A batch of executions' events.
    Commit = Write "controller.commit";
    /// A commit of a source becomes live.
    Apply = Write "controller.apply";
    /// Its source's generation is written.
    ApplyAdvanced = Midway "controller.apply.advanced";
    /// A part of its definitions is.
    ApplyUpserting = Midway "controller.apply.upserting";
    /// All of them are.
    ApplyUpserted = Midway "controller.apply.upserted";
    /// A part of what is not declared any more is retired.
    ApplyRetiring = Midway "controller.apply.retiring";
    /// All of it is.
    ApplyRetired = Midway "controller.apply.retired";
    /// A sync that changed nothing.
    Record = Write "controller.record";
    /// A schedule goes on without starting anything.
    Advance = Write "controller.advance";
    /// What a schedule does next is decided, and not yet written.
    ScheduleDecided = Midway "controller.schedule.decided";
    /// Old records of slots go.
    PruneSlots = Write "controller.prune-slots";
    /// A pause is set.
    Pause = Write "controller.pause";
    /// A pause is ended.
    PauseEnd = Write "controller.pause-end";
    /// The time in which no controller ran.
    Absence = Write "controller.absence";
    /// A token of the API, a session of a browser, or what is known of a person.
    Credential = Write "controller.credential";
    /// An enrolment token.
    Token = Write "controller.token";
    /// An agent enrols.
    Enrol = Write "controller.enrol";
    /// An agent's session begins.
    Session = Write "controller.session";
    /// What was heard of agents.
    Touch = Write "controller.touch";
    /// An agent is revoked, quarantined, or let in again.
    Admission = Write "controller.admission";
    /// The last webhooks.
    Webhooks = Write "controller.webhooks";
    /// Pieces of output.
    Output = Write "controller.output";
    /// Rows of the audit log that are written by themselves.
    Audit = Write "controller.audit";
    /// Rows of the audit log get their place in its chain.
    AuditSeal = Write "controller.audit-seal";
    /// Old idempotency keys go.
    ForgetKeys = Write "controller.forget-keys";
    /// What is older than what is kept goes.
    Retain = Write "controller.retain";
    /// A step of a restore.
    Restore = Write "controller.restore";
    /// A fact of this installation.
    Meta = Write "controller.meta";
    /// The leases are taken.
    TakeLeases = Write "controller.take-leases";
    /// The leases are renewed.
    RenewLeases = Write "controller.renew-leases";
    /// The leases are given back.
    ReturnLeases = Write "controller.return-leases";
    /// One step of a migration.
    MigrationStep = Write "controller.migration-step";
    /// An agent is asked to prove who it is.
    SendChallenge = Write "controller.send-challenge";
    /// An agent is let in.
    SendWelcome = Write "controller.send-welcome";
    /// An agent is told what shall run.
    SendAssign = Write "controller.send-assign";
    /// An agent is told what is durably taken over.
    SendAcknowledge = Write "controller.send-acknowledge";
    /// An agent is refused.
    SendRefused = Write "controller.send-refused";
    /// An agent is asked whether it lives.
    SendPing = Write "controller.send-ping";
    /// What a request has changed is written, and not yet answered.
    Answer = Midway "controller.answer";

    /// The agent's key.
    Identity = Write "agent.identity";
    /// That a controller has taken the key once.
    Welcomed = Write "agent.welcomed";
    /// A journal is begun, or written anew.
    JournalCompact = Write "agent.journal-compact";
    /// What is appended to the journal reaches the disk, or what is cut off it.
    JournalSync = Write "agent.journal-sync";
    /// The journal says that a command may start.
    JournalStarting = Write "agent.journal-starting";
    /// The journal says how an attempt ended.
    JournalEnded = Write "agent.journal-ended";
    /// The journal says that the controller has an end.
    JournalAcknowledged = Write "agent.journal-acknowledged";
    /// The journal keeps no more than an outcome.
    JournalForgotten = Write "agent.journal-forgotten";
    /// A shim is started.
    StartShim = Start "agent.start-shim";
    /// A shim is told to end its command.
    StopShim = Write "agent.stop-shim";
    /// An attempt's folder is kept until the next boot.
    KeepFolder = Write "agent.keep-folder";
    /// An attempt's files go.
    RemoveFiles = Write "agent.remove-files";
    /// The agent says which versions it speaks.
    SendHello = Write "agent.send-hello";
    /// The agent says who it is.
    SendIdentify = Write "agent.send-identify";
    /// The agent says everything that it knows.
    SendPicture = Write "agent.send-picture";
    /// The agent reports what is accepted or started.
    SendReport = Write "agent.send-report";
    /// The agent reports an end.
    SendEnded = Write "agent.report-ended";
    /// The agent sends a piece of output.
    SendOutput = Write "agent.send-output";
    /// The agent says that it lives.
    SendHeartbeat = Write "agent.send-heartbeat";
    /// The agent answers a ping.
    SendPong = Write "agent.send-pong";

    /// The shim claims the attempt, and has its lock with that.
    ShimClaim = Start "shim.mkdir";
    /// The command's files are written.
    ShimFiles = Write "shim.files";
    /// The command is started.
    ShimSpawn = Start "shim.spawn";
    /// The record of the start.
    ShimStarted = Write "shim.started";
    /// What the command wrote reaches the disk.
    ShimOutput = Write "shim.output";
    /// The record of the end.
    ShimExit = Write "shim.exit";
}

impl Act {
    /// Its points.
    pub fn points(self) -> Vec<Point> {
        let [midway, before, after] = self.names();
        let point = |name, fails| Point { act: self, name, fails };
        match self.kind() {
            Kind::Write => vec![point(before, true), point(after, true)],
            Kind::Start => vec![point(before, true), point(after, false)],
            Kind::Midway => vec![point(midway, false)],
        }
    }
}

/// Comes by the point before an act. An error: the act fails, and nothing of it may be done.
#[inline(always)]
pub fn before(act: Act) -> io::Result<()> {
    visit(act.names()[1])
}

/// Comes by the point after an act that was done. An error: whoever asked for it must not learn that it was.
#[inline(always)]
pub fn after(act: Act) -> io::Result<()> {
    visit(act.names()[2])
}

/// Comes by the point after an act that cannot be taken back.
#[inline(always)]
pub fn done(act: Act) {
    drop(visit(act.names()[2]));
}

/// Comes by the point of a [`Kind::Midway`].
#[inline(always)]
pub fn midway(act: Act) {
    drop(visit(act.names()[0]));
}

/// Does an act between its two points.
#[inline(always)]
pub fn around<T, E: From<io::Error>>(act: Act, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    before(act)?;
    let done = work()?;
    after(act)?;
    Ok(done)
}

#[cfg(not(debug_assertions))]
#[inline(always)]
fn visit(_name: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(debug_assertions)]
type Hook = std::rc::Rc<dyn Fn(&str)>;

#[cfg(debug_assertions)]
thread_local! {
    static HOOK: std::cell::RefCell<Option<Hook>> = const { std::cell::RefCell::new(None) };
}

/// From now on this thread's visits are told to `hook`, and to nobody else.
#[cfg(debug_assertions)]
pub fn hook(hook: Option<Hook>) {
    HOOK.set(hook);
}

/// What the environment says, read once.
#[cfg(debug_assertions)]
struct Setting {
    how: How,
    name: String,
    marker: std::path::PathBuf,
}

#[cfg(debug_assertions)]
enum How {
    Stand,
    Abort,
    Fail,
}

#[cfg(debug_assertions)]
fn setting() -> Option<&'static Setting> {
    static SETTING: std::sync::OnceLock<Option<Setting>> = std::sync::OnceLock::new();
    let read = || {
        let text = std::env::var("PULSE_FAILPOINT").ok()?;
        let (point, marker) = text.split_once('=')?;
        let (how, name) = match point.split_once(':') {
            Some(("abort", name)) => (How::Abort, name),
            Some(("error", name)) => (How::Fail, name),
            _ => (How::Stand, point),
        };
        Some(Setting { how, name: name.to_owned(), marker: marker.into() })
    };
    SETTING.get_or_init(read).as_ref()
}

#[cfg(debug_assertions)]
fn visit(name: &str) -> io::Result<()> {
    use std::io::Write;
    let hook = HOOK.with_borrow(Clone::clone);
    if let Some(hook) = hook {
        hook(name);
        return Ok(());
    }
    let Some(Setting { how, marker, .. }) = setting().filter(|setting| setting.name == name) else { return Ok(()) };
    // A folder that is not there, or a marker that is: the visit passes.
    let Ok(mut file) = std::fs::OpenOptions::new().write(true).create_new(true).open(marker) else { return Ok(()) };
    // A marker that cannot be written fails the test by its time limit; nothing better can be done here.
    drop(file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    drop(file);
    match how {
        How::Stand => {
            while marker.exists() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Ok(())
        }
        How::Abort => std::process::abort(),
        How::Fail => Err(io::Error::other(format!("the failpoint {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::Act;
    use std::collections::BTreeSet;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let points: Vec<_> = Act::ALL.iter().flat_map(|act| act.points()).collect();
        let names: BTreeSet<_> = points.iter().map(|point| point.name).collect();
        assert_eq!(names.len(), points.len());
        let of = |who: &str| names.iter().filter(|name| name.starts_with(who)).count();
        assert_eq!(of("controller.") + of("agent.") + of("shim."), names.len(), "a name says whose point it is");
    }
}
