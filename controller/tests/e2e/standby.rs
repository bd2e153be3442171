//! Two controllers on one MariaDB and one address before them: one is active, the other stands by and takes over.

use crate::harness::{Api, Controller, Engine, Front, Relay, Scene, attempts, step, wait, within};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

/// The longest that a takeover after a death may take: the leases' 10 s, a look, and what a busy machine adds.
const AFTER_A_DEATH: Duration = Duration::from_secs(14);
/// The longest after a clean stop.
const AFTER_A_STOP: Duration = Duration::from_secs(2);
/// How soon a controller says that it is cut off: the leases' 10 s, the API's own look at the database, and what a busy machine adds.
const CUT_OFF: Duration = Duration::from_secs(20);
/// How soon it is ready again.
const SOON: Duration = Duration::from_secs(15);
/// The exit code of a controller that another one has replaced.
const FENCED: Option<i32> = Some(75);

/// Where a test may stop the first controller: everything is written, and nothing is committed yet.
const COMMIT: &str = "controller.commit.before";
/// What a frozen transaction may add: the server ends it when nothing has come for 8 s.
const LOCKS: Duration = Duration::from_secs(8);

/// The scene's controller and a second one on the same database, both behind one address.
pub struct Pair {
    pub scene: Scene,
    pub second: Controller,
}

impl Pair {
    /// Nothing runs yet.
    fn new(name: &str) -> Self {
        let mut scene = Scene::on(Engine::MariaDb, name);
        let token = scene.controller.api().admin_token().to_owned();
        let second = Controller::named("second", scene.root(), &scene.database.url, token);
        scene.front = Some(Front::new(&[scene.controller.api(), second.api()]));
        Self { scene, second }
    }

    /// The first is active, the second stands by, and the first of an execution's two steps runs until it is let go.
    pub fn running(name: &str) -> (Self, String) {
        Self::new(name).run(&[])
    }

    /// The same, with further environment for the first.
    fn run(self, further: &[(String, String)]) -> (Self, String) {
        let mut pair = self;
        let scene = &mut pair.scene;
        let (start, go, end) = (scene.witness.start(), scene.until_go(), scene.witness.end());
        let one = step("one", &["a1"], &format!("{start}\n{go}\necho one\n{end}"));
        let two = step("two", &["a1"], &format!("{start}\necho two\n{end}"));
        scene.write_workflow("w", &json!({ "steps": [one, two] }));
        let environment = [further, &[scene.gate(COMMIT).environment()]].concat();
        scene.controller.start(&environment);
        wait("the address to lead to the first", || scene.api().is_ready().then_some(()));
        scene.enrol("a1", 5);
        scene.start_agents();
        pair.second.launch(&[]);
        wait_role(pair.second.api(), "standby");
        let id = pair.scene.start("w");
        pair.scene.wait_witnessed(1);
        (pair, id)
    }

    /// Waits until the second is active, and says how long that took.
    fn taken_over(&self, limit: Duration) {
        let begun = Instant::now();
        within(limit, "the second to take over", || self.second.api().is_ready().then_some(()));
        drop(writeln!(std::io::stderr(), "e2e standby: taken over after {:.2} s", begun.elapsed().as_secs_f64()));
        self.wait_front();
    }

    /// Waits until the address leads to whichever controller is ready.
    fn wait_front(&self) {
        wait("the address to lead to the active controller", || self.scene.api().is_ready().then_some(()));
    }

    /// Both steps ran, each in one attempt, and what they wrote is there.
    pub fn assert_ran_once(&self, id: &str) {
        let execution = self.scene.api().wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        let all = attempts(&execution);
        assert_eq!(all.iter().map(|attempt| attempt.exited()).collect::<Vec<_>>(), [Some(0), Some(0)], "{execution:#}");
        assert_eq!(self.scene.api().whole_output(id, &all[0], "stdout"), "one\n");
        self.scene.judge();
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(writeln!(std::io::stderr(), "---- second controller ----\n{}", self.second.log()));
        }
    }
}

fn role(api: &Api) -> Option<String> {
    api.try_get("/health").and_then(|(_, health)| health["role"].as_str().map(str::to_owned))
}

fn wait_role(api: &Api, wanted: &str) {
    wait(&format!("the controller to be {wanted}"), || (role(api).as_deref() == Some(wanted)).then_some(()));
}

