use crate::harness::Server;
use pulse_settings::{CONTROLLER, Environment, Layers};
use serde_json::Value;

#[test]
fn every_setting_is_told_with_its_origin_and_no_secret() {
    let environment: Environment = [
        ("PULSE_ADMIN_TOKEN", "hunter2-hunter2-hunter2"),
        ("PULSE_DATABASE_URL", "mariadb://pulse:hunter2@db/pulse"),
        ("PULSE_LOG", "debug"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    let server = Server::told(|config| {
        config.layers = Layers::without_file(&CONTROLLER, &[], &environment, &mut Vec::new());
        config.warnings = vec!["a word".to_owned()];
    });
    let answer = server.get("/api/v1/settings").ok();
    assert!(!answer.to_string().contains("hunter2"), "{answer:#}");
    let all = answer["items"].as_array().unwrap();
    assert_eq!(all.len(), CONTROLLER.built().count());
    let of = |name: &str| all.iter().find(|one| one["name"] == name).unwrap();
    let (log, token, url) = (of("log"), of("adminToken"), of("publicUrl"));
    assert_eq!((&log["value"], &log["origin"], &log["place"]), (&"debug".into(), &"environment".into(), &"PULSE_LOG".into()));
    assert_eq!((&log["live"], &log["waiting"], &token["value"]), (&true.into(), &false.into(), &"[redacted]".into()));
    assert_eq!((&url["value"], &url["otherwise"], &url["origin"]), (&Value::Null, &"its own address".into(), &"default".into()));
    assert_eq!(answer["warnings"], serde_json::json!(["a word"]));
}
