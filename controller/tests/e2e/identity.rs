//! Tokens on the command line: `pulse tokens`, `pulse whoami`, `pulse get users`, and `pulse-controller break-glass` beside a real
//! controller.

use crate::harness::{Api, Controller, Engine, Scene, free_port, pulse, wait};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(scene: &Scene, token: &str, args: &[&str]) -> Output {
    let mut command = Command::new(pulse());
    command.env_clear().env("PULSE_SERVER", scene.api().address()).env("PULSE_TOKEN", token);
    command.args(args).output().unwrap()
}

/// `pulse-controller break-glass` with these settings.
fn break_glass(settings: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse-controller"));
    command.env_clear().envs(settings.iter().copied()).arg("break-glass").args(args).output().unwrap()
}

const WHY: [&str; 4] = ["--name", "anna", "--reason", "the provider is down"];

#[test]
fn a_token_is_made_used_listed_and_revoked_on_the_command_line() {
    let mut scene = Scene::new("identity: tokens");
    scene.set_up(&[], 5);
    let admin = scene.api().admin_token().to_owned();
    let made = run(&scene, &admin, &["tokens", "create", "ci", "--role", "viewer", "--expires", "1d", "--reason", "a test"]);
    let token = text(&made.stdout).trim_end().to_owned();
    assert!(made.status.success() && token.starts_with("pulse_api_") && !token.contains('\n'), "{}", text(&made.stderr));
    let who = run(&scene, &token, &["whoami"]);
    assert!(text(&who.stdout).contains("token:ci") && text(&who.stdout).contains("viewer"), "{}", text(&who.stdout));
    assert_eq!(run(&scene, &token, &["get", "executions"]).status.code(), Some(0));
    let refused = run(&scene, &token, &["exec", "all", "--", "uptime"]);
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("forbidden"), "{}", text(&refused.stderr));
    assert_eq!(run(&scene, &token, &["get", "users"]).status.code(), Some(2), "a viewer reads no list of people");
    assert_eq!(run(&scene, &admin, &["get", "users"]).status.code(), Some(0));
    let listed = text(&run(&scene, &admin, &["tokens", "list"]).stdout);
    assert!(listed.contains("ci") && listed.contains("active") && !listed.contains(&token), "{listed}");
    assert!(run(&scene, &admin, &["tokens", "revoke", "ci"]).status.success());
    assert_eq!(run(&scene, &token, &["whoami"]).status.code(), Some(2));
    let again = run(&scene, &admin, &["tokens", "create", "ci", "--role", "viewer"]);
    assert!(text(&again.stderr).contains("name_taken"), "{}", text(&again.stderr));
}

#[test]
fn the_glass_is_broken_beside_the_controller_and_nowhere_else() {
    let mut scene = Scene::new("identity: break glass");
    scene.set_up(&[], 5);
    let (address, admin) = (scene.api().address().to_owned(), scene.api().admin_token().to_owned());
    let listen = address.strip_prefix("http://").unwrap();
    let folder = scene.path("controller").display().to_string();
    let settings = [("PULSE_LISTEN", listen), ("PULSE_ADMIN_TOKEN", admin.as_str()), ("PULSE_DATA_DIR", folder.as_str())];

    let made = break_glass(&settings, &WHY);
    let token = text(&made.stdout).trim_end().to_owned();
    assert!(made.status.success() && token.starts_with("pulse_api_"), "{}", text(&made.stderr));
    assert!(
        text(&made.stderr).contains("opens everything until") && !text(&made.stderr).contains(&token),
        "{}",
        text(&made.stderr)
    );
    let in_need = Api::new(address.clone(), token);
    let session = in_need.get("/api/v1/session");
    assert_eq!(session["principal"]["kind"], "root", "{session}");
    let listed = in_need.get("/api/v1/tokens");
    let kept = &listed["items"][0];
    assert_eq!((&kept["kind"], &kept["reason"]), (&json!("break_glass"), &json!("the provider is down")), "{listed}");
    let (status, _) =
        in_need.try_post("/api/v1/commands", &json!({ "targets": ["all"], "command": "df" }), &[]).expect("an answer");
    assert_eq!(status, 422, "it may everything, and no agent is there");

    let refused = |settings: &[(&str, &str)], args: &[&str], expected: &str| {
        let ended = break_glass(settings, args);
        let said = text(&ended.stderr);
        assert!(
            !ended.status.success() && said.contains(expected) && ended.stdout.is_empty() && !said.contains(&admin),
            "{said}"
        );
    };
    let too_long = [&WHY[..], &["--for", "5h"]].concat();
    refused(&settings, &too_long, "must be between 1s and 4h");
    refused(&settings, &["--name", "anna"], "--reason");
    refused(&settings[..1], &[&WHY[..], &["--data-dir", &folder]].concat(), "admin-token does not exist");
    refused(&[settings[0], ("PULSE_ADMIN_TOKEN", "another-token-than-its-own")], &WHY, "does not know this token");
    let nowhere = format!("127.0.0.1:{}", free_port());
    refused(&[("PULSE_LISTEN", &nowhere), settings[1]], &WHY, "nothing listens at");
}

#[test]
fn the_token_of_the_data_folder_is_found_and_a_controller_that_stands_by_says_so() {
    let mut scene = Scene::on(Engine::MariaDb, "identity: break glass, stand-by");
    scene.set_up(&[], 5);
    let admin = scene.api().admin_token().to_owned();
    let mut second = Controller::named("second", scene.root(), &scene.database.url, admin.clone());
    second.launch(&[]);
    wait("the second one to stand by", || {
        let (_, health) = second.api().try_get("/health/ready")?;
        (health["role"] == "standby").then_some(())
    });
    // As the first start of a controller without a setting leaves it.
    let folder = scene.path("own");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("admin-token"), format!("{admin}\n")).unwrap();
    let folder = folder.display().to_string();
    let at = |api: &Api| {
        let listen = api.address().strip_prefix("http://").unwrap().to_owned();
        break_glass(&[("PULSE_LISTEN", &listen), ("PULSE_DATA_DIR", &folder)], &WHY)
    };
    let open = at(scene.api());
    assert!(!open.status.success() && text(&open.stderr).contains("chmod 600"), "{}", text(&open.stderr));
    std::fs::set_permissions(format!("{folder}/admin-token"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let made = at(scene.api());
    assert!(made.status.success() && text(&made.stdout).starts_with("pulse_api_"), "{}", text(&made.stderr));
    let refused = at(second.api());
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("where another one is active, run this on its machine"), "{said}");
    second.kill();
    second.bury();
}
