//! Every command of `pulse` that speaks to a server, held against the OpenAPI document: what it asks, and what it is answered.

use crate::harness::{Inspector, Scene, pulse, step, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// Operations that are none of the command line's. A new one belongs here or into the test.
const OF_OTHERS: &[&str] = &[
    "beginSignIn",
    "breakGlass",
    "endSignIn",
    "explainExecution",
    "getAuthority",
    // A stream without an end that is known, which the inspector cannot pass on: cli/tests/audit.rs has `pulse audit export`.
    "exportAudit",
    "getDetailedHealth",
    "getDocs",
    "getDocsStyle",
    "getDownload",
    "getInstallScript",
    "getInstallScriptSum",
    "getLiveness",
    "getMetrics",
    "getOpenApi",
    "getPause",
    "getReadiness",
    "getSchema",
    "getSettings",
    "listExecutionEvents",
    "listen",
    "openAgentSession",
    "receiveGiteaWebhook",
    "receiveGiteaWebhookByGet",
    "signIn",
    "signOut",
    "validate",
];

struct Person<'a> {
    scene: &'a Scene,
    inspector: &'a Inspector,
}

impl Person<'_> {
    /// Types a command, which must end so; what it printed.
    fn types(&self, line: &[&str], code: i32) -> String {
        let mut command = Command::new(pulse());
        command.args(line).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.scene.root());
        command.env("PULSE_SERVER", self.inspector.address()).env("PULSE_TOKEN", self.scene.controller.api().admin_token());
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "pulse {}: {said}", line.join(" "));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn reads(&self, line: &[&str]) -> Value {
        serde_json::from_str(&self.types(line, 0)).unwrap()
    }
}

#[test]
fn the_command_line_speaks_the_document() {
    let mut scene = Scene::new("pulse: the document");
    let ask = json!({ "id": "ask", "type": "prompt", "message": "sure?", "options": ["yes", "no"] });
    let unknown =
        with(step("only", &["a1"], &format!("{}; {}", scene.witness.start(), scene.until_go())), json!({ "timeout": "5m" }));
    for (name, steps) in [
        ("hello", vec![step("greet", &["a1"], "echo hello")]),
        ("fails", vec![step("only", &["a1"], "exit 5")]),
        ("asks", vec![step("first", &["a1"], "echo so"), ask]),
        ("unknown", vec![unknown]),
        ("waits", vec![json!({ "id": "wait", "type": "wait", "duration": "1h" })]),
    ] {
        scene.write_workflow(name, &json!({ "steps": steps }));
    }
    let schedule =
        "apiVersion: pulse.dev/v1\nkind: Schedule\nmetadata:\n  name: nightly\nspec:\n  workflow: hello\n  cron: \"0 3 * * *\"\n";
    std::fs::write(scene.source("nightly.yaml"), schedule).unwrap();
    scene.set_up(&["a1", "a2"], 5);
    let inspector = Inspector::before(scene.controller.api().address());
    let person = Person { scene: &scene, inspector: &inspector };
    looks(&person);
    acts(&person);
    identity(&person);
    brakes(&person);
    let seen = inspector.seen();
    assert_eq!(seen.wrong, Vec::<String>::new());
    let all = operations();
    let others: BTreeSet<&str> = OF_OTHERS.iter().copied().collect();
    let told: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    let asked: BTreeSet<&str> = seen.operations.union(&others).copied().collect();
    assert_eq!(asked, told, "an operation that no command asks for stands in the list of those of others");
    let both: Vec<_> = seen.operations.intersection(&others).collect();
    assert!(both.is_empty(), "commands ask for what stands in the list of those of others: {both:?}");
    scene.go();
}

