//! A scene: one controller, agents, a folder of manifests, a witness.

use super::sweep::sweep;
use super::{Agent, Api, Controller, Database, Engine, Front, Gate, Witness, attempts, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A step that runs a command.
pub fn step(id: &str, targets: &[&str], command: &str) -> Value {
    json!({ "id": id, "type": "execute", "targets": targets, "command": command })
}

/// The same with further fields.
pub fn with(mut step: Value, further: Value) -> Value {
    let (Some(fields), Value::Object(further)) = (step.as_object_mut(), further) else { panic!("objects only") };
    fields.extend(further);
    step
}

/// The text of a manifest. JSON is YAML, too, and quotes every script rightly.
pub fn manifest(kind: &str, name: &str, spec: &Value) -> String {
    let manifest = json!({ "apiVersion": "pulse.dev/v1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    format!("{manifest:#}\n")
}

/// Everything a test needs. When it goes, every process of it ends, and the test's duration is said.
pub struct Scene {
    /// The controller.
    pub controller: Controller,
    /// The agents, in the order of their enrolment.
    pub agents: Vec<Agent>,
    /// The address before several controllers, where there is one.
    pub front: Option<Front>,
    /// What really ran.
    pub witness: Witness,
    /// The controller's.
    pub database: Database,
    name: String,
    begun: Instant,
    root: tempfile::TempDir,
}

impl Scene {
    /// An empty one; nothing runs yet.
    pub fn new(name: &str) -> Self {
        Self::on(Engine::Sqlite, name)
    }

    /// The same on this engine.
    pub fn on(engine: Engine, name: &str) -> Self {
        let name = if engine == Engine::MariaDb { format!("{name}, MariaDB") } else { name.to_owned() };
        Self::made(&name, |root| Database::new(engine, root))
    }

    /// The same with a database that the test has made in the scene's folder.
    pub fn made(name: &str, database: impl FnOnce(&Path) -> Database) -> Self {
        let root = tempfile::Builder::new().prefix("pulse-e2e-").tempdir().unwrap();
        std::fs::create_dir(root.path().join("source")).unwrap();
        let database = database(root.path());
        let (controller, witness) = (Controller::new(root.path(), &database.url), Witness::new(root.path()));
        let (agents, front, name, begun) = (Vec::new(), None, name.to_owned(), Instant::now());
        Self { controller, agents, front, witness, database, name, begun, root }
    }

    /// The API that people and agents use.
    pub fn api(&self) -> &Api {
        self.front.as_ref().map_or_else(|| self.controller.api(), Front::api)
    }

    /// Starts the controller and agents with this many slots each, and waits until all can work.
    pub fn set_up(&mut self, agents: &[&str], slots: u32) {
        self.controller.start(&[]);
        self.set_up_agents(agents, slots);
    }

    /// Enrols agents, starts them, and waits until all can work.
    pub fn set_up_agents(&mut self, agents: &[&str], slots: u32) {
        for agent in agents {
            self.enrol(agent, slots);
        }
        self.start_agents();
    }

    /// Prepares an agent with a token of its own.
    pub fn enrol(&mut self, name: &str, slots: u32) {
        let token = self.api().token();
        self.agents.push(Agent::new(self.root(), self.api().address(), name, &token, slots));
    }

    /// Starts every agent, and waits until they can work.
    pub fn start_agents(&mut self) {
        self.agents.iter_mut().for_each(|agent| agent.start(&[]));
        self.agents.iter().for_each(|agent| self.api().wait_online(&agent.name));
    }

    /// The scene's folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A file of the scene.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A file of the source.
    pub fn source(&self, name: &str) -> PathBuf {
        self.path("source").join(name)
    }

    /// Writes a workflow into the source.
    pub fn write_workflow(&self, name: &str, spec: &Value) {
        std::fs::write(self.source(&format!("{name}.yaml")), manifest("Workflow", name, spec)).unwrap();
    }

    /// A file that commands wait for.
    pub fn go(&self) {
        self.let_go("go");
    }

    /// Shell text that waits for [`Scene::go`].
    pub fn until_go(&self) -> String {
        self.until("go")
    }

    /// Several such files: the one of this name.
    pub fn let_go(&self, name: &str) {
        std::fs::write(self.path(name), "").unwrap();
    }

    /// Shell text that waits for [`Scene::let_go`].
    pub fn until(&self, name: &str) -> String {
        format!("until [ -e '{}' ]; do sleep 0.02; done", self.path(name).display())
    }

    /// A command that signs its start, waits for [`Scene::let_go`], and signs its end.
    pub fn held(&self, name: &str) -> String {
        format!("{}\n{}\n{}", self.witness.start(), self.until(name), self.witness.end())
    }

    /// A command that signs its start and its end, with this between them.
    pub fn signed(&self, command: &str) -> String {
        format!("{}\n{command}\n{}", self.witness.start(), self.witness.end())
    }

    /// How often each step ran on each agent, as the witness saw it.
    pub fn runs(&self) -> BTreeMap<(String, String), usize> {
        let mut runs = BTreeMap::new();
        for [_, step, agent, _] in self.witness.lines().into_iter().filter(|line| line[3] == "start") {
            *runs.entry((step, agent)).or_default() += 1;
        }
        runs
    }

    /// A point at which a process stands still.
    pub fn gate(&self, point: &str) -> Gate {
        Gate::new(point, self.root())
    }

    /// Starts a workflow without parameters.
    pub fn start(&self, workflow: &str) -> String {
        self.api().start(&json!({ "workflow": workflow }))
    }

    /// Runs a workflow to its end.
    pub fn run(&self, workflow: &str) -> Value {
        self.api().wait_ended(&self.start(workflow))
    }

    /// Waits until an attempt's command has signed its start.
    pub fn wait_witnessed(&self, starts: usize) {
        wait("commands to sign their start", || (self.started() >= starts).then_some(()));
    }

    /// Commands that have signed their start.
    pub fn started(&self) -> usize {
        self.witness.seen().values().map(|seen| seen.starts).sum()
    }

    /// Holds the witness against what the controller says of every execution there is.
    #[track_caller]
    pub fn judge(&self) {
        let executions = self.api().executions();
        let all: Vec<_> = executions.iter().flat_map(attempts).collect();
        self.witness.judge(&all);
        self.judge_audit();
    }

    /// What people asked for and what the audit log says of it are there together or not at all.
    fn judge_audit(&self) {
        let starts = "action IN ('execution.start', 'execution.retry', 'command.run') AND outcome = 'done'";
        let unsaid = "SELECT COUNT(*) FROM executions e WHERE schedule IS NULL AND 1 <>";
        let unsaid = self.database.number(&format!("{unsaid} (SELECT COUNT(*) FROM audit WHERE object_id = e.id AND {starts})"));
        assert_eq!(unsaid, 0, "an execution without its row in the audit log, or with two");
        let undone = format!("SELECT COUNT(*) FROM audit WHERE {starts} AND object_id NOT IN (SELECT id FROM executions)");
        assert_eq!(self.database.number(&undone), 0, "a row in the audit log without its execution");
        let answers = self.database.number("SELECT COUNT(*) FROM prompts WHERE status = 'answered'");
        let told = self.database.number("SELECT COUNT(*) FROM audit WHERE action = 'prompt.answer' AND outcome = 'done'");
        assert_eq!(told, answers, "answers, and what the audit log says of them");
    }

    /// Every process says where it stands.
    fn logs(&self) -> String {
        let tail = |log: String| {
            let lines: Vec<&str> = log.lines().collect();
            lines[lines.len().saturating_sub(60)..].join("\n")
        };
        let mut text = format!("---- controller ----\n{}\n", tail(self.controller.log()));
        for agent in &self.agents {
            text += &format!("---- agent {} ----\n{}\n", agent.name, tail(agent.log()));
        }
        text
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let logs = std::thread::panicking().then(|| self.logs());
        self.controller.kill();
        self.agents.iter_mut().for_each(Agent::kill);
        self.controller.bury();
        self.agents.iter_mut().for_each(Agent::bury);
        sweep(self.root.path());
        let seconds = self.begun.elapsed().as_secs_f64();
        // Not by `println!`, which the test runner would keep to itself.
        drop(writeln!(std::io::stderr(), "e2e {:<44} {seconds:6.1} s", self.name));
        if let Some(logs) = logs {
            eprintln!("{logs}");
        }
    }
}
