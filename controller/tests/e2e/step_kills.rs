//! `kill -9` of the controller, alone and with its agent, before and after each commit of an execution that has every type of step.
//! What one decision adds is one commit, so the commits are:
//!
//! ```text
//! start + first assignment │ work ends, parsed, route taken, prompt opened │ answered, timer started │ timer over, next assignment │ end
//! ```

use crate::harness::{Engine, Gate, Scene, attempts, full, on_both, step, with};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A commit at which somebody dies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Commit {
    Start,
    Prompt,
    Answer,
    Timer,
    End,
}
const COMMITS: [Commit; 5] = [Commit::Start, Commit::Prompt, Commit::Answer, Commit::Timer, Commit::End];
const POINTS: [&str; 2] = ["controller.commit.before", "controller.commit.after"];
const KEY: (&str, &str) = ("Idempotency-Key", "the-one-request");
/// Cases at once: each mostly waits.
const SIDE_BY_SIDE: usize = 4;

on_both! {
    every_type_of_step_survives_a_kill_at_each_of_its_commits
}

fn every_type_of_step_survives_a_kill_at_each_of_its_commits(engine: Engine) {
    let with_agent = if engine == Engine::Sqlite || full() { &[false, true][..] } else { &[false] };
    let cases: Vec<_> = COMMITS
        .iter()
        .flat_map(|commit| POINTS.iter().map(move |point| (*commit, *point)))
        .flat_map(|(commit, point)| with_agent.iter().map(move |agent| (commit, point, *agent)))
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((commit, point, agent)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    Case::new(engine, *commit, point, *agent).run();
                }
            });
        }
    });
}

struct Case {
    scene: Scene,
    gate: Gate,
    commit: Commit,
    point: &'static str,
    with_agent: bool,
}

impl Case {
    fn new(engine: Engine, commit: Commit, point: &'static str, with_agent: bool) -> Self {
        let scene = Scene::on(engine, &format!("steps: {point} {commit:?} kill {}", if with_agent { "CA" } else { "C" }));
        let held =
            |id: &str, say: &str| format!("{}\n{}\n{say}\n{}", scene.witness.start(), scene.until(id), scene.witness.end());
        let last =
            with(step("then", &[], &held("then", "true")), json!({ "targets": { "from": "work", "result": "succeeded" } }));
        let steps = json!([
            step("work", &["a1"], &held("work", "echo LEFT=3")),
            { "id": "read", "type": "parse" },
            { "id": "choose", "type": "route", "routes": [{ "if": "int(state.left) > 2", "goto": "ask", "label": "some left" },
                                                          { "default": true, "goto": "end" }] },
            step("never", &["a1"], &scene.witness.start()),
            { "id": "ask", "type": "prompt", "message": "{{ state.left }} are left.", "timeout": "1h",
              "options": [{ "value": "Go on", "goto": "rest" }, { "value": "Stop", "goto": "end" }] },
            { "id": "rest", "type": "wait", "duration": "2s" },
            last,
        ]);
        scene.write_workflow("w", &json!({ "steps": steps, "timeout": "1h" }));
        let gate = scene.gate(point);
        Self { scene, gate, commit, point, with_agent }
    }

    /// Does what leads to this commit; the victims die there where it is the one, and come back.
    fn at(&mut self, commit: Commit, cause: impl FnOnce(&Scene)) {
        if self.commit != commit {
            return cause(&self.scene);
        }
        self.gate.arm();
        cause(&self.scene);
        self.gate.wait_reached();
        let Scene { controller, agents, .. } = &mut self.scene;
        controller.kill();
        if self.with_agent {
            agents[0].kill();
            agents[0].bury();
        }
        controller.bury();
        self.gate.open();
        controller.start(&[]);
        if self.with_agent {
            agents[0].start(&[]);
        }
    }

    /// The step's command is known to run, so that the next commit is the one of its end.
    fn wait_started(&self, id: &str, step: &str) {
        self.scene.api().wait_execution(id, "to say that its command runs", |execution| {
            attempts(execution).iter().any(|attempt| attempt.step == step && attempt.state == "started")
        });
    }

    fn run(mut self) {
        self.scene.controller.start(&[self.gate.environment()]);
        self.scene.set_up_agents(&["a1"], 5);
        // Whoever stands at the point answers nobody, so nobody waits for it.
        self.at(Commit::Start, |scene| {
            let api = scene.controller.api().clone();
            std::thread::spawn(move || drop(api.try_post("/api/v1/executions", &json!({ "workflow": "w" }), &[KEY])));
        });
        let (status, answer) =
            self.scene.api().try_post("/api/v1/executions", &json!({ "workflow": "w" }), &[KEY]).expect("an answer");
        assert_eq!(status, 201, "{answer}");
        let id = answer["id"].as_str().unwrap().to_owned();
        self.wait_started(&id, "work");
        self.at(Commit::Prompt, |scene| scene.let_go("work"));
        let prompt = self.scene.api().wait_prompt(&id)["id"].clone();
        self.at(Commit::Answer, |scene| {
            let (api, prompt) = (scene.controller.api().clone(), prompt.clone());
            let path = format!("/api/v1/prompts/{}/answer", prompt.as_str().unwrap());
            std::thread::spawn(move || drop(api.try_post(&path, &json!({ "answer": "Go on" }), &[])));
        });
        let (status, body) = self.scene.api().try_answer(&prompt, "Go on");
        assert_eq!(status, 200, "{body:#}");
        self.at(Commit::Timer, |_| {});
        self.wait_started(&id, "then");
        self.at(Commit::End, |scene| scene.let_go("then"));
        self.check(&id);
    }

    fn check(&self, id: &str) {
        let (scene, point) = (&self.scene, self.point);
        let execution = scene.api().wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{point}: {execution:#}");
        let run = |step: &Value| (step["id"].as_str().unwrap().to_owned(), step["visit"].clone());
        let steps: Vec<_> = execution["steps"].as_array().unwrap().iter().map(run).collect();
        let expected = ["work", "read", "choose", "ask", "rest", "then"].map(|step| (step.to_owned(), json!(1)));
        assert_eq!(steps, expected, "{execution:#}");
        for (kind, times) in
            [("parsed", 1), ("route_taken", 1), ("prompt_opened", 1), ("prompt_answered", 1), ("timer_started", 1)]
        {
            assert_eq!(scene.api().events_of(id, &[kind]).len(), times, "{kind}: {execution:#}");
        }
        let seqs: Vec<_> = scene.api().events(id).iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no event is missing or doubled");
        let runs: Vec<_> = scene.runs().into_iter().map(|((step, _), times)| (step, times)).collect();
        assert_eq!(runs, [("then".to_owned(), 1), ("work".to_owned(), 1)]);
        assert_eq!(scene.api().executions().len(), 1, "one request, one execution");
        scene.judge();
    }
}