fn operations() -> BTreeSet<String> {
    let document = pulse_controller::api::openapi();
    let paths = document["paths"].as_object().unwrap().values();
    let each = paths.flat_map(|methods| methods.as_object().unwrap().values());
    each.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

fn acts(person: &Person<'_>) {
    person.types(&["run", "hello", "--dry-run"], 0);
    person.types(&["run", "asks", "--dry-run"], 0);
    person.types(&["run", "hello", "--follow"], 0);
    person.types(&["run", "hello", "--idempotency-key", "k"], 0);
    person.types(&["run", "nothing"], 2);
    person.types(&["exec", "a1", "--", "echo", "hello"], 0);
    person.types(
        &["exec", "all", "-c", "exit 3", "--timeout", "1m", "--max-parallel", "1", "--max-failures", "1", "--reason", "a look"],
        1,
    );
    person.types(&["exec", "all", "--dry-run", "-e", "A=b", "--on-offline", "wait 5m", "--", "echo"], 0);
    person.types(&["exec", "nobody", "--", "echo"], 2);
    for look in [["logs", "hello#1"], ["why", "hello#1"], ["describe", "hello#1"]] {
        person.types(&look, 0);
    }
    person.types(&["run", "asks"], 0);
    person.scene.controller.api().wait_status("asks%231", "waiting");
    let open = person.reads(&["get", "prompts", "-o", "json"]);
    let prompt = open["items"][0]["id"].as_str().or_else(|| open[0]["id"].as_str()).unwrap().to_owned();
    person.types(&["describe", "prompt", &prompt], 0);
    person.types(&["answer", "asks#1", "yes", "--comment", "so be it"], 0);
    person.types(&["run", "fails", "--follow"], 1);
    person.types(&["retry", "fails#1", "--follow"], 1);
    person.types(&["run", "waits"], 0);
    person.types(&["cancel", "waits#1", "--reason", "enough", "--kill"], 0);
    person.types(&["run", "unknown"], 0);
    person.scene.wait_witnessed(1);
    person.scene.agents[0].kill_shims();
    let execution = person.scene.controller.api().wait_status("unknown%231", "waiting");
    let attempt = execution["steps"][0]["targets"][0]["attempts"][0]["id"].as_str().unwrap();
    person.types(&["resolve", "unknown#1", attempt, "failed", "--reason", "it was killed"], 0);
}

fn identity(person: &Person<'_>) {
    person.types(&["whoami"], 0);
    let token = person
        .types(&["tokens", "create", "ci", "--role", "viewer", "--verb", "view", "--workflow", "hello", "--expires", "30d"], 0);
    assert!(token.starts_with("pulse_api_"), "the value alone: {token}");
    person.types(&["tokens", "list"], 0);
    person.types(&["tokens", "revoke", "ci"], 0);
    person.types(&["get", "users"], 0);
    for look in ["list", "verify"] {
        person.types(&["audit", look], 0);
    }
}

fn looks(person: &Person<'_>) {
    person.types(&["version"], 0);
    person.types(&["doctor"], 0);
    for kind in ["workflows", "schedules", "executions", "prompts", "agents", "groups", "pauses", "sources", "syncs", "tokens"] {
        person.types(&["get", kind], 0);
    }
    let filters = [
        "--workflow",
        "hello",
        "--status",
        "failed",
        "--label",
        "a=b",
        "--started-by",
        "admin",
        "--agent",
        "a1",
        "--since",
        "2h",
    ];
    person.types(&[&["get", "executions"][..], &filters].concat(), 0);
    person.types(&["get", "prompts", "--all"], 0);
    person.types(&["get", "pauses", "--all"], 0);
    for (kind, name) in [("workflow", "hello"), ("schedule", "nightly"), ("agent", "a1"), ("source", "default")] {
        person.types(&["describe", kind, name], 0);
    }
    let folder = person.scene.path("source");
    person.types(&["plan", folder.to_str().unwrap()], 0);
}

fn brakes(person: &Person<'_>) {
    person.types(&["pause", "workflow/hello", "--reason", "maintenance", "--expires", "1h"], 0);
    person.types(&["resume", "workflow/hello"], 0);
    person.types(&["agents", "token", "--uses", "2", "--label", "role=web"], 0);
    person.types(&["agents", "cordon", "a2", "--reason", "a new disk"], 0);
    person.types(&["agents", "uncordon", "a2"], 0);
    person.types(&["agents", "drain", "a2", "--reason", "a new house"], 0);
    person.types(&["agents", "replace", "a2"], 0);
    person.types(&["agents", "revoke", "a2"], 0);
    // More than three objects are gone, and more than a tenth of what is live: a person must confirm it.
    for name in ["hello", "fails", "asks", "waits"] {
        std::fs::remove_file(person.scene.source(&format!("{name}.yaml"))).unwrap();
    }
    std::fs::remove_file(person.scene.source("nightly.yaml")).unwrap();
    person.types(&["reconcile"], 1);
    let syncs = person.reads(&["get", "syncs", "-o", "json"]);
    let held = syncs["items"].as_array().or_else(|| syncs.as_array()).unwrap()[0].clone();
    let (id, digest) = (held["id"].as_str().unwrap(), held["planDigest"].as_str().unwrap());
    person.types(&["describe", "sync", id], 0);
    person.types(&["confirm", id, "--yes", "--plan-digest", digest], 0);
}