#[test]
fn a_standby_lives_and_says_who_is_active() {
    let (pair, id) = Pair::running("standby: what it answers");
    let api = pair.second.api();
    assert_eq!(api.get("/health/live")["status"], "ok");
    let (status, ready) = api.try_get("/health/ready").expect("an answer");
    let port = pair.scene.controller.api().address().rsplit(':').next().unwrap();
    let reason = ready["reason"].as_str().unwrap();
    assert_eq!(status, 503);
    assert!(reason.contains(&format!(":{port} is active")) && reason.contains("expire at"), "{reason}");
    let refused = |(status, refused): (u16, Value)| {
        assert_eq!((status, refused["code"].as_str()), (503, Some("standing_by")), "{refused}");
    };
    for path in ["/api/v1/workflows", "/api/v1/agents/session", "/nothing"] {
        refused(api.try_get(path).expect("an answer"));
    }
    refused(api.try_post("/api/v1/executions", &json!({ "workflow": "w" }), &[]).expect("an answer"));
    pair.scene.go();
    pair.assert_ran_once(&id);
}

#[test]
fn the_second_takes_over_when_the_first_is_killed() {
    let (mut pair, id) = Pair::running("standby: the first is killed");
    pair.scene.controller.kill();
    // The command ends while nobody listens.
    pair.scene.go();
    pair.taken_over(AFTER_A_DEATH);
    pair.assert_ran_once(&id);
    pair.scene.controller.bury();
    pair.scene.controller.launch(&[]);
    wait_role(pair.scene.controller.api(), "standby");
}

#[test]
fn a_clean_stop_hands_over_at_once() {
    let (mut pair, id) = Pair::running("standby: the first is stopped");
    pair.scene.controller.signal("TERM");
    pair.taken_over(AFTER_A_STOP);
    assert_eq!(pair.scene.controller.wait_ended(), Some(0));
    pair.scene.go();
    pair.assert_ran_once(&id);
    // And back again.
    pair.scene.controller.launch(&[]);
    wait_role(pair.scene.controller.api(), "standby");
    pair.second.terminate();
    within(AFTER_A_STOP, "the first to take over again", || pair.scene.controller.api().is_ready().then_some(()));
    pair.wait_front();
    assert_eq!(pair.scene.run("w")["status"], "succeeded");
    pair.scene.judge();
}

#[test]
fn a_frozen_controller_is_fenced_when_it_wakes() {
    let (mut pair, id) = Pair::running("standby: the first is frozen");
    pair.scene.controller.signal("STOP");
    pair.scene.go();
    // It may have been in the middle of a transaction.
    pair.taken_over(AFTER_A_DEATH + LOCKS);
    pair.assert_ran_once(&id);
    assert_fenced(&mut pair);
    pair.scene.controller.launch(&[]);
    wait_role(pair.scene.controller.api(), "standby");
    assert_eq!(pair.scene.run("w")["status"], "succeeded");
    pair.scene.judge();
}

#[test]
fn a_controller_frozen_with_the_leases_locked_is_replaced_too() {
    let (mut pair, id) = Pair::running("standby: the first is frozen in a commit");
    let gate = pair.scene.gate(COMMIT);
    gate.arm();
    pair.scene.go();
    gate.wait_reached();
    pair.scene.controller.signal("STOP");
    pair.taken_over(AFTER_A_DEATH + LOCKS);
    pair.assert_ran_once(&id);
    gate.open();
    assert_fenced(&mut pair);
}

/// Wakes the first, which has been replaced: it writes nothing more and ends.
fn assert_fenced(pair: &mut Pair) {
    assert_ends_fenced(pair, |pair| pair.scene.controller.signal("CONT"));
}

fn assert_ends_fenced(pair: &mut Pair, wake: impl FnOnce(&Pair)) {
    let tables = ["events", "executions", "attempts", "syncs", "output"];
    let written = |pair: &Pair| tables.map(|table| pair.scene.database.number(&format!("SELECT COUNT(*) FROM {table}")));
    let before = written(pair);
    wake(pair);
    let code = pair.scene.controller.wait_ended();
    assert_eq!(code, FENCED, "{}", pair.scene.controller.log());
    assert_eq!(written(pair), before, "it wrote nothing more");
    assert_eq!(role(pair.second.api()).as_deref(), Some("active"));
}

