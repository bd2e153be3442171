//! A tour through what controller, agent and shim do, beside a failpoint. Nothing here expects an answer to the first try.

use super::Drive;
use crate::harness::{Agent, Api, Engine, Scene, attempts, is_alive, manifest, step, with};
use pulse_protocol::failpoint::Point;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What happens at the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The process ends.
    Abort,
    /// It stands still for [`STANDS`].
    Stand,
    /// What it does fails.
    Error,
}

impl How {
    /// What can happen at a point.
    pub(super) fn ways(point: Point) -> impl Iterator<Item = Self> {
        [Self::Abort, Self::Stand, Self::Error].into_iter().filter(move |how| *how != Self::Error || point.fails)
    }
}

/// How long a schedule may take to come by a place before it is put there again.
const PLACED: Duration = Duration::from_secs(5);
/// How long a process stands still.
const STANDS: Duration = Duration::from_secs(1);
/// The longest tour.
const PATIENCE: Duration = Duration::from_secs(90);
/// The longest answer that is waited for: nobody may wait for a process that stands until this test lets it go.
const ANSWER: Duration = Duration::from_millis(700);

/// A scene and the point in it.
pub(super) struct Tour {
    scene: Scene,
    engine: Engine,
    api: Api,
    point: Point,
    how: How,
    drive: Drive,
    reached: Option<Instant>,
    begun: Instant,
    /// Starts of controller and agent.
    starts: [usize; 2],
}

impl Tour {
    pub(super) fn new(engine: Engine, name: &str, point: Point, how: How, drive: Drive) -> Self {
        let mut scene = Scene::on(engine, name);
        if drive == Drive::Retained {
            let settings = [("PULSE_KEEP_EVERY", "1s"), ("PULSE_KEEP_EXECUTIONS", "forever"), ("PULSE_KEEP_OUTPUT", "1d")];
            scene.controller.set(settings.map(|(name, value)| (name, value.to_owned())));
        }
        let work = scene.signed("echo one; echo two >&2");
        let steps = [
            step("work", &["a1"], &work),
            json!({ "id": "ask", "type": "prompt", "message": "Go on?", "options": ["Yes", "No"] }),
            step("then", &["a1"], &scene.signed("echo three")),
        ];
        let allow = json!({ "policy": "Allow" });
        scene.write_workflow("w", &json!({ "concurrency": allow, "steps": steps }));
        let long = with(step("work", &["a1"], &scene.held("never")), json!({ "killGrace": "1s" }));
        scene.write_workflow("long", &json!({ "concurrency": allow, "steps": [long] }));
        let yearly = json!({ "cron": "0 0 1 1 *", "workflow": "w" });
        std::fs::write(scene.source("yearly.yaml"), manifest("Schedule", "yearly", &yearly)).unwrap();
        let api = scene.controller.api().patient(ANSWER);
        Self { scene, engine, api, point, how, drive, reached: None, begun: Instant::now(), starts: [0, 0] }
    }

    /// The whole tour.
    pub(super) fn make(mut self) {
        std::fs::create_dir(self.folder()).unwrap();
        self.start_controller();
        let token = self.wait("a token", |tour| {
            let body = json!({ "uses": 1, "expires": "1h" });
            tour.ask("/api/v1/agents/tokens", &body, None)?["token"].as_str().map(str::to_owned)
        });
        let agent = Agent::new(self.scene.root(), self.api.address(), "a1", &token, 5);
        self.scene.agents.push(agent);
        self.start_agent();
        self.wait_online();
        self.work("first");
        self.cancel_a_command();
        self.hold_and_let_go();
        self.make_a_token();
        self.refuse_a_commit();
        self.api.try_post("/webhooks/gitea", &json!({}), &[]);
        self.restart_agent();
        self.restart_controller();
        self.work("second");
        self.end();
        let name = self.point.name;
        self.wait(&format!("anybody to come by {name}"), |tour| tour.is_reached().then_some(()));
        self.wait("whoever stands to go on", |tour| (tour.how != How::Stand || !tour.folder().exists()).then_some(()));
        self.wait("whoever ended to be gone", |tour| (tour.how != How::Abort || tour.visitor_is_gone()).then_some(()));
        self.wait("the controller to answer", |tour| tour.api.is_ready().then_some(()));
        self.work("third");
        self.scene.judge();
    }

