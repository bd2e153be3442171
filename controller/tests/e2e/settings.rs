//! Settings of the real programs: printed with their origins, and read again on SIGHUP, whole or not at all.

use crate::gitea::sign;
use crate::harness::{Forge, Scene, agent_program, controller_program, manifest, wait};
use rcgen::generate_simple_self_signed;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const OLD: &str = "the-old-secret-of-the-webhook";
const NEW: &str = "the-new-secret-of-the-webhook";

/// A scene whose controller has this file of settings.
fn scene(name: &str, text: &str) -> Scene {
    let mut scene = Scene::new(name);
    let file = scene.path("controller.yaml");
    std::fs::write(&file, text).unwrap();
    scene.controller.set([("PULSE_CONFIG", file.display().to_string())]);
    scene
}

/// Writes the file anew, and waits until the controller has said this of it.
fn read_again(scene: &Scene, text: &str, said: &str) {
    let words = "the settings were read again";
    let before = scene.controller.log().matches(words).count();
    std::fs::write(scene.path("controller.yaml"), text).unwrap();
    scene.controller.signal("HUP");
    let log = wait("the settings to be read again", || {
        let log = scene.controller.log();
        (log.matches(words).count() > before).then_some(log)
    });
    let line = log.lines().rfind(|line| line.contains(words)).unwrap();
    assert!(line.contains(said), "{line}");
}

fn setting(scene: &Scene, name: &str) -> Value {
    let all = scene.controller.api().get("/api/v1/settings");
    all["items"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} in {all:#}")).clone()
}

fn deliver(scene: &Scene, secret: &str) -> u16 {
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("X-Gitea-Event", "push".to_owned()),
        ("X-Gitea-Signature", sign(secret, crate::gitea::PUSH.as_bytes())),
    ];
    scene.controller.api().deliver("/webhooks/gitea", &headers, crate::gitea::PUSH)
}

