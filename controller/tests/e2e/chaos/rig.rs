//! The rig: two controllers, a MariaDB, three agents, a network before each, and everybody who takes part in a run.

use super::lanes::{Controllers, DatabaseLane, Fleet, Network, follow, follow_and_stay};
use super::plan::{AGENTS, CONTROLLERS, Plan};
use super::tally::Tally;
use super::traffic::{Client, answer_prompts};
use super::watch::{count_up_time, look_at_executions, tell_progress};
use super::{say, traffic};
use crate::harness::{Agent, Controller, Database, Front, OwnServer, Relay, Scene, own_server_with, wait, within};
use std::thread::{Scope, sleep};
use std::time::{Duration, Instant};

/// Slots of each agent.
const SLOTS: u32 = 6;
/// How many clients ask, one request after the other.
const CLIENTS: u64 = 4;
/// How long the last lane may lag behind its plan: starts and stops take their time on a busy machine.
const LAG: Duration = Duration::from_secs(180);
/// How long after all is healed everything may take to come to its end.
const HEALING: Duration = Duration::from_secs(300);

/// A user of the database without the right to write to one that may only be read.
const USER: &str = "CREATE USER IF NOT EXISTS 'pulse'@'%' IDENTIFIED BY 'chaos';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON pulse.* TO 'pulse'@'%';
CREATE DATABASE IF NOT EXISTS filler;
";
/// One file of tables, so that a limit on the size of files is a full disk; it grows by little.
const ONE_FILE: &[&str] = &["--innodb-file-per-table=0", "--innodb-autoextend-increment=1", "--innodb-log-file-size=8M"];

/// Everything that is there.
pub struct Rig {
    // Ends before the folder of the scene goes, in which it has its data.
    server: OwnServer,
    /// The first controller, the agents, the witness; the address before both controllers.
    pub scene: Scene,
    /// The second controller.
    pub second: Controller,
    /// What must never be seen.
    pub canaries: Vec<String>,
    /// How many were accepted in each second without faults.
    pub quiet_rate: f64,
    agents: Vec<Relay>,
    databases: Vec<Relay>,
}

impl Rig {
    /// Everything works, and nothing has been asked for.
    pub fn new() -> Self {
        let mut server = None;
        let mut scene = Scene::made("chaos: a pair on MariaDB", |root| {
            let own = server.insert(own_server_with(root, USER));
            own.more = ONE_FILE;
            Database::of(own)
        });
        let mut server = server.expect("made");
        server.start();
        let url = format!("mariadb://pulse:chaos@127.0.0.1:{}/pulse", server.port());
        let databases: Vec<Relay> = (0..CONTROLLERS).map(|_| Relay::new(&url)).collect();
        let through = |relay: &Relay| [("PULSE_DATABASE_URL", relay.url(&url))];
        let token = scene.controller.api().admin_token().to_owned();
        let mut second = Controller::named("second", scene.root(), &url, token.clone());
        scene.controller.set(through(&databases[0]));
        second.set(through(&databases[1]));
        let front = scene.front.insert(Front::new(&[scene.controller.api(), second.api()]));
        let host = front.api().address().trim_start_matches("http://").to_owned();
        let agents: Vec<Relay> = (0..AGENTS).map(|_| Relay::before(&host)).collect();
        let mut rig = Self { scene, second, canaries: vec![token], quiet_rate: 0.0, server, agents, databases };
        rig.bring_up();
        rig
    }

    fn bring_up(&mut self) {
        let scene = &mut self.scene;
        traffic::write_workflows(scene);
        scene.controller.launch(&[]);
        wait("the address to lead to the first", || scene.api().is_ready().then_some(()));
        self.second.launch(&[]);
        for (place, relay) in self.agents.iter().enumerate() {
            let (server, token) = (format!("http://{}", relay.address()), scene.api().token());
            scene.agents.push(Agent::new(scene.root(), &server, &format!("a{}", place + 1), &token, SLOTS));
            self.canaries.push(token);
        }
        scene.start_agents();
    }

    /// Quiet for a while, then the faults of the plan, then everything heals and comes to its end.
    pub fn run(&mut self, plan: &Plan, tally: &Tally, seed: u64) {
        let api = self.scene.api().clone();
        let root = self.scene.root().to_owned();
        let witness = self.scene.witness.clone();
        let scene = &mut self.scene;
        let mut controllers = Controllers::new([&mut scene.controller, &mut self.second], tally);
        let mut fleet = Fleet::new(&mut scene.agents, tally);
        let mut network = Network { agents: &self.agents, databases: &self.databases };
        let mut database = DatabaseLane { server: &mut self.server, database: &scene.database };
        std::thread::scope(|scope| {
            // Also by a panic: who takes part would wait for ever.
            let _end = End(tally);
            scope.spawn(|| follow_and_stay(&mut controllers, &plan.controllers, tally));
            scope.spawn(|| follow_and_stay(&mut fleet, &plan.fleet, tally));
            scope.spawn(|| follow(&mut network, &plan.network, tally));
            scope.spawn(|| count_up_time(&api, tally));
            scope.spawn(|| tell_progress(tally));
            scope.spawn(|| answer_prompts(&api, tally));
            scope.spawn(|| look_at_executions(&api, &root, &witness, tally, seed));
            let clients: Vec<_> = (0..CLIENTS).map(|number| spawn(scope, Client::new(&api, tally, seed, number))).collect();
            self.quiet_rate = quiet(tally, plan);
            // Here, because its server ends with the thread that started it.
            follow(&mut database, &plan.database, tally);
            within(LAG, "every fault to heal", || (tally.lanes_done() == 4).then_some(()));
            say("everything heals");
            tally.close();
            clients.into_iter().for_each(|client| client.join().expect("a client goes on"));
            traffic::stop_the_schedule(&root, &api);
            let begun = Instant::now();
            while !is_calm(tally) && begun.elapsed() < HEALING {
                sleep(Duration::from_millis(200));
            }
            tally.end();
        });
    }
}

fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, mut client: Client<'scope>) -> std::thread::ScopedJoinHandle<'scope, ()> {
    scope.spawn(move || client.ask())
}

/// Lets everything go on without faults, and answers how many requests were accepted in each second. Then faults may begin.
fn quiet(tally: &Tally, plan: &Plan) -> f64 {
    let lasts = plan.quiet();
    say(&format!("quiet for {} s", lasts.as_secs()));
    // The first requests wait for what is done once; they do not count.
    let accepted = || tally.counts().accepted.len();
    wait("the first requests to be accepted", || (accepted() > 4).then_some(()));
    let (before, begun) = (accepted(), Instant::now());
    sleep(lasts);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = (accepted() - before) as f64 / begun.elapsed().as_secs_f64();
    say(&format!("{rate:.2} accepted a second; faults begin"));
    *tally.faults_begin.lock().unwrap() = Some(Instant::now());
    rate
}

/// Everything that is known has ended, and what nobody has heard of yet would have been seen by now.
fn is_calm(tally: &Tally) -> bool {
    let counts = tally.counts();
    counts.open == 0 && counts.ended.len() >= counts.accepted.len()
}

/// Sends everybody home.
struct End<'run>(&'run Tally);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.second.log();
            let lines: Vec<&str> = log.lines().collect();
            say(&format!("---- second controller ----\n{}", lines[lines.len().saturating_sub(60)..].join("\n")));
        }
    }
}
