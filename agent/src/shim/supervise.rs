//! Watches one running command: drains its output, measures its time, ends it and everything below it when it must, and says
//! how it ended. One loop over poll; the leader's process entry is kept until the very end, so that its group's number cannot
//! be given to strangers while signals are still sent to it.

use super::cgroup::Cgroup;
use super::orphans::Orphans;
use super::processes;
use super::requests::Requests;
use super::spawn::Child;
use super::spec::Spec;
use super::status::{self, Said};
use crate::spool::{MAX_WRITE, STREAMS, Writer};
use pulse_protocol::message;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AttemptId, Ended, frame::MAX_CAPTURE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid};
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long pipes are drained that survivors hold open after the command's own exit.
const DRAIN: Duration = Duration::from_secs(5);
/// How long killed processes may take to be gone before the stop counts as unconfirmed.
const CONFIRM: Duration = Duration::from_secs(10);
/// The longest wait for something to happen.
const IDLE: Duration = Duration::from_secs(30);
/// How often things without an event are looked at while a command is being ended.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq)]
enum Why {
    TimedOut,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Running,
    /// The command ended by itself; what it still has in its pipes is taken over.
    Draining {
        until: Instant,
    },
    /// TERM was sent.
    Terminating {
        why: Why,
        until: Instant,
    },
    /// KILL is sent until nothing is left.
    Killing {
        why: Why,
        until: Instant,
    },
    Over(Verdict),
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Itself,
    Stopped(Why),
    Unconfirmed,
}

/// A command under watch.
pub struct Supervisor<'a> {
    leader: Pid,
    leader_fd: Option<OwnedFd>,
    /// The leader's end, once seen, and when.
    own_end: Option<(EndKind, Instant)>,
    pipes: [Pipe; 2],
    spool: Writer,
    requests: &'a Requests,
    /// Whose end a request must mean.
    attempt: AttemptId,
    cgroup: Option<&'a Cgroup>,
    begun: Instant,
    deadline: Option<Instant>,
    grace: Duration,
    phase: Phase,
    captured: Option<Vec<u8>>,
    orphans: &'a Orphans,
    /// More orphans may be dead than were taken away at once.
    more_dead: bool,
}

/// What the command writes one stream into.
struct Pipe {
    stream: message::Stream,
    /// None once the command has closed it.
    end: Option<OwnedFd>,
}

impl<'a> Supervisor<'a> {
    /// Takes over a command that was just spawned; its time begins here.
    pub fn new(
        child: Child,
        spool: Writer,
        spec: &Spec,
        (requests, orphans): (&'a Requests, &'a Orphans),
        cgroup: Option<&'a Cgroup>,
    ) -> Self {
        let Spec { attempt, command, .. } = spec;
        let begun = Instant::now();
        let Child { leader, pipes: [stdout, stderr] } = child;
        let pipes = [Pipe::new(STREAMS[0], stdout), Pipe::new(STREAMS[1], stderr)];
        Self {
            leader,
            leader_fd: pidfd_open(leader, PidfdFlags::empty()).ok(),
            own_end: None,
            pipes,
            spool,
            requests,
            attempt: *attempt,
            cgroup,
            begun,
            deadline: begun.checked_add(Duration::from_millis(command.timeout_ms)),
            grace: Duration::from_millis(command.kill_grace_ms),
            phase: Phase::Running,
            captured: command.capture_stdout.then(Vec::new),
            orphans,
            more_dead: false,
        }
    }

    /// Watches to the end. Whether all of the output could be stored comes with it.
    pub fn run(mut self) -> (Ended, bool) {
        loop {
            self.reap_orphans();
            self.look_at_leader();
            self.phase = self.next_phase(Instant::now());
            if let Phase::Over(verdict) = self.phase {
                return self.finish(verdict);
            }
            self.wait_for_something();
            self.drain();
        }
    }

    /// Once the leader is dead, nothing lasts long: what is left is looked at as a whole, or ends with this process.
    fn reap_orphans(&mut self) {
        self.more_dead = self.own_end.is_none() && self.orphans.reap(self.leader);
    }