    /// Whoever came by the point has left its number there, and ends a moment later.
    fn visitor_is_gone(&self) -> bool {
        let marker = std::fs::read_to_string(self.marker()).unwrap_or_default();
        marker.trim().parse().is_ok_and(|pid| !is_alive(pid))
    }

    /// Runs a workflow through its question, and settles what nobody can know.
    fn work(&mut self, key: &str) {
        if self.drive == Drive::Revoked && key == "third" {
            return;
        }
        let id = self.begin("w", key);
        let over = self.wait(&format!("the {key} execution to succeed"), |tour| {
            let execution = tour.get(&format!("/api/v1/executions/{id}"))?;
            tour.settle(&id, &execution);
            let prompt = execution["steps"].as_array()?.iter().find_map(|step| step["prompt"]["id"].as_str());
            if let Some(prompt) = prompt.filter(|_| execution["status"] == "waiting") {
                tour.ask(&format!("/api/v1/prompts/{prompt}/answer"), &json!({ "answer": "Yes" }), None);
            }
            ["succeeded", "failed", "cancelled"].iter().any(|word| execution["status"] == *word).then_some(execution)
        });
        assert_eq!(over["status"], "succeeded", "{over:#}");
        for step in [0, 2] {
            let ran = over["steps"][step]["targets"][0]["status"] == "succeeded";
            assert!(ran, "{over:#}");
        }
    }

    /// A person looks, and finds that what nobody knows has done its work.
    fn settle(&self, id: &str, execution: &Value) {
        for attempt in attempts(execution).iter().filter(|attempt| attempt.state == "unknown") {
            let body = json!({ "attempt": attempt.id, "outcome": "succeeded", "reason": "the test has looked" });
            self.ask(&format!("/api/v1/executions/{id}/resolve"), &body, None);
        }
    }

    fn cancel_a_command(&mut self) {
        let id = self.begin("long", "long");
        // It runs, or is known not to, or nobody knows.
        self.wait("the long command", |tour| {
            let execution = tour.get(&format!("/api/v1/executions/{id}"))?;
            let settled = ["started", "unknown"];
            attempts(&execution).last().filter(|attempt| settled.contains(&attempt.state.as_str())).map(drop)
        });
        let over = self.wait("the long command's end", |tour| {
            let cancel = json!({ "reason": "the test wants it", "mode": "kill" });
            tour.ask(&format!("/api/v1/executions/{id}/cancel"), &cancel, None);
            tour.get(&format!("/api/v1/executions/{id}")).filter(|execution| execution["endedAt"].is_string())
        });
        assert_eq!(over["status"], "cancelled", "{over:#}");
    }

    fn hold_and_let_go(&mut self) {
        let pause = json!({ "scope": "workflow/w", "reason": "the test holds it" });
        let id = self.wait("a pause", |tour| tour.ask("/api/v1/pauses", &pause, None)?["id"].as_str().map(str::to_owned));
        self.wait("its end", |tour| {
            let (_, pause) = tour.api.try_delete(&format!("/api/v1/pauses/{id}")).filter(|(status, _)| *status == 200)?;
            pause["endedAt"].is_string().then_some(())
        });
    }

    /// A token of the API is made and revoked. Its name is given once, so that whoever asks again finds it in the list.
    fn make_a_token(&mut self) {
        let token = json!({ "name": "ci", "roles": ["viewer"] });
        let found = |tour: &Self| {
            let tokens = tour.get("/api/v1/tokens")?;
            tokens["items"].as_array()?.first().cloned()
        };
        let id = self.wait("a token of the API", |tour| {
            tour.ask("/api/v1/tokens", &token, None);
            found(tour)?["id"].as_str().map(str::to_owned)
        });
        self.wait("its end", |tour| {
            tour.api.try_delete(&format!("/api/v1/tokens/{id}"));
            found(tour).filter(|token| token["status"] == "revoked").map(drop)
        });
    }

    /// A broken file is refused, and what goes with it is retired.
    fn refuse_a_commit(&mut self) {
        std::fs::write(self.scene.source("broken.yaml"), "kind: Workflow\n").unwrap();
        self.wait("a sync to be refused", |tour| {
            tour.ask("/api/v1/syncs", &json!({}), None);
            let syncs = tour.get("/api/v1/syncs?limit=50")?;
            syncs["items"].as_array()?.iter().any(|sync| sync["outcome"] == "refused").then_some(())
        });
        std::fs::remove_file(self.scene.source("broken.yaml")).unwrap();
        std::fs::remove_file(self.scene.source("yearly.yaml")).unwrap();
        self.wait("a sync to retire the schedule", |tour| {
            tour.ask("/api/v1/syncs", &json!({}), None);
            tour.api.try_get("/api/v1/schedules/yearly").filter(|(status, _)| *status == 404).map(drop)
        });
    }

