use crate::harness::Server;
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/openapi/golden/openapi.json");

/// The kept document is what clients are made of, and its changes are seen in reviews. `UPDATE_OPENAPI=1` rewrites it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test's switch is no setting")]
fn the_kept_document_is_that_of_the_code() {
    let text = format!("{:#}\n", pulse_controller::api::openapi());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(GOLDEN, &text).unwrap();
    }
    let kept = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(kept == text, "{GOLDEN} is stale; run: UPDATE_OPENAPI=1 cargo test -p pulse-controller --test api kept_document");
}

/// The schema is that of the OpenAPI Initiative, with the dialect of JSON Schema that it names for schemas within.
#[test]
fn it_is_openapi_3_1() {
    let meta: Value = serde_json::from_str(include_str!("oas-3.1.schema.json")).unwrap();
    let validator = jsonschema::options().build(&meta).unwrap();
    let document = pulse_controller::api::openapi();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn it_is_open_to_anybody() {
    let server = Server::start();
    let answer = server.send("GET", "/openapi.json", None, &[], b"");
    assert_eq!(answer.ok(), pulse_controller::api::openapi());
    assert_eq!(answer.header("content-type"), "application/json");
}