    /// The order of looks decides races: a command that has exited before its stop is seen keeps its own exit.
    fn next_phase(&mut self, now: Instant) -> Phase {
        match self.phase {
            Phase::Running if self.own_end.is_some() && self.pipes_closed() => Phase::Over(Verdict::Itself),
            Phase::Running if self.own_end.is_some() => Phase::Draining { until: now + DRAIN },
            Phase::Running if self.requests.asked(self.attempt) => self.terminate(Why::Cancelled, now),
            Phase::Running if self.deadline.is_some_and(|deadline| now >= deadline) => self.terminate(Why::TimedOut, now),
            Phase::Draining { until } if now >= until || self.pipes_closed() => Phase::Over(Verdict::Itself),
            Phase::Terminating { why, .. } if self.is_empty() => Phase::Over(Verdict::Stopped(why)),
            Phase::Terminating { why, until } if now >= until => Phase::Killing { why, until: now + CONFIRM },
            Phase::Killing { why, until } => {
                self.kill();
                if self.is_empty() {
                    Phase::Over(Verdict::Stopped(why))
                } else if now >= until {
                    Phase::Over(Verdict::Unconfirmed)
                } else {
                    self.phase
                }
            }
            phase => phase,
        }
    }

    fn terminate(&self, why: Why, now: Instant) -> Phase {
        let _ = kill_process_group(self.leader, Signal::TERM);
        processes::signal(&self.outside_group(), Signal::TERM);
        Phase::Terminating { why, until: now + self.grace }
    }

    fn kill(&self) {
        if let Some(cgroup) = self.cgroup {
            cgroup.kill();
        }
        let _ = kill_process_group(self.leader, Signal::KILL);
        processes::kill_all(Some(self.leader));
    }

    /// Descendants that left the leader's group, which the group's signal does not reach.
    fn outside_group(&self) -> Vec<processes::Process> {
        let mut found = processes::descendants(Some(self.leader));
        found.retain(|p| Pid::from_raw(p.pid).and_then(|pid| rustix::process::getpgid(Some(pid)).ok()) != Some(self.leader));
        found
    }

    /// Whether nothing of the command is left: the leader has exited, no other descendant exists, the cgroup is empty.
    fn is_empty(&self) -> bool {
        self.own_end.is_some()
            && processes::descendants(Some(self.leader)).is_empty()
            && self.cgroup.is_none_or(Cgroup::is_empty)
            // A child forked behind the scan's back would be ours by now: two looks in a row must agree.
            && processes::descendants(Some(self.leader)).is_empty()
    }

    /// Sees whether the leader has exited, and leaves its entry where it is.
    fn look_at_leader(&mut self) {
        if self.own_end.is_some() {
            return;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if let Ok(Some(status)) = waitid(WaitId::Pid(self.leader), options) {
            let how = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => EndKind::Exited { code: code.into() },
                (None, signal) => EndKind::Signalled { signal: signal.unwrap_or_default().into() },
            };
            self.own_end = Some((how, Instant::now()));
        }
    }

    fn pipes_closed(&self) -> bool {
        self.pipes.iter().all(|pipe| pipe.end.is_none())
    }

