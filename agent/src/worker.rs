//! The one thread that owns journal and session: it hears events in order, makes decisions durable, and carries them out.

use crate::budget::Held;
use crate::folder::DataDir;
use crate::host::Host;
use crate::journal::Journal;
use crate::leftovers::{self, Leftovers};
use crate::outbox::Outbox;
use crate::picture;
use crate::recovery::{self, Settled};
use crate::runner::News;
use crate::session::{Action, Decision, Phase, Record, Session};
use anyhow::{Context, Result};
use pulse_protocol::observation::EndKind;
use pulse_protocol::planted::{self, Bug};
use pulse_protocol::{Assignment, AttemptId, BootId, Ended, Incarnation, Observation, ToAgent};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How often the whole picture is said in a session.
const FULL_PICTURE: Duration = Duration::from_secs(60);

/// After how many new tombstones the picture is said earlier, so that they can be forgotten.
const MANY_TOMBSTONES: usize = 50;

/// What the worker hears.
pub enum Event {
    /// The controller said something in the present session; what it brings stays within the budget until shims have it.
    Message(ToAgent, Option<Held>),
    /// A session begins.
    Connected,
    /// The controller's database is one of this time (seconds since 1970): it does not know what was forgotten since.
    Witness {
        /// The time.
        since: u64,
    },
    /// It is over.
    Disconnected,
    /// A shim's news.
    Shim(AttemptId, News),
    /// The connection wants to say who this agent is.
    Picture(oneshot::Sender<(Vec<Observation>, u64)>),
    /// Time to try again what could not be done.
    Tick,
}

/// Everything that the worker owns.
pub struct Worker<H> {
    host: H,
    data: DataDir,
    boot: BootId,
    journal: Journal,
    session: Session,
    outbox: Arc<Outbox>,
    /// Attempts whose shim is gone, but whose end could not be settled or written down.
    unsettled: BTreeSet<AttemptId>,
    /// Attempts whose ends the controller has, and whose files go once it has their output.
    acknowledged: BTreeSet<AttemptId>,
    /// Attempts whose files are to be removed.
    leftovers: Leftovers,
    last_picture: Instant,
    /// Ends acknowledged since the last picture.
    tombstones: usize,
    connected: bool,
    /// The part of the budget that belongs to the message in hand.
    held: Option<Held>,
}

impl<H: Host> Worker<H> {
    /// Opens the journal and recovers what it holds; nothing is started. `fresh` is for a journal that has to be made.
    pub fn open(data: DataDir, boot: BootId, outbox: Arc<Outbox>, host: H, fresh: Incarnation) -> Result<Self> {
        let (journal, records) = Journal::open(&data, fresh)?;
        let mut session = Session::new(journal.incarnation(), boot);
        records.into_iter().for_each(|record| session.apply(record));
        let last_picture = host.now();
        let mut worker = Self {
            host,
            data,
            boot,
            journal,
            session,
            outbox,
            unsettled: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            leftovers: Leftovers::default(),
            last_picture,
            tombstones: 0,
            connected: false,
            held: None,
        };
        worker.recover().context("cannot read the attempts' folder")?;
        Ok(worker)
    }

    /// The journal's id.
    pub fn incarnation(&self) -> Incarnation {
        self.journal.incarnation()
    }

    /// What it knows of attempts.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How many records the journal ever took.
    pub fn sequence(&self) -> u64 {
        self.journal.sequence()
    }

    /// Works until the last sender of events is gone.
    pub fn run(mut self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.blocking_recv() {
            self.take(event);
        }
    }