    /// What is only met when everything else is over.
    fn end(&mut self) {
        match self.drive {
            Drive::Clone => {
                let root = self.scene.path("clone");
                let mut clone = Agent::new(&root, self.api.address(), "a1", "", 5);
                std::fs::create_dir_all(root.join("agents")).unwrap();
                let (from, to) = (self.scene.agents[0].data().to_owned(), clone.data().to_owned());
                // Files that the agent removes meanwhile make it try again.
                self.wait("a copy of the agent", |_| {
                    drop(std::fs::remove_dir_all(&to));
                    let copied = std::process::Command::new("cp").arg("-a").args([&from, &to]).stderr(Stdio::null()).status();
                    copied.unwrap().success().then_some(())
                });
                clone.launch(&[]);
                self.wait("anybody to be asked whether it lives", |tour| tour.is_reached().then_some(()));
                clone.kill();
                clone.bury();
                self.restart_agent();
            }
            Drive::Revoked => {
                self.wait("the agent to be revoked", |tour| {
                    tour.api.try_delete("/api/v1/agents/a1");
                    (tour.get("/api/v1/agents/a1")?["status"]["state"] == "revoked").then_some(())
                });
                self.wait("the agent to be refused", |tour| tour.scene.agents[0].log().contains("(revoked)").then_some(()));
            }
            Drive::Pruned => self.outgrow_a_schedule(),
            Drive::Retained => self.grow_old(),
            _ => {}
        }
    }

    /// What has ended did so long ago, so that its output goes.
    fn grow_old(&mut self) {
        let long_ago = "UPDATE executions SET ended_at = ended_at - 8640000000000, created_at = created_at - 8640000000000";
        self.wait("a way into the database", |tour| tour.scene.database.execute(long_ago).ok());
        self.wait("the output to go", |tour| {
            let left = "SELECT COUNT(*) FROM executions WHERE terminal = 1 AND output_removed_at IS NULL";
            (tour.scene.database.number(left) == 0).then_some(())
        });
    }

    /// A schedule of which more is recorded than is kept comes to the step after which the oldest records go.
    fn outgrow_a_schedule(&mut self) {
        // What it is held for is recorded, and starts nothing.
        let pause = json!({ "scope": "schedule/often", "reason": "the test holds it" });
        self.wait("a pause of the schedule", |tour| tour.ask("/api/v1/pauses", &pause, None).map(drop));
        let often = json!({ "every": "1s", "workflow": "w" });
        std::fs::write(self.scene.source("often.yaml"), manifest("Schedule", "often", &often)).unwrap();
        self.wait("a sync to bring the schedule", |tour| {
            tour.ask("/api/v1/syncs", &json!({}), None);
            tour.get("/api/v1/schedules/often").map(drop)
        });
        let (insert, numbers) = match self.engine {
            Engine::Sqlite => (
                "INSERT OR IGNORE",
                "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100) SELECT i FROM n)",
            ),
            Engine::MariaDb => ("INSERT IGNORE", "(SELECT seq AS i FROM seq_1_to_10100)"),
        };
        let records = format!(
            "{insert} INTO slots (source, schedule, slot_at, last_slot_at, slots, outcome, reason, decided_at) \
             SELECT schedules.source, 'often', i, i, 1, 'skipped', 'paused', i FROM {numbers} numbers, schedules WHERE name = 'often'"
        );
        // `schedules/tidy.rs`: once in a thousand steps, at a place of each schedule's own.
        let place = "often".bytes().fold(0, |place: i64, byte| (place * 31 + i64::from(byte)) % 1000);
        let step = format!("UPDATE schedules SET revision = {} WHERE name = 'often'", 2000 - place);
        for statement in [&records, &step] {
            self.wait("a way into the database", |tour| tour.scene.database.execute(statement).ok());
        }
        // A step that was under way may have gone past the place.
        let placed = std::cell::Cell::new(Instant::now());
        self.wait("the oldest records to go", |tour| {
            if !tour.is_reached() && placed.get().elapsed() > PLACED {
                placed.set(Instant::now());
                drop(tour.scene.database.execute(&step));
            }
            tour.is_reached().then_some(())
        });
    }