#[test]
fn sighup_takes_over_what_it_may_and_says_the_rest() {
    let mut scene = scene("settings: SIGHUP", "");
    let hook = scene.path("hook");
    let text = |more: &str| format!("webhookSecretFile: {}\nsourcePoll: 1h\n{more}", hook.display());
    std::fs::write(&hook, OLD).unwrap();
    std::fs::write(scene.path("controller.yaml"), text("")).unwrap();
    scene.controller.start(&[]);
    assert_eq!([OLD, NEW].map(|secret| deliver(&scene, secret)), [202, 401]);
    read_again(&scene, &text(""), "changed=\"\" restart=\"\"");

    // The secret's file, a rate, and what takes a restart.
    std::fs::write(&hook, NEW).unwrap();
    let said = "changed=\"rateLimit, webhookSecret\" restart=\"publicUrl\"";
    read_again(&scene, &text("rateLimit: 5000/m\npublicUrl: https://pulse.example.org\n"), said);
    assert_eq!([OLD, NEW].map(|secret| deliver(&scene, secret)), [401, 202]);
    let (rate, url, secret) = (setting(&scene, "rateLimit"), setting(&scene, "publicUrl"), setting(&scene, "webhookSecret"));
    assert_eq!((rate["value"].as_str(), rate["origin"].as_str()), (Some("5000/m"), Some("file")), "{rate}");
    assert!(rate["place"].as_str().unwrap().ends_with("controller.yaml:3"), "{rate}");
    assert_eq!((&url["value"], &url["waiting"]), (&Value::Null, &Value::Bool(true)), "{url}");
    assert_eq!(secret["value"], "[redacted]");
    let log = scene.controller.log();
    assert!(!log.contains(OLD) && !log.contains(NEW), "a secret is in the log");

    // An error anywhere, and nothing of it counts.
    std::fs::write(&hook, OLD).unwrap();
    let before = scene.controller.api().get("/api/v1/settings");
    read_again(&scene, &text("rateLimit: 7/m\nratLimit: 1\n"), "did you mean `rateLimit`?");
    read_again(&scene, &text("rateLimit: 7/m\ntrustedProxies: 0.0.0.0/0\n"), "all stay as they were");
    assert_eq!(scene.controller.api().get("/api/v1/settings"), before);
    assert_eq!([OLD, NEW].map(|secret| deliver(&scene, secret)), [401, 202]);

    let rows = scene.controller.api().get("/api/v1/audit?action=settings.reload");
    let rows: Vec<_> = rows["items"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(rows, ["refused", "refused", "done", "unchanged"]);
    scene.judge();
}

#[test]
fn another_token_for_git_counts_at_the_next_look() {
    let mut scene = scene("settings: a token for Git", "");
    let forge = Forge::with(&[]);
    let token = scene.path("token");
    std::fs::write(&token, "the-token").unwrap();
    let told = forge.settings().into_iter().filter(|(name, _)| *name != "PULSE_SOURCE_TOKEN");
    scene.controller.set(told);
    let text = format!("sourceTokenFile: {}\n", token.display());
    std::fs::write(scene.path("controller.yaml"), &text).unwrap();
    scene.controller.start(&[]);
    let push = |name: &str| {
        let steps = serde_json::json!({ "steps": [crate::harness::step("only", &["a1"], "true")] });
        let commit = forge.repository.replace("main", &[("w.yaml", manifest("Workflow", name, &steps).as_str())].into());
        assert_eq!(forge.deliver(scene.controller.api(), &commit), 202);
    };
    let is_live = |name: &str| {
        scene.controller.api().try_get(&format!("/api/v1/workflows/{name}")).is_some_and(|(status, _)| status == 200)
    };
    push("first");
    wait("the first to be live", || is_live("first").then_some(()));
    forge.rotate_token("another-token");
    push("second");
    wait("the old token to be refused", || {
        let sources = scene.controller.api().get("/api/v1/sources").to_string();
        sources.contains("Unauthorized").then_some(())
    });
    assert!(!is_live("second") && is_live("first"));
    std::fs::write(&token, "another-token").unwrap();
    read_again(&scene, &text, "changed=\"sourceToken\"");
    push("third");
    wait("the third to be live", || is_live("third").then_some(()));
}

#[test]
fn a_place_to_sign_in_comes_and_goes() {
    let mut scene = scene("settings: OpenID Connect", "");
    scene.controller.start(&[]);
    let providers = || {
        let (status, session) = scene.controller.api().get_as_stranger("/api/v1/session");
        assert_eq!(status, 401);
        session["providers"].to_string()
    };
    assert_eq!(providers(), "[]");
    let secret = scene.path("client");
    std::fs::write(&secret, "what-only-both-know").unwrap();
    let text = format!(
        "oidcIssuer: http://127.0.0.1:9/house\noidcClientId: pulse\noidcClientSecretFile: {}\noidcName: The House\n",
        secret.display()
    );
    read_again(&scene, &text, "oidcIssuer");
    assert!(providers().contains("The House"), "{}", providers());
    read_again(&scene, "", "oidcIssuer");
    assert_eq!(providers(), "[]");
}

#[test]
fn another_certificate_is_answered_by_at_once() {
    let mut scene = scene("settings: another certificate", "");
    let made = ["one", "other"].map(|name| {
        let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let path = |end: &str| scene.path(&format!("{name}.{end}"));
        std::fs::write(path("pem"), made.cert.pem()).unwrap();
        std::fs::write(path("key"), made.signing_key.serialize_pem()).unwrap();
        let text = format!("tlsCert: {}\ntlsKeyFile: {}\n", path("pem").display(), path("key").display());
        (made.cert.pem(), text)
    });
    let [(one, of_one), (other, of_other)] = made;
    std::fs::write(scene.path("controller.yaml"), &of_one).unwrap();
    scene.controller.secure(&one);
    scene.controller.start(&[]);
    // A certificate beside another one's key is refused, and the one in use stays.
    let mixed = format!("{}\n{}\n", of_other.lines().next().unwrap(), of_one.lines().nth(1).unwrap());
    read_again(&scene, &mixed, "is not the key of the first certificate");
    assert!(scene.controller.api().is_ready());
    read_again(&scene, &of_other, "changed=\"tlsCert, tlsKey\"");
    assert!(!scene.controller.api().clone().secure(&one).is_ready(), "new connections are answered by the other one");
    scene.controller.secure(&other);
    assert!(scene.controller.api().is_ready());
}

#[test]
fn an_agent_takes_other_labels_over_while_its_commands_run() {
    let mut scene = Scene::new("settings: an agent's SIGHUP");
    let held = crate::harness::step(
        "only",
        &["a1"],
        &format!("{}\n{}\n{}", scene.witness.start(), scene.until_go(), scene.witness.end()),
    );
    scene.write_workflow("held", &serde_json::json!({ "steps": [held] }));
    scene.controller.start(&[]);
    scene.enrol("a1", 1);
    let file = scene.path("agent.yaml");
    std::fs::write(&file, "labels: {role: web}\n").unwrap();
    scene.agents[0].start(&[("PULSE_CONFIG".to_owned(), file.display().to_string())]);
    scene.api().wait_online("a1");
    let id = scene.start("held");
    scene.wait_witnessed(1);
    let role = || scene.api().agent("a1").map(|agent| agent.to_string()).filter(|agent| agent.contains("self/role"));
    assert!(role().unwrap().contains(r#""self/role":"web""#), "{:?}", role());
    std::fs::write(&file, "labels: {role: db}\nname: other\n").unwrap();
    scene.agents[0].signal("HUP");
    wait("the other label", || role().filter(|agent| agent.contains(r#""self/role":"db""#)));
    std::fs::write(&file, "labels: {role: none}\nslot: 1\n").unwrap();
    scene.agents[0].signal("HUP");
    wait("the refusal", || scene.agents[0].log().contains("did you mean `slots`?").then_some(()));
    assert!(role().unwrap().contains(r#""self/role":"db""#));
    scene.go();
    assert_eq!(scene.api().wait_ended(&id)["status"], "succeeded");
    scene.judge();
}

fn printed(program: &Path, scene: &Scene, line: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program);
    command.args(line).env_clear().env("HOME", scene.root()).envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn both_programs_print_what_would_count() {
    let scene = Scene::new("settings: printed");
    let file = scene.path("settings.yaml");
    std::fs::write(&file, "log: debug\n").unwrap();
    let config = ("PULSE_CONFIG", file.to_str().unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();

    let told = [config, ("PULSE_ADMIN_TOKEN", "hunter2-hunter2-hunter2"), ("PULSE_LISTN", "x")];
    let table = printed(&controller_program(), &scene, &["settings", "--listen", "127.0.0.1:1"], &told);
    let (said, warned) = (text(&table.stdout), text(&table.stderr));
    let has = |key: &str, words: &[&str]| {
        said.lines().any(|line| line.starts_with(&format!("{key} ")) && words.iter().all(|word| line.contains(word)))
    };
    assert!(has("listen", &["127.0.0.1:1", "flag --listen"]) && has("sourcePoll", &["3m", "default"]), "{said}");
    assert!(has("log", &["debug", &format!("file {}:1", file.display())]), "{said}");
    assert!(has("adminToken", &["[redacted]", "environment PULSE_ADMIN_TOKEN"]) && !said.contains("hunter2"), "{said}");
    assert!(table.status.success() && warned.contains("did you mean PULSE_LISTEN?"), "{warned}");

    let agent = printed(&agent_program(), &scene, &["settings", "-o", "json"], &[config, ("PULSE_SERVER", "http://127.0.0.1:1")]);
    let all: Value = serde_json::from_slice(&agent.stdout).unwrap();
    let of = |name: &str| all["settings"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!((&of("server")["origin"], &of("server")["place"]), (&"environment".into(), &"PULSE_SERVER".into()));
    assert_eq!((&of("log")["value"], &of("slots")["origin"]), (&"debug".into(), &"default".into()));
    let wrong = printed(&agent_program(), &scene, &["settings", "--slots", "0"], &[("PULSE_SERVER", "http://127.0.0.1:1")]);
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("--slots: give a number from 1 to 256"), "{wrong:?}");
}
