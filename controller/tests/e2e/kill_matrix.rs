//! `kill -9` of controller, agent, shim and each pair of them, at every named point of a running execution. Afterwards what was
//! killed starts again (a shim never does) and whoever stood at the point goes on.
//!
//! ```text
//! controller   commit ▶ send ─┐                                          ┌▶ commit of the end
//! agent                       └▶ journal: starting ─┐                ┌▶ journal: ended ▶ report
//! shim                                              └▶ mkdir ▶ spawn ▶ exit record
//! command                                                       └▶ running
//! ```
//!
//! What is expected follows from how an agent recovers (ARCHITECTURE.md, invariant 4):
//!
//! * Nothing committed: nobody accepted anything, and the same request starts it anew.
//! * Committed, and the agent has no trace of it: the assignment comes again, with the same attempt.
//! * `starting` in the journal, and the recovering agent wins the `mkdir`: proven `not_started`, a new attempt follows at once.
//! * The `mkdir` is taken and the shim lives: the agent takes it over, and nothing is lost.
//! * The `mkdir` is taken, the shim is dead and left no exit record: `unknown`. Whether the command ran is not asked: the agent
//!   cannot know. The execution waits, and goes on when a person has settled it.
//! * The exit record is there: it counts, whoever is dead.
//! * The controller alone changes nothing after the first commit: everything is repeated until it is acknowledged.

use crate::harness::{Agent, Attempt, Engine, Scene, attempts, full, on_both, step, wait};
use serde_json::{Value, json};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// One attempt, exit code 0, every byte there.
    Runs,
    /// The first attempt is proven never to have started, the second runs.
    Again,
    /// The attempt is unknown, though its command ran; the execution waits for a person.
    UnknownRan,
    /// The attempt is unknown, and its command never ran; the execution waits for a person.
    UnknownNeverRan,
    /// There is no execution; the same request makes it.
    NotAccepted,
    /// Left out, because a process that shall be killed is not there at this point.
    LeftOut(&'static str),
}
use Outcome::{Again, LeftOut, NotAccepted, Runs, UnknownNeverRan, UnknownRan};

const NO_SHIM: Outcome = LeftOut("no shim exists yet");
/// From its exit record on, a shim only tidies up; that it waits for another command when the agent acts on the record is a race.
const SHIM_ENDS: Outcome = LeftOut("the shim is done with it");

/// Who stands at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stands {
    Controller,
    /// The agent, or its shim: a shim has its agent's failpoint.
    Agent,
    Nobody,
}

/// When the point is armed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Armed {
    /// Before the request.
    First,
    /// While the command runs; then the command is let go.
    Running,
}

/// A row: the point, and the outcome for each of [`WHO`].
struct Row {
    point: &'static str,
    stands: Stands,
    armed: Armed,
    outcomes: [Outcome; 6],
}

/// The columns.
const WHO: [Who; 6] = [
    Who { name: "C", controller: true, agent: false, shim: false },
    Who { name: "A", controller: false, agent: true, shim: false },
    Who { name: "S", controller: false, agent: false, shim: true },
    Who { name: "CA", controller: true, agent: true, shim: false },
    Who { name: "CS", controller: true, agent: false, shim: true },
    Who { name: "AS", controller: false, agent: true, shim: true },
];

struct Who {
    name: &'static str,
    controller: bool,
    agent: bool,
    shim: bool,
}

const fn row(point: &'static str, stands: Stands, armed: Armed, outcomes: [Outcome; 6]) -> Row {
    Row { point, stands, armed, outcomes }
}

