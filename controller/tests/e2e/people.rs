//! The interactive update of the examples, with its controller killed at each of its states: a person is asked once, answers once,
//! and every command runs once.

use crate::harness::{Engine, Gate, Scene, on_both, wait};
use serde_json::{Value, json};
use std::path::Path;

on_both! {
    the_interactive_update_goes_on_where_it_was_when_its_controller_dies_before_each_commit
    the_interactive_update_goes_on_where_it_was_when_its_controller_dies_after_each_commit
    no_ends_the_update_with_nothing_changed
}

const AGENTS: [&str; 2] = ["a1", "a2"];
const REQUEST: (&str, &str) = ("Idempotency-Key", "the-update");

/// Whether what was about to be committed when the controller died is there afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dies {
    Before,
    After,
}

impl Dies {
    fn gate(self, scene: &Scene) -> Gate {
        scene.gate(if self == Self::Before { "controller.commit.before" } else { "controller.commit.after" })
    }
}

/// The example itself; its commands sign what they do, and wait for the test to let each of them go.
fn update(scene: &Scene) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/workflows/interactive-update.yaml");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (step, said) in [("refresh", "12 packages of"), ("upgrade", "upgraded 12 packages"), ("restart", "would restart now")] {
        let line = format!("        echo \"{said}");
        let (before, after) = text.split_once(&line).unwrap_or_else(|| panic!("{said:?} in {text}"));
        let (rest, after) = after.split_once('\n').unwrap();
        let lines = format!("{}\n{}\necho \"{said}{rest}\n{}", scene.witness.start(), scene.until(step), scene.witness.end());
        let lines: Vec<String> = lines.lines().map(|line| format!("        {line}")).collect();
        text = format!("{before}{}\n{after}", lines.join("\n"));
    }
    std::fs::write(scene.source("update.yaml"), text).unwrap();
}

fn request() -> Value {
    json!({ "workflow": "interactive-update", "params": { "ticket": "OPS-12" } })
}

/// An update on its way.
struct Journey {
    scene: Scene,
    dies: Dies,
    gate: Gate,
    id: String,
}

impl Journey {
    /// The controller dies around the commit of the start; whoever asked for it asks again.
    fn begin(engine: Engine, name: &str, dies: Dies) -> Self {
        let mut scene = Scene::on(engine, name);
        update(&scene);
        let gate = dies.gate(&scene);
        scene.controller.start(&[gate.environment()]);
        scene.set_up_agents(&AGENTS, 5);
        let mut journey = Self { scene, dies, gate, id: String::new() };
        journey.dies_at("/api/v1/executions", request(), &[REQUEST]);
        let api = journey.scene.controller.api();
        assert_eq!(api.executions().len(), usize::from(dies == Dies::After), "what is accepted is what was committed");
        let (status, answer) = api.try_post("/api/v1/executions", &request(), &[REQUEST]).expect("an answer");
        assert_eq!(status, 201, "{answer}");
        journey.id = answer["id"].as_str().unwrap().to_owned();
        journey
    }

    /// The controller dies, and comes back, ready to die at the next commit that is asked for.
    fn crash(&mut self) {
        self.scene.controller.crash(&[self.gate.environment()]);
    }

    /// Posts what the controller dies of. Nobody waits for the answer.
    fn dies_at(&mut self, path: &str, body: Value, headers: &'static [(&'static str, &'static str)]) {
        self.gate.arm();
        let (api, path) = (self.scene.controller.api().clone(), path.to_owned());
        let asking = std::thread::spawn(move || api.try_post(&path, &body, headers));
        self.gate.wait_reached();
        self.scene.controller.kill();
        self.scene.controller.bury();
        assert_eq!(asking.join().unwrap(), None, "nobody is told what is not yet committed");
        self.gate.open();
        self.scene.controller.start(&[self.gate.environment()]);
    }

    /// The step's commands run; the controller dies, comes back, and dies again around the commit of the first one's end.
    fn runs(&mut self, step: &str, started: usize) {
        self.scene.wait_witnessed(started);
        self.crash();
        for agent in AGENTS {
            self.scene.api().wait_online(agent);
        }
        let run = |execution: &Value| execution["steps"].as_array().unwrap().iter().any(|run| running(run, step));
        self.scene.api().wait_execution(&self.id, "to say that its commands run", run);
        self.gate.arm();
        self.scene.let_go(step);
        self.gate.wait_reached();
        self.scene.controller.kill();
        self.scene.controller.bury();
        self.gate.open();
        self.scene.controller.start(&[self.gate.environment()]);
    }