/// How a controller says that it is cut off from its database.
fn wait_cut_off(api: &Api) {
    within(CUT_OFF, "the controller to say so", || (role(api).as_deref() == Some("cut_off")).then_some(()));
    let (status, ready) = api.try_get("/health/ready").expect("an answer");
    let reason = ready["reason"].as_str().unwrap_or_default();
    assert!(status == 503 && reason.contains("another controller may be active"), "{status} {ready}");
    let (status, refused) = api.try_post("/api/v1/executions", &json!({ "workflow": "w" }), &[]).expect("an answer");
    assert_eq!((status, refused["code"].as_str()), (503, Some("standing_by")), "{refused}");
}

#[test]
fn a_controller_that_is_cut_off_lets_its_agents_go() {
    let pair = Pair::new("standby: the first is cut off");
    let relay = Relay::new(&pair.scene.database.url);
    let through = through(&relay, &pair.scene);
    let (mut pair, id) = pair.run(&[through]);
    relay.fall_silent();
    wait_cut_off(pair.scene.controller.api());
    pair.taken_over(AFTER_A_DEATH + LOCKS);
    // The first still lives, and nothing has come to an end that the agent could have noticed by itself.
    pair.scene.api().wait_online("a1");
    pair.scene.go();
    pair.assert_ran_once(&id);
    assert_eq!(role(pair.scene.controller.api()).as_deref(), Some("cut_off"));
    assert_ends_fenced(&mut pair, |_| relay.mend());
}

#[test]
fn a_controller_that_was_cut_off_goes_on_when_nobody_took_over() {
    let mut scene = Scene::on(Engine::MariaDb, "standby: cut off and nobody else");
    let relay = Relay::new(&scene.database.url);
    let (start, end) = (scene.witness.start(), scene.witness.end());
    let held = format!("{start}\n{}\n{end}", scene.until_go());
    scene.write_workflow(
        "w",
        &json!({ "steps": [step("one", &["a1"], &held), step("two", &["a1"], &format!("{start}\n{end}"))] }),
    );
    let through = through(&relay, &scene);
    scene.controller.start(&[through]);
    scene.set_up_agents(&["a1"], 1);
    let id = scene.start("w");
    scene.wait_witnessed(1);
    relay.fall_silent();
    wait_cut_off(scene.controller.api());
    scene.go();
    relay.mend();
    within(SOON, "the controller to be ready again", || scene.controller.api().is_ready().then_some(()));
    let execution = scene.api().wait_ended(&id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(attempts(&execution).len(), 2, "one attempt for each step: {execution:#}");
    let log = scene.controller.log();
    assert_eq!([": connected ", ": disconnected "].map(|word| log.matches(word).count()), [2, 1], "{log}");
    scene.judge();
}

/// The setting by which a controller reaches the scene's database over this network.
fn through(relay: &Relay, scene: &Scene) -> (String, String) {
    ("PULSE_DATABASE_URL".to_owned(), relay.url(&scene.database.url))
}

#[test]
fn of_two_that_start_at_once_on_an_empty_database_one_is_active() {
    let mut pair = Pair::new("standby: both start at once");
    pair.scene.write_workflow("w", &json!({ "steps": [step("only", &["a1"], &pair.scene.witness.start())] }));
    pair.scene.controller.launch(&[]);
    pair.second.launch(&[]);
    let roles = |pair: &Pair| [role(pair.scene.controller.api()), role(pair.second.api())].map(Option::unwrap_or_default);
    wait("one to be active and the other to stand by", || {
        let mut roles = roles(&pair);
        roles.sort();
        (roles == ["active", "standby"]).then_some(())
    });
    let settled = roles(&pair);
    let applied = || pair.scene.database.number("SELECT COUNT(*) FROM syncs WHERE outcome = 'applied'");
    assert_eq!(applied(), 1, "the source was applied by one of them");
    // Longer than a lease holds: it is renewed, though nothing is written.
    let begun = Instant::now();
    within(Duration::from_secs(30), "the leases to outlast their 10 s", || {
        assert_eq!(roles(&pair), settled);
        (begun.elapsed() > Duration::from_secs(12)).then_some(())
    });
    assert_eq!(applied(), 1);
}