    /// Starts an execution; the key makes it one, however often it is asked for.
    fn begin(&mut self, workflow: &str, key: &str) -> String {
        self.wait(&format!("the {key} execution to begin"), |tour| {
            tour.ask("/api/v1/executions", &json!({ "workflow": workflow }), Some(key))?["id"].as_str().map(str::to_owned)
        })
    }

    fn start_controller(&mut self) {
        let point = if self.is_of("controller.") { vec![self.setting()] } else { Vec::new() };
        self.scene.controller.launch(&point);
        self.starts[0] += 1;
        self.wait("the controller", |tour| tour.api.is_ready().then_some(()));
        self.wait("the first sync", |tour| tour.get("/api/v1/workflows/w").map(drop));
    }

    fn start_agent(&mut self) {
        let first = self.starts[1] == 0;
        let point = if self.is_of("controller.") { Vec::new() } else { vec![self.setting()] };
        let point = match (self.drive, first) {
            (Drive::LostStart, true) => {
                let marker = self.scene.path("lost").display().to_string();
                vec![("PULSE_FAILPOINT".to_owned(), format!("abort:agent.journal-starting.after={marker}"))]
            }
            _ => point,
        };
        self.scene.agents[0].launch(&point);
        self.starts[1] += 1;
    }

    /// As an upgrade does it.
    fn restart_agent(&mut self) {
        let before = self.starts[1];
        self.scene.agents[0].signal("TERM");
        self.wait("the agent to be started again", |tour| (tour.starts[1] > before).then_some(()));
        self.wait_online();
    }

    fn restart_controller(&mut self) {
        let before = self.starts[0];
        self.scene.controller.signal("TERM");
        self.wait("the controller to be started again", |tour| (tour.starts[0] > before).then_some(()));
        self.wait_online();
    }

    fn wait_online(&mut self) {
        self.wait("the agent to be online", |tour| (tour.get("/api/v1/agents/a1")?["status"]["state"] == "online").then_some(()));
    }

    fn ask(&self, path: &str, body: &Value, key: Option<&str>) -> Option<Value> {
        let headers: Vec<_> = key.into_iter().map(|key| ("Idempotency-Key", key)).collect();
        let (status, answer) = self.api.try_post(path, body, &headers)?;
        (200..300).contains(&status).then_some(answer)
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.api.try_get(path).filter(|(status, _)| *status == 200).map(|(_, answer)| answer)
    }

    /// Looks until there is something; meanwhile whoever has died is started again, and whoever stands is let go after a while.
    fn wait<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let reached = if self.is_reached() { "was reached" } else { "was not reached" };
            assert!(self.begun.elapsed() < PATIENCE, "waited in vain for {what}; the point {reached}");
            self.tend();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tend(&mut self) {
        if self.how == How::Stand && self.marker().exists() {
            let since = *self.reached.get_or_insert_with(Instant::now);
            if since.elapsed() > STANDS {
                // The folder with it, in one step: further visits pass, also one of another process at this moment.
                std::fs::rename(self.folder(), self.scene.path("gate-opened")).unwrap();
            }
        }
        if self.scene.controller.is_gone() {
            let point = if self.is_of("controller.") { vec![self.setting()] } else { Vec::new() };
            self.scene.controller.launch(&point);
            self.starts[0] += 1;
        }
        if self.scene.agents.first_mut().is_some_and(Agent::is_gone) {
            self.start_agent();
        }
    }

    fn is_of(&self, who: &str) -> bool {
        self.point.name.starts_with(who)
    }

    fn is_reached(&self) -> bool {
        self.reached.is_some() || self.marker().exists()
    }

    fn folder(&self) -> std::path::PathBuf {
        self.scene.path("gate")
    }

    fn marker(&self) -> std::path::PathBuf {
        self.folder().join("marker")
    }

    fn setting(&self) -> (String, String) {
        let how = match self.how {
            How::Abort => "abort:",
            How::Stand => "",
            How::Error => "error:",
        };
        ("PULSE_FAILPOINT".to_owned(), format!("{how}{}={}", self.point.name, self.marker().display()))
    }
}