#[rustfmt::skip]
const MATRIX: [Row; 18] = [
    //                                                                                  C            A      S                CA           CS               AS
    // The first commit: the execution and its first assignment.
    row("controller.commit.before",      Stands::Controller, Armed::First,   [NotAccepted, Runs,  NO_SHIM,         NotAccepted, NO_SHIM,         NO_SHIM]),
    row("controller.commit.after",       Stands::Controller, Armed::First,   [Runs,        Runs,  NO_SHIM,         Runs,        NO_SHIM,         NO_SHIM]),
    // The assignment is sent, and the agent acts on it while the controller stands still: the command runs by now.
    row("controller.send-assign.after",         Stands::Controller, Armed::First,   [Runs,        Runs,  UnknownRan,      Runs,        UnknownRan,      UnknownRan]),
    row("agent.journal-starting.before", Stands::Agent,      Armed::First,   [Runs,        Runs,  NO_SHIM,         Runs,        NO_SHIM,         NO_SHIM]),
    row("agent.journal-starting.after",  Stands::Agent,      Armed::First,   [Runs,        Again, NO_SHIM,         Again,       NO_SHIM,         NO_SHIM]),
    // The shim stands before its claim. The agent that comes back takes the claim, and the shim loses it when it goes on.
    row("shim.mkdir.before",             Stands::Agent,      Armed::First,   [Runs,        Again, Again,           Again,       Again,           Again]),
    row("shim.mkdir.after",              Stands::Agent,      Armed::First,   [Runs,        Runs,  UnknownNeverRan, Runs,        UnknownNeverRan, UnknownNeverRan]),
    row("shim.spawn.before",             Stands::Agent,      Armed::First,   [Runs,        Runs,  UnknownNeverRan, Runs,        UnknownNeverRan, UnknownNeverRan]),
    row("shim.spawn.after",              Stands::Agent,      Armed::First,   [Runs,        Runs,  UnknownRan,      Runs,        UnknownRan,      UnknownRan]),
    // Nobody stands: the command runs, and its start is known everywhere.
    row("command.running",               Stands::Nobody,     Armed::Running, [Runs,        Runs,  UnknownRan,      Runs,        UnknownRan,      UnknownRan]),
    row("shim.exit.before",              Stands::Agent,      Armed::First,   [Runs,        Runs,  UnknownRan,      Runs,        UnknownRan,      UnknownRan]),
    row("shim.exit.after",               Stands::Agent,      Armed::First,   [Runs,        Runs,  Runs,            Runs,        Runs,            Runs]),
    row("agent.journal-ended.before",    Stands::Agent,      Armed::First,   [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
    row("agent.journal-ended.after",     Stands::Agent,      Armed::First,   [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
    row("agent.report-ended.before",     Stands::Agent,      Armed::First,   [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
    row("agent.report-ended.after",      Stands::Agent,      Armed::First,   [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
    // The commit of the end, with the next step's first assignment in it.
    row("controller.commit.before",      Stands::Controller, Armed::Running, [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
    row("controller.commit.after",       Stands::Controller, Armed::Running, [Runs,        Runs,  SHIM_ENDS,       Runs,        SHIM_ENDS,       SHIM_ENDS]),
];

/// Cases at once: each mostly waits.
const SIDE_BY_SIDE: usize = 4;

on_both! {
    kill_minus_nine_at_every_point_starts_nothing_twice
}

fn kill_minus_nine_at_every_point_starts_nothing_twice(engine: Engine) {
    let once = || MATRIX.iter().flat_map(|row| (0..WHO.len()).map(move |who| (row, who))).filter(|case| runs_on(engine, case));
    let cases: Vec<(&Row, usize)> = (0..rounds()).flat_map(|_| once()).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((row, who)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Before the lock is taken, which would hold the others up.
                    let failure = run_and_say(engine, row, *who);
                    failures.lock().unwrap_or_else(PoisonError::into_inner).extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failures.is_empty(), "{} cases failed (their stories stand above):\n{}", failures.len(), failures.join("\n"));
}

/// The engine matters where the controller dies. So the other columns run on the second engine only where there is time for them.
fn runs_on(engine: Engine, (_, who): &(&Row, usize)) -> bool {
    engine == Engine::Sqlite || full() || WHO[*who].name == "C"
}

/// The points are exact, but what else happens at the same moment is not: more rounds see more of it.
fn rounds() -> usize {
    if full() { 5 } else { 1 }
}

/// Runs one case, says how it went, and returns its failure.
fn run_and_say(engine: Engine, row: &Row, who: usize) -> Option<String> {
    let (victims, outcome) = (&WHO[who], row.outcomes[who]);
    let name = format!("matrix: {} {:?} kill {}", row.point, row.armed, victims.name);
    if !only(&name) {
        return None;
    }
    if let LeftOut(why) = outcome {
        drop(writeln!(std::io::stderr(), "e2e {name}: left out, {why}"));
        return None;
    }
    let begun = Instant::now();
    let failure = catch_unwind(AssertUnwindSafe(|| Case::new(engine, &name, row, victims).run(outcome))).err()?;
    let text = failure.downcast_ref::<String>().cloned().or_else(|| failure.downcast_ref::<&str>().map(ToString::to_string));
    let text = text.unwrap_or_else(|| "a panic without words".to_owned());
    Some(format!("{name}: expected {outcome:?}; after {:.1} s: {text}", begun.elapsed().as_secs_f64()))
}

/// `PULSE_TEST_CASE=shim.mkdir` runs only the cases whose name holds the text, to look at one closely.
fn only(name: &str) -> bool {
    std::env::var("PULSE_TEST_CASE").map_or(true, |wanted| name.contains(&wanted))
}

struct Case<'a> {
    scene: Scene,
    row: &'a Row,
    victims: &'a Who,
}

impl<'a> Case<'a> {
    fn new(engine: Engine, name: &str, row: &'a Row, victims: &'a Who) -> Self {
        let scene = Scene::on(engine, name);
        let (start, go, end) = (scene.witness.start(), scene.until_go(), scene.witness.end());
        let work = format!("{start}\necho one\necho two >&2\n{go}\necho three\n{end}");
        let steps = [step("work", &["a1"], &work), step("then", &["a1"], &format!("{start}\necho four\n{end}"))];
        scene.write_workflow("w", &json!({ "steps": steps }));
        Self { scene, row, victims }
    }

    fn run(mut self, outcome: Outcome) {
        let gate = self.scene.gate(self.row.point);
        let at = |stands| if self.row.stands == stands { vec![gate.environment()] } else { Vec::new() };
        self.scene.controller.start(&at(Stands::Controller));
        self.scene.enrol("a1", 5);
        self.scene.agents[0].start(&at(Stands::Agent));
        self.scene.controller.api().wait_online("a1");
        if self.row.armed == Armed::First {
            gate.arm();
        }
        self.ask_without_waiting();
        match (self.row.armed, self.row.point) {
            (Armed::First, "controller.send-assign.after") => self.scene.wait_witnessed(1),
            (Armed::First, _) => self.scene.go(),
            (Armed::Running, _) => {
                self.wait_running();
                gate.arm();
                // At `command.running` the command is killed at its work: it is let go only afterwards.
                if self.row.stands != Stands::Nobody {
                    self.scene.go();
                }
            }
        }
        if self.row.stands != Stands::Nobody {
            gate.wait_reached();
        }
        if outcome == UnknownRan {
            // A command that was spawned shall have signed its start, so that the count is sure.
            self.scene.wait_witnessed(1);
        }
        self.kill();
        self.restart();
        gate.open();
        self.scene.go();
        self.check(outcome);
    }

    /// The request stands still with the controller, so nobody waits for its answer.
    fn ask_without_waiting(&self) {
        let api = self.scene.controller.api().clone();
        std::thread::spawn(move || drop(api.try_post("/api/v1/executions", &request(), &[KEY])));
    }

    fn wait_running(&self) {
        let api = self.scene.controller.api();
        wait("the command to be known as started", || {
            let (_, list) = api.try_get("/api/v1/executions")?;
            let id = list["items"][0]["id"].as_str()?.to_owned();
            attempts(&api.execution(&id)).first().filter(|attempt| attempt.state == "started").map(drop)
        });
        self.scene.wait_witnessed(1);
    }

    /// All at once: none of the victims sees another one die.
    fn kill(&mut self) {
        let Scene { controller, agents, .. } = &mut self.scene;
        let agent: &mut Agent = &mut agents[0];
        if self.victims.controller {
            controller.kill();
        }
        if self.victims.agent {
            agent.kill();
        }
        if self.victims.shim {
            let shims = agent.kill_shims();
            assert_eq!(shims.len(), 1, "exactly one shim is there to be killed at {}", self.row.point);
            agent.bury_shims(&shims);
        }
        if self.victims.controller {
            controller.bury();
        }
        if self.victims.agent {
            agent.bury();
        }
    }

    /// The agent has recovered what its folder holds before the point is opened: otherwise a shim could win the claim.
    fn restart(&mut self) {
        if self.victims.controller {
            self.scene.controller.start(&[]);
        }
        if self.victims.agent {
            self.scene.agents[0].start(&[]);
        }
    }

    fn check(&self, outcome: Outcome) {
        let id = self.the_execution(outcome);
        let api = self.scene.controller.api();
        if matches!(outcome, UnknownRan | UnknownNeverRan) {
            self.settle(&id, outcome);
        }
        let execution = api.wait_ended(&id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        let all = attempts(&execution);
        let of = |step: &str| all.iter().filter(|attempt| attempt.step == step).cloned().collect::<Vec<Attempt>>();
        let states: Vec<_> = of("work").iter().map(|attempt| (attempt.state.clone(), attempt.exited())).collect();
        let expected: &[(&str, Option<i64>)] = match outcome {
            Runs | NotAccepted => &[("exited", Some(0))],
            Again => &[("not_started", None), ("exited", Some(0))],
            UnknownRan | UnknownNeverRan => &[("resolved_succeeded", None)],
            LeftOut(_) => unreachable!("left out"),
        };
        let states: Vec<_> = states.iter().map(|(state, code)| (state.as_str(), *code)).collect();
        assert_eq!(states, expected, "the attempts of step `work`: {execution:#}");
        self.check_output(&id, &of("work"), "one\nthree\n", "two\n");
        self.check_output(&id, &of("then"), "four\n", "");
        assert_eq!(api.executions().len(), 1, "one request, one execution");
        self.scene.judge();
    }

    /// Every byte of an attempt whose end is known.
    fn check_output(&self, id: &str, attempts: &[Attempt], stdout: &str, stderr: &str) {
        let api = self.scene.controller.api();
        for attempt in attempts.iter().filter(|attempt| attempt.state == "exited") {
            assert_eq!(api.whole_output(id, attempt, "stdout"), stdout);
            assert_eq!(api.whole_output(id, attempt, "stderr"), stderr);
        }
    }

    /// The execution of the request, which comes again as a careful caller would send it.
    fn the_execution(&self, outcome: Outcome) -> String {
        let api = self.scene.controller.api();
        if outcome == NotAccepted {
            assert_eq!(api.executions(), Vec::<Value>::new(), "what was not committed was not accepted");
            assert_eq!(self.scene.started(), 0);
        }
        let (status, answer) = wait("the request to be answered", || {
            api.try_post("/api/v1/executions", &request(), &[KEY]).filter(|(status, _)| *status < 500)
        });
        assert!(status == 200 || status == 201, "{status} {answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// Waits as unknown, for as long as nobody settles it.
    fn settle(&self, id: &str, outcome: Outcome) {
        let api = self.scene.controller.api();
        let execution = api.wait_status(id, "waiting");
        let all = attempts(&execution);
        assert_eq!(all.iter().map(|attempt| attempt.state.as_str()).collect::<Vec<_>>(), ["unknown"], "{execution:#}");
        let why = api.get(&format!("/api/v1/executions/{id}/why")).to_string();
        assert!(why.contains("unknown"), "`why` says what is waited for: {why}");
        let ran = usize::from(outcome == UnknownRan);
        assert_eq!(self.scene.started(), ran, "starts that the witness saw");
        api.resolve(id, &all[0].id, "succeeded");
    }
}

const KEY: (&str, &str) = ("Idempotency-Key", "the-one-request");

fn request() -> Value {
    json!({ "workflow": "w" })
}
