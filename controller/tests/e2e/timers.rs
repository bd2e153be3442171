//! Times that executions wait for: deadlines of people stand still while no controller runs, waits do not, and both survive a
//! controller that is killed. A workflow's timeout lets what runs end.

use crate::harness::{Api, Engine, Scene, attempts, on_both, step, wait};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

on_both! {
    a_deadline_stands_still_while_no_controller_runs
    a_deadline_stands_still_when_the_next_controller_dies_at_its_start
    a_deadline_stands_still_while_the_controller_does
    a_wait_goes_on_while_no_controller_runs
    a_timeout_of_a_workflow_drains
}

/// How long no controller runs.
const AWAY: Duration = Duration::from_secs(5);

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("a time was expected: {value}")).parse().unwrap()
}

fn passed(from: &Value, to: &Value) -> SignedDuration {
    instant(to).duration_since(instant(from))
}

/// Nobody runs for a while.
fn leave(scene: &mut Scene) {
    scene.controller.kill();
    scene.controller.bury();
    std::thread::sleep(AWAY);
    scene.controller.start(&[]);
}

/// Nobody runs for a while, and the next controller dies around the commit in which it notes that.
fn leave_and_die(scene: &mut Scene, point: &str) {
    scene.controller.kill();
    scene.controller.bury();
    std::thread::sleep(AWAY);
    let gate = scene.gate(point);
    gate.arm();
    scene.controller.launch(&[gate.environment()]);
    gate.wait_reached();
    scene.controller.crash(&[]);
    gate.open();
}

/// The last visit of a step.
fn visit(execution: &Value, step: &str) -> Value {
    let steps = execution["steps"].as_array().unwrap();
    steps.iter().rfind(|run| run["id"] == step).unwrap_or_else(|| panic!("step {step}: {execution:#}")).clone()
}

fn a_deadline_stands_still_while_no_controller_runs(engine: Engine) {
    let mut scene = Scene::on(engine, "timers: a deadline while C is away");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Now?", "options": ["Yes", "No"], "timeout": "6s",
                      "onTimeout": { "answer": "No" } });
    scene.write_workflow("ask", &json!({ "steps": [ask] }));
    scene.controller.start(&[]);
    let id = scene.start("ask");
    let before = scene.api().wait_prompt(&id);
    assert_eq!(passed(&before["openedAt"], &before["deadline"]), SignedDuration::from_secs(6));
    leave(&mut scene);
    let api = scene.api();
    let after = api.prompt(&before["id"]);
    assert_eq!((&after["status"], &after["openedAt"]), (&json!("open"), &before["openedAt"]), "{after:#}");
    // The last renewal of the leases is when the controller was seen last: up to some seconds before it died.
    let moved = passed(&before["deadline"], &after["deadline"]);
    assert!(moved >= SignedDuration::try_from(AWAY).unwrap(), "the deadline moved by {moved:?}: {after:#}");
    wait("the old deadline to pass", || (Timestamp::now() > instant(&before["deadline"])).then_some(()));
    assert_eq!(api.prompt(&before["id"])["status"], "open", "it is open beyond its first deadline");
    let execution = api.wait_ended(&id);
    let closed = api.prompt(&before["id"]);
    assert_eq!((&closed["status"], &closed["answer"]), (&json!("expired"), &json!("No")), "{closed:#}");
    let open = passed(&closed["openedAt"], &closed["closedAt"]);
    assert!(open >= SignedDuration::from_secs(6) + moved, "open for {open:?}, though the deadline moved by {moved:?}");
    assert_eq!((&execution["status"], &visit(&execution, "ask")["answer"]), (&json!("succeeded"), &json!("No")));
    let (status, body) = api.try_answer(&before["id"], "Yes");
    assert_eq!((status, &body["code"]), (409, &json!("prompt_expired")), "{body:#}");
}

fn a_deadline_stands_still_when_the_next_controller_dies_at_its_start(engine: Engine) {
    let mut scene = Scene::on(engine, "timers: a deadline, C dies at its start");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Now?", "options": ["Yes", "No"], "timeout": "1h" });
    scene.write_workflow("ask", &json!({ "steps": [ask] }));
    scene.controller.start(&[]);
    let id = scene.start("ask");
    let mut before = scene.api().wait_prompt(&id);
    for point in ["controller.absence.before", "controller.absence.after"] {
        leave_and_die(&mut scene, point);
        let after = scene.api().prompt(&before["id"]);
        let moved = passed(&before["deadline"], &after["deadline"]);
        assert!(moved >= SignedDuration::try_from(AWAY).unwrap(), "{point}: the deadline moved by {moved:?}: {after:#}");
        before = after;
    }
}