    /// Takes one event, to its end.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Message(message, held) => {
                self.held = held;
                self.hear(message);
                self.held = None;
            }
            Event::Connected => self.set_connected(true),
            Event::Disconnected => self.set_connected(false),
            Event::Witness { since } => self.bear_witness(since),
            Event::Shim(attempt, news) => self.hear_shim(attempt, news),
            Event::Picture(answer) => drop(answer.send((self.picture(), self.journal.sequence()))),
            Event::Tick => self.tick(),
        }
        let open = self.session.attempts().values().filter(|known| !matches!(known.phase, Phase::Ended { .. })).count();
        self.outbox.set_running(open);
    }

    fn recover(&mut self) -> std::io::Result<()> {
        self.data.remove_asides()?;
        let known: Vec<(AttemptId, bool)> =
            self.session.attempts().iter().map(|(id, known)| (*id, matches!(known.phase, Phase::Ended { .. }))).collect();
        self.acknowledged.extend(known.iter().map(|(id, _)| *id).filter(|id| self.session.is_acknowledged(*id)));
        for (attempt, ended) in known {
            self.outbox.outputs(|outputs| outputs.add(attempt, &self.data.attempt(attempt), self.host.now()));
            if ended {
                self.outbox.outputs(|outputs| outputs.end(attempt, None));
            } else {
                self.settle(attempt, "the agent ended before it could start the command");
            }
        }
        for entry in std::fs::read_dir(self.data.attempts())? {
            let Some(attempt) = entry?.file_name().to_str().and_then(|name| name.parse::<AttemptId>().ok()) else { continue };
            match self.session.observed(attempt) {
                None if leftovers::is_kept(&self.data.attempt(attempt)) => self.leftovers.insert(attempt),
                None => {
                    tracing::error!(%attempt, "ALARM: the journal does not know this attempt, though it has a folder; it is left as it is")
                }
                Some(_) if !self.session.attempts().contains_key(&attempt) => self.leftovers.insert(attempt),
                Some(_) => {}
            }
        }
        self.tick();
        Ok(())
    }

    fn hear(&mut self, message: ToAgent) {
        match message {
            ToAgent::Assign { assignments, .. } => {
                let (assignments, traces) = self.look_for_traces(assignments);
                let decision = self.session.on_assign(assignments, &traces);
                self.carry_out(decision);
            }
            ToAgent::Acknowledge { ended, forget, output, .. } => {
                let now = self.host.now();
                self.outbox.outputs(|outputs| {
                    outputs.stored(&output, now);
                    // One that settles ends may come before the one with the offsets.
                    if !output.is_empty() || ended.is_empty() && forget.is_empty() {
                        outputs.flow(now);
                    }
                });
                // A controller that died between an end and its output knows the end alone: the files stay until it has both,
                // and it lets the attempt be forgotten again with the next picture.
                let forget: Vec<AttemptId> =
                    forget.into_iter().filter(|attempt| self.outbox.outputs(|outputs| outputs.is_stored(*attempt))).collect();
                let decision = self.session.on_acknowledge(&ended, &forget, self.host.seconds());
                self.tombstones += decision.append.iter().filter(|r| matches!(r, Record::Acknowledged { .. })).count();
                self.carry_out(decision);
                self.session.drop_answers(&ended);
                self.acknowledged.extend(ended.iter().filter(|attempt| self.session.is_acknowledged(**attempt)));
                self.session.retire_answers(&forget, self.host.seconds());
                self.session.drop_answers(&forget);
                self.tidy();
            }
            // The connection answers these itself.
            ToAgent::Challenge { .. } | ToAgent::Welcome { .. } | ToAgent::Refused { .. } | ToAgent::Ping { .. } => {}
        }
    }

    /// Looks for files of attempts that the journal does not know; it may have been cut or rolled back. Where the disk does not say,
    /// nothing is answered: the controller asks again.
    fn look_for_traces(&self, mut assignments: Vec<Assignment>) -> (Vec<Assignment>, BTreeSet<AttemptId>) {
        let mut traces = BTreeSet::new();
        assignments.retain(|Assignment { attempt, .. }| {
            if self.session.observed(*attempt).is_some() {
                return true;
            }
            match recovery::has_trace(&self.data.attempt(*attempt)) {
                Ok(true) => drop(traces.insert(*attempt)),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%attempt, %error, "it cannot be seen whether an attempt has files; it is neither started nor answered");
                    return false;
                }
            }
            true
        });
        (assignments, traces)
    }

    fn hear_shim(&mut self, attempt: AttemptId, news: News) {
        match news {
            News::Started { pid } => {
                let decision = self.session.on_started(attempt, pid);
                self.carry_out(decision);
                if self.session.attempts().get(&attempt).is_some_and(|known| known.stop) {
                    self.stop(attempt);
                }
            }
            News::Note { text } => tracing::warn!(%attempt, "{text}"),
            News::Ended(ended, word) => {
                let is_open =
                    self.session.attempts().get(&attempt).is_some_and(|known| !matches!(known.phase, Phase::Ended { .. }));
                match ended {
                    Some(ended) if is_open => {
                        self.unsettled.insert(attempt);
                        self.end(attempt, *ended);
                    }
                    Some(_) => {}
                    None => self.settle(attempt, ""),
                }
                let known = self.session.attempts().get(&attempt);
                if known.is_some_and(|known| matches!(known.phase, Phase::Ended { durable: true, .. })) {
                    word.give(self.leftovers.spare());
                }
            }
            News::Gone { reason, surely } => {
                if surely && self.session.observed(attempt).is_some() {
                    self.leftovers.no_shim(attempt);
                }
                self.settle(attempt, &reason);
            }
        }
    }

    /// Finds out what became of an open attempt whose shim is gone, or says that it is over.
    fn settle(&mut self, attempt: AttemptId, reason: &str) {
        let Some(known) = self.session.attempts().get(&attempt).filter(|k| !matches!(k.phase, Phase::Ended { .. })) else {
            return;
        };
        let dir = self.data.attempt(attempt);
        let reason = known.pid.is_none().then_some(reason);
        match recovery::settle(&dir, known.boot.unwrap_or(self.boot), self.boot, reason) {
            Ok(Settled::Over(ended)) => {
                self.unsettled.insert(attempt);
                if let (None, Some(pid)) = (known.pid, recovery::pid(&dir)) {
                    // It ran, though nobody was there to hear it: its end may be said only after its output, and until then it is running.
                    drop(self.session.on_started(attempt, pid));
                }
                self.end(attempt, ended);
            }
            Ok(Settled::Alive { pid }) => {
                self.unsettled.remove(&attempt);
                if let Some(pid) = pid {
                    let decision = self.session.on_started(attempt, pid);
                    self.carry_out(decision);
                }
                let followed = self.host.adopt(attempt);
                self.try_again_without_thread(attempt, followed);
            }
            Err(error) => {
                tracing::error!(%attempt, %error, "it cannot be found out what became of an attempt; trying again");
                self.unsettled.insert(attempt);
            }
        }
    }

    fn end(&mut self, attempt: AttemptId, ended: Ended) {
        self.outbox.outputs(|outputs| outputs.end(attempt, Some(&ended)));
        let decision = self.session.on_ended(attempt, ended);
        if self.carry_out(decision) {
            self.unsettled.remove(&attempt);
        }
    }

    /// Makes a decision durable and carries it out. `false`: it could not be made durable, so nothing of it was done.
    fn carry_out(&mut self, decision: Decision) -> bool {
        let Decision { append, actions, answers } = decision;
        let mut actions = actions;
        if planted::is(Bug::SpawnBeforeJournal) {
            let (starts, others) = actions.into_iter().partition(|action| matches!(action, Action::Start(_)));
            actions = others;
            Vec::into_iter(starts).for_each(|action| self.act(action));
        }
        self.host.expect(actions.iter().filter(|action| matches!(action, Action::Start(_))).count());
        if !append.is_empty()
            && let Err(error) = self.journal.append(&append)
        {
            tracing::error!(%error, "ALARM: the journal cannot be written; nothing is started");
            self.host.expect_nothing();
            self.without_journal(append, &actions, &error);
            return false;
        }
        append.into_iter().for_each(|record| self.session.apply(record));
        answers.into_iter().for_each(|(attempt, ended)| self.session.remember(attempt, ended));
        self.outbox.sequence.store(self.journal.sequence(), Ordering::Relaxed);
        actions.into_iter().for_each(|action| self.act(action));
        self.host.expect_nothing();
        self.compact();
        true
    }

    /// What could not be written down as starting is never started, and said so: its claim is taken as well, as far as the disk lets
    /// us. One that had files before gets no other answer than theirs.
    fn without_journal(&mut self, records: Vec<Record>, actions: &[Action], error: &std::io::Error) {
        let reason = format!("the agent's journal cannot be written: {error}");
        for record in records {
            let Record::Starting { attempt, .. } = record else { continue };
            let dir = self.data.attempt(attempt);
            let evidence = recovery::settle(&dir, self.boot, self.boot, Some(&reason));
            let ended = match evidence {
                Ok(Settled::Over(ended)) => ended,
                _ if actions.contains(&Action::Settle(attempt)) => continue,
                Ok(Settled::Alive { .. }) => continue,
                Err(error) => {
                    // Without its record a claim says less than what is answered now, but it keeps the attempt from being started later.
                    drop(dir.claim_with(|_| Ok(())));
                    tracing::warn!(%attempt, %error, "the claim or the record of an attempt that will not start cannot be written");
                    Ended::bare(EndKind::NotStarted { reason: reason.clone() })
                }
            };
            self.session.remember(attempt, ended.clone());
            self.act(Action::Report(Observation { attempt, observed: pulse_protocol::Observed::Ended(ended) }));
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Report(observation) => self.outbox.report(observation, self.host.now()),
            Action::Start(assignment) => self.start(*assignment),
            Action::Settle(attempt) => {
                tracing::error!(%attempt, "ALARM: the journal has lost its word on an attempt; what its files say counts");
                self.outbox.outputs(|outputs| outputs.add(attempt, &self.data.attempt(attempt), self.host.now()));
                self.settle(attempt, "its shim ended before it started the command");
            }
            Action::Stop(attempt) => {
                self.session.on_stop(attempt);
                self.stop(attempt);
            }
            Action::Remove(attempt) => {
                self.outbox.outputs(|outputs| outputs.remove(attempt));
                self.leftovers.insert(attempt);
                self.leftovers.remove(&self.data, self.boot);
            }
        }
    }

    fn start(&mut self, assignment: Assignment) {
        let Assignment { attempt, command: Some(command), .. } = assignment else { return };
        self.outbox.outputs(|outputs| outputs.add(attempt, &self.data.attempt(attempt), self.host.now()));
        let followed = self.host.start(attempt, command, self.held.clone());
        if let Err(error) = followed {
            tracing::error!(%attempt, %error, "there is no thread to start a shim");
            self.leftovers.no_shim(attempt);
            self.settle(attempt, &format!("the agent has no thread to start a shim: {error}"));
        }
    }

    /// Without a thread nobody follows the shim: the next tick finds out.
    fn try_again_without_thread(&mut self, attempt: AttemptId, followed: std::io::Result<()>) {
        if let Err(error) = followed {
            tracing::error!(%attempt, %error, "there is no thread to follow a shim");
            self.unsettled.insert(attempt);
        }
    }

    fn stop(&self, attempt: AttemptId) {
        if let Err(error) = self.host.stop(attempt) {
            tracing::warn!(%attempt, %error, "the shim cannot be asked to stop; trying again");
        }
    }

    fn tick(&mut self) {
        for attempt in self.unsettled.clone() {
            self.settle(attempt, "the agent could not find out in time");
        }
        let stops = self.session.attempts().iter().filter(|(_, k)| k.stop && !matches!(k.phase, Phase::Ended { .. }));
        stops.for_each(|(attempt, _)| self.stop(*attempt));
        self.host.tick();
        self.tidy();
        let due =
            self.host.now().saturating_duration_since(self.last_picture) >= FULL_PICTURE || self.tombstones >= MANY_TOMBSTONES;
        if self.connected && due {
            self.last_picture = self.host.now();
            self.tombstones = 0;
            self.outbox.put_picture(self.picture());
        }
    }

    /// Files of acknowledged attempts go once all their output is stored; the tombstone in the journal stays.
    fn tidy(&mut self) {
        for attempt in std::mem::take(&mut self.acknowledged) {
            if self.outbox.outputs(|outputs| outputs.is_stored(attempt)) {
                self.outbox.outputs(|outputs| outputs.remove(attempt));
                self.leftovers.insert(attempt);
            } else {
                self.acknowledged.insert(attempt);
            }
        }
        self.leftovers.remove(&self.data, self.boot);
    }

    fn compact(&mut self) {
        if self.journal.wants_compaction()
            && let Err(error) = self.journal.compact(self.session.snapshot(self.host.seconds()))
        {
            tracing::warn!(%error, "the journal cannot be compacted now");
        }
    }

    fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        if !connected {
            return self.outbox.disconnected();
        }
        self.last_picture = self.host.now();
        self.outbox.outputs(|outputs| outputs.connected(self.host.now()));
        for (attempt, known) in self.session.attempts() {
            if !matches!(known.phase, Phase::Ended { acknowledged: true, .. }) {
                self.outbox.report(Observation { attempt: *attempt, observed: known.observed() }, self.host.now());
            }
        }
    }

    /// The controller's database is an old one: what it may not know, or not any more, it is told once.
    fn bear_witness(&mut self, since: u64) {
        for (attempt, observed) in self.session.forgotten_since(since) {
            self.outbox.report(Observation { attempt, observed }, self.host.now());
        }
    }

    /// Everything it knows, as one message may hold it.
    pub fn picture(&self) -> Vec<Observation> {
        self.outbox.outputs(|outputs| picture::of(&self.session, |attempt| outputs.is_sent(attempt)))
    }
}