    fn wait_for_something(&self) {
        let now = Instant::now();
        let rest = match self.phase {
            _ if self.more_dead => Duration::ZERO,
            Phase::Running => self.deadline.map_or(IDLE, |deadline| deadline.saturating_duration_since(now)),
            Phase::Draining { until } => until.saturating_duration_since(now),
            Phase::Terminating { .. } | Phase::Killing { .. } | Phase::Over(_) => LOOK,
        };
        let without_event = self.leader_fd.is_none() && self.own_end.is_none();
        let rest = if without_event { rest.min(LOOK) } else { rest.min(IDLE) };
        let mut fds: Vec<PollFd> = vec![PollFd::new(self.requests, PollFlags::IN)];
        // A stop that came once, or an exit that was seen, would make every further wait return at once.
        if self.phase != Phase::Running {
            fds.clear();
        }
        if self.own_end.is_none() {
            fds.extend(self.leader_fd.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
            fds.extend(self.orphans.deaths().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        }
        fds.extend(self.pipes.iter().filter_map(|pipe| pipe.end.as_ref()).map(|fd| PollFd::new(fd, PollFlags::IN)));
        // Rounded up, or the last moment before a deadline would be spent spinning.
        let nanos = rest.subsec_nanos();
        let timeout = Timespec { tv_sec: rest.as_secs() as i64, tv_nsec: (nanos + u32::from(nanos < 999_999_999)).into() };
        let _ = poll(&mut fds, Some(&timeout));
    }

    fn drain(&mut self) {
        let [out, err] = &mut self.pipes;
        out.drain(&mut self.spool, |bytes| {
            if let Some(captured) = &mut self.captured {
                let room = (MAX_CAPTURE + 1).saturating_sub(captured.len());
                captured.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        });
        err.drain(&mut self.spool, |_| {});
    }

    fn finish(mut self, verdict: Verdict) -> (Ended, bool) {
        self.drain();
        let left_behind = verdict == Verdict::Itself
            && !processes::is_only_child(self.leader)
            && !processes::descendants(Some(self.leader)).is_empty();
        let ended_at = self.own_end.as_ref().map_or_else(Instant::now, |(_, at)| *at);
        let how = match verdict {
            Verdict::Itself => self.own_end.take().map(|(how, _)| how),
            Verdict::Stopped(_) if !self.nothing_left() => None,
            Verdict::Stopped(Why::TimedOut) => Some(EndKind::TimedOut),
            Verdict::Stopped(Why::Cancelled) => Some(EndKind::Cancelled),
            Verdict::Unconfirmed => None,
        };
        let how = how.unwrap_or(EndKind::Unknown { reason: UnknownReason::StopUnconfirmed });
        let duration_ms = u64::try_from((ended_at - self.begun).as_millis()).unwrap_or(u64::MAX);
        let captured = self.captured.filter(|c| c.len() <= MAX_CAPTURE).map(|c| String::from_utf8_lossy(&c).into_owned());
        let ([stdout, stderr], durable) = self.spool.finish();
        let is_stored = durable.is_ok();
        if let Err(error) = durable {
            // Count and digest stand in the exit record all the same.
            status::say(&Said::Note { text: format!("not all of the output could be stored and made durable: {error}") });
        }
        (Ended { how, duration_ms, stdout, stderr, captured, left_behind, withdrawn: false }, is_stored)
    }

    /// The kernel's own word that no descendant is left: the leader's entry is given up, and then no child may remain.
    fn nothing_left(&self) -> bool {
        let until = Instant::now() + CONFIRM;
        loop {
            if processes::none_is_left() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            processes::kill_all(None);
            std::thread::sleep(LOOK);
        }
    }
}

impl Pipe {
    fn new(stream: message::Stream, end: OwnedFd) -> Self {
        Self { stream, end: Some(end).filter(|end| ioctl_fionbio(end.as_fd(), true).is_ok()) }
    }

    /// Takes what is there, but not for ever: time and stop requests must be looked at between.
    fn drain(&mut self, spool: &mut Writer, mut also: impl FnMut(&[u8])) {
        // Of most commands only a little of it is ever touched.
        let mut buffer = [MaybeUninit::<u8>::uninit(); MAX_WRITE];
        for _ in 0..16 {
            let Some(end) = &self.end else { return };
            match rustix::io::read(end, &mut buffer).map_err(|errno| errno.kind()) {
                Ok(([], _)) => self.end = None,
                Ok((bytes, _)) => {
                    spool.append(self.stream, bytes);
                    also(bytes);
                }
                Err(ErrorKind::Interrupted) => {}
                Err(ErrorKind::WouldBlock) => return,
                Err(_) => self.end = None,
            }
        }
    }
}