/// The process is stopped for longer than anybody was given, and goes on with the leases that it has.
fn a_deadline_stands_still_while_the_controller_does(engine: Engine) {
    const STOPPED: Duration = Duration::from_secs(9);
    let mut scene = Scene::on(engine, "timers: a deadline while C stands still");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Now?", "options": ["Yes", "No"], "timeout": "6s",
                      "onTimeout": { "answer": "Yes" } });
    scene.write_workflow("ask", &json!({ "steps": [ask] }));
    scene.controller.start(&[]);
    let id = scene.start("ask");
    let before = scene.api().wait_prompt(&id);
    scene.controller.signal("STOP");
    std::thread::sleep(STOPPED);
    scene.controller.signal("CONT");
    let least = SignedDuration::from_secs(6) + SignedDuration::try_from(STOPPED).unwrap();
    let moved = |prompt: &Value| prompt["status"] == "open" && passed(&prompt["openedAt"], &prompt["deadline"]) >= least;
    wait("the deadline to move", || Some(scene.api().prompt(&before["id"])).filter(|prompt| moved(prompt)));
    // The span outlasts the process that stood still: it was written down, too.
    scene.controller.crash(&[]);
    let after = scene.api().prompt(&before["id"]);
    assert!(moved(&after), "{after:#}");
    let execution = scene.api().wait_ended(&id);
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    let closed = scene.api().prompt(&before["id"]);
    assert_eq!((&closed["status"], &closed["answer"]), (&json!("expired"), &json!("Yes")), "{closed:#}");
    let open = passed(&closed["openedAt"], &closed["closedAt"]);
    assert!(open >= least, "people had their 6 s beside the {STOPPED:?}: {open:?}");
}

fn a_wait_goes_on_while_no_controller_runs(engine: Engine) {
    let mut scene = Scene::on(engine, "timers: waits while C is away");
    let wait_for = |duration: &str| json!({ "id": "rest", "type": "wait", "duration": duration });
    scene.write_workflow("over", &json!({ "steps": [wait_for("3s")] }));
    scene.write_workflow("longer", &json!({ "steps": [wait_for("9s")] }));
    scene.controller.start(&[]);
    let ids = ["over", "longer"].map(|workflow| scene.start(workflow));
    let until = |api: &Api, id: &str| {
        let reason = api.wait_why(id, "timer");
        let run = visit(&api.execution(id), "rest");
        assert_eq!(reason["until"], run["until"], "{reason:#} {run:#}");
        run["until"].clone()
    };
    let before = ids.each_ref().map(|id| until(scene.api(), id));
    leave(&mut scene);
    let api = scene.api();
    let longer = api.execution(&ids[1]);
    assert_eq!((&longer["waits"]["for"], &visit(&longer, "rest")["until"]), (&json!("timer"), &before[1]), "{longer:#}");
    for (id, until) in ids.iter().zip(&before) {
        let execution = api.wait_ended(id);
        assert_eq!(execution["status"], "succeeded", "{execution:#}");
        assert!(instant(&execution["endedAt"]) >= instant(until), "not before its time: {execution:#}");
        assert_eq!(api.events_of(id, &["timer_started"]).len(), 1, "the timer is not started anew");
    }
}

fn a_timeout_of_a_workflow_drains(engine: Engine) {
    let mut scene = Scene::on(engine, "timers: a workflow's timeout");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "Now?", "options": ["Yes"] });
    let long = step("long", &["a1"], &scene.held("long"));
    let next = step("never", &["a1"], &scene.signed("true"));
    scene.write_workflow("bounded", &json!({ "timeout": "4s", "steps": [ask, long, next] }));
    scene.set_up(&["a1"], 5);
    let id = scene.start("bounded");
    let prompt = scene.api().wait_prompt(&id);
    // Longer than the timeout: neither people nor a controller that is away count.
    leave(&mut scene);
    scene.api().wait_online("a1");
    scene.api().answer(&prompt["id"], "Yes");
    scene.wait_witnessed(1);
    let api = scene.api();
    assert_eq!(api.events_of(&id, &["timed_out"]), Vec::<Value>::new(), "the wait for a person does not count");
    let why = api.wait_why(&id, "timed_out");
    assert_eq!(why["running"], 1, "{why:#}");
    let execution = api.execution(&id);
    assert_eq!(execution["status"], "running", "what runs may end: {execution:#}");
    scene.let_go("long");
    let execution = scene.api().wait_ended(&id);
    assert_eq!(execution["status"], "failed", "{execution:#}");
    let all = attempts(&execution);
    assert_eq!(all.iter().map(|attempt| attempt.exited()).collect::<Vec<_>>(), [Some(0)], "the command ended by itself");
    assert_eq!(scene.started(), 1, "nothing new starts");
    scene.judge();
}