    /// The prompt is open; the controller dies, comes back, and dies again around the commit of the answer.
    fn answers(&mut self, step: &str, answer: &str, other: &str) {
        let asked = self.scene.api().wait_prompt(&self.id);
        assert_eq!((&asked["step"], &asked["visit"]), (&json!(step), &json!(1)), "{asked:#}");
        self.crash();
        let again = self.scene.api().wait_prompt(&self.id);
        let same = ["id", "message", "options", "openedAt"];
        assert!(same.iter().all(|field| again[*field] == asked[*field]), "the same prompt: {asked:#} {again:#}");
        let execution = self.scene.api().execution(&self.id);
        assert_eq!((&execution["status"], &execution["waits"]["for"]), (&json!("waiting"), &json!("person")), "{execution:#}");
        let why = self.scene.api().wait_why(&self.id, "person");
        assert_eq!((&why["prompt"], &why["step"]), (&asked["id"], &json!(step)), "{why:#}");

        let path = format!("/api/v1/prompts/{}/answer", asked["id"].as_str().unwrap());
        self.dies_at(&path, json!({ "answer": answer, "comment": "of the test" }), &[]);
        let api = self.scene.api();
        let (status, body) = api.try_answer(&asked["id"], answer);
        assert_eq!((status, &body["changed"]), (200, &json!(self.dies == Dies::Before)), "{body:#}");
        let (status, body) = api.try_answer(&asked["id"], other);
        assert_eq!((status, &body["code"], &body["answer"]), (409, &json!("already_answered"), &json!(answer)), "{body:#}");
        let closed = api.prompt(&asked["id"]);
        assert_eq!((&closed["status"], &closed["answer"]), (&json!("answered"), &json!(answer)), "{closed:#}");
    }
}

fn running(run: &Value, step: &str) -> bool {
    let targets = run["targets"].as_array().map_or(&[][..], Vec::as_slice);
    let attempts = targets.iter().filter_map(|target| target["attempts"].as_array()?.last());
    run["id"] == step && attempts.clone().count() > 0 && attempts.clone().all(|attempt| attempt["state"] == "started")
}

/// What was asked, and what was answered, as the history has it.
fn asked(scene: &Scene, id: &str) -> Vec<(String, String)> {
    let events = scene.api().events_of(id, &["prompt_opened", "prompt_answered", "prompt_expired"]);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| (word(&event["type"]), word(&event["answer"]))).collect()
}

fn expected(answers: &[&str]) -> Vec<(String, String)> {
    let both = |answer: &&str| {
        [("prompt_opened", ""), ("prompt_answered", answer)].map(|(kind, said)| (kind.to_owned(), said.to_owned()))
    };
    answers.iter().flat_map(both).collect()
}

fn the_whole_journey(engine: Engine, name: &str, dies: Dies) {
    let mut journey = Journey::begin(engine, name, dies);
    journey.runs("refresh", 2);
    journey.answers("approve", "Yes", "No");
    journey.runs("upgrade", 4);
    journey.answers("reboot", "Yes", "No");
    // One after the other: the second one starts once the first one's end is known.
    journey.runs("restart", 5);
    let (mut scene, id) = (journey.scene, journey.id);
    let ended = scene.api().wait_ended(&id);
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    scene.controller.crash(&[]);
    let after = scene.api().execution(&id);
    assert_eq!((&after["status"], &after["seq"], &after["steps"]), (&ended["status"], &ended["seq"], &ended["steps"]));

    assert_eq!(asked(&scene, &id), expected(&["Yes", "Yes"]), "one answer for each prompt");
    let once: Vec<_> = ["refresh", "restart", "upgrade"].iter().flat_map(|step| AGENTS.map(|agent| (*step, agent))).collect();
    let runs: Vec<_> = scene.runs().into_iter().collect();
    let runs: Vec<_> = runs.iter().map(|((step, agent), times)| ((step.as_str(), agent.as_str()), *times)).collect();
    assert_eq!(runs, once.into_iter().map(|run| (run, 1)).collect::<Vec<_>>(), "each command once on each agent");
    assert_eq!(scene.api().executions().len(), 1, "one request, one execution");
    let open = scene.api().get("/api/v1/prompts");
    assert_eq!(open["items"], json!([]), "nobody is asked any more");
    scene.judge();
}

fn the_interactive_update_goes_on_where_it_was_when_its_controller_dies_before_each_commit(engine: Engine) {
    the_whole_journey(engine, "people: update, C killed before commits", Dies::Before);
}

fn the_interactive_update_goes_on_where_it_was_when_its_controller_dies_after_each_commit(engine: Engine) {
    the_whole_journey(engine, "people: update, C killed after commits", Dies::After);
}

fn no_ends_the_update_with_nothing_changed(engine: Engine) {
    let mut scene = Scene::on(engine, "people: no");
    update(&scene);
    scene.set_up(&AGENTS, 5);
    scene.let_go("refresh");
    let id = scene.api().start(&request());
    let prompt = scene.api().wait_prompt(&id);
    let evidence = scene.api().prompt(&prompt["id"]);
    let group = &evidence["evidence"]["groups"][0];
    assert_eq!((&evidence["evidence"]["step"], &group["agents"]), (&json!("refresh"), &json!(AGENTS)), "{evidence:#}");
    wait("the evidence's output to arrive", || {
        let prompt = scene.api().prompt(&prompt["id"]);
        let stdout = &prompt["evidence"]["groups"][0]["stdout"];
        (stdout["complete"] == true && stdout["tail"] == "12 packages of stable can be upgraded\n").then_some(())
    });
    scene.api().answer(&prompt["id"], "No");
    let ended = scene.api().wait_ended(&id);
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert_eq!(asked(&scene, &id), expected(&["No"]));
    assert_eq!(scene.runs().into_keys().map(|(step, _)| step).collect::<Vec<_>>(), ["refresh", "refresh"], "nothing else ran");
    scene.judge();
}
