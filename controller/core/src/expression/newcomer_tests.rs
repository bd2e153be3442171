//! What people write who know other languages, and the exact answer that each gets.

use super::tests::{context, scope};
use super::*;

/// What a text is told: when it is compiled, or else when it is evaluated.
fn answer(text: &str) -> String {
    let compiled = Expression::compile(text, &scope());
    let (when, outcome) = match compiled {
        Ok(expression) => ("evaluated", expression.evaluate(&context())),
        Err(error) => ("compiled", Err(error)),
    };
    let error = match outcome {
        Ok(result) => return format!("{text}\n  {result}"),
        Err(error) => error,
    };
    assert!(text.is_char_boundary(error.offset), "{text}");
    let help = error.help.unwrap_or("-".into());
    format!("{text}\n  {when}, {}: {}\n    mend: {help}", error.offset, error.message)
}

fn answers(texts: &[&str]) -> String {
    texts.iter().map(|text| answer(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn operators_of_other_languages() {
    insta::assert_snapshot!(answers(&[
        "params.dry & params.dry",
        "params.dry | params.dry",
        "params.x | lower == \"yes\"",
        "params.dry AND params.dry",
        "params.dry OR params.dry",
        "params.dry or params.dry",
        "NOT params.dry",
        "not params.dry",
        "\"a\" not in params.hosts",
        "params.x is \"Yes\"",
        "params.x is not \"Yes\"",
        "params.x <> \"Yes\"",
        "params.x ~= \"Y.*\"",
        "params.x =~ \"Y.*\"",
        "params.x = \"Yes\"",
        "params.count=3",
        "params.count >= 3 && params.count <= 5",
        "params.count => 3",
        "-5 < params.count < 5",
        "params.count ** 2 == 9",
        "params.count =< 3",
        "params.x eq \"Yes\"",
        "params.x ne \"Yes\"",
        "params.count -gt 5",
        "if params.dry",
        "params.dry;",
        "params.x == \"Yes\" || \"No\"",
        "params.x == (\"Yes\" || \"No\")",
        "params.count == 1 || 2",
        "!params.x == \"Yes\"",
        "!params.count",
        "params.count && true",
        "true && params.x",
    ]));
}

#[test]
fn values_of_other_languages() {
    insta::assert_snapshot!(answers(&[
        "steps.check.exitCode == null",
        "params.x == nil",
        "params.x == None",
        "params.x == undefined",
        "params.dry == true",
        "params.dry == True",
        "params.dry == FALSE",
        "params.dry == \"true\"",
        "\"false\" != params.dry",
        "params.dry == \"yes\"",
        "params.x == true",
        "true == params.x",
        "params.x == params.dry",
        "params.count > \"5\"",
        "\"5\" < params.count",
        "params.count == \"many\"",
        "steps.check.exitCode == \"0\"",
        "state.disk > \"9\"",
        "state.disk > 80",
        "params.ratio > \"0.5\"",
        "\"count: \" + params.count == \"\"",
        "params.x - 1 == 0",
        "int(state.disk) > 80%",
        "int(\"85%\") > 80",
        "int(\"8.5\") > 80",
        "float(\"fast\") > 80.0",
        "params.hosts == \"a\"",
        "params.hosts == [\"a\"]",
        "params.hosts[0] == \"a\"",
        "3 in params.hosts",
        "params.hosts.contains(3)",
        "params.hosts > 2",
        "state.agents == \"\"",
        "steps.check.exitCode",
        "steps.check.stdout",
    ]));
}

#[test]
fn paths_as_newcomers_write_them() {
    insta::assert_snapshot!(answers(&[
        "state[\"disk\"] == \"85\"",
        "state['disk'] == \"85\"",
        "state.get(\"disk\") == \"85\"",
        "steps.check.exit_code == 0",
        "steps.check.exitcode == 0",
        "steps.check.rc == 0",
        "steps.check.output.contains(\"ready\")",
        "steps.check.stdout.contains(\"ready\")",
        "steps.check.stdout.contains(ready)",
        "steps.check.stdout.contains('ready')",
        "steps.check.stdout == \"ready\"",
        "steps.check.stdout.trim == \"ready\"",
        "params.x.to_lower == \"yes\"",
        "promptResponse.trim == \"Yes\"",
        "steps.check.failed",
        "steps.approve.succeeded",
        "steps.check",
        "steps",
        "\"check\" in steps",
        "len(steps) > 1",
        "check.exitCode == 0",
        "check == \"ok\"",
        "count > 5",
        "x == \"Yes\"",
        "$params.x == \"Yes\"",
        "${{ params.x }} == \"Yes\"",
        "params.X == \"Yes\"",
        "params.package == \"nginx\"",
        "params[\"package\"] == \"nginx\"",
        "params.x == \"a\" && steps[\"my-step\"].match == 1",
        "steps.check.stdout == new",
        "steps.check.agents.web-1.exitCode == 0",
        "steps[\"my-step\"].agents.web-1.status == \"failed\"",
        "steps.several.agents.db.example.exitCode == 0",
        "steps.several.agents.web == 1",
        "steps.several.agents == 2",
        "steps.several.agents",
        "steps.several.agents.count == 2",
        "steps.several.agents.size() == 2",
        "steps.several.agents.len == 2",
        "len(steps.several.agents) > \"1\"",
        "\"web-1\" in steps.approve.agents",
        "len(steps.approve.agents) == 1",
        "steps.several.agents.contains(1)",
        "steps.several.agents.trim() == \"\"",
        "steps.approve.answer == Yes",
        "promptResponse == yes",
        "env.HOME == \"/root\"",
    ]));
}

#[test]
fn functions_of_other_languages() {
    insta::assert_snapshot!(answers(&[
        "params.x.length() == 3",
        "params.x.size() == 3",
        "params.x.count() == 3",
        "params.x.startswith(\"Y\")",
        "params.x.startsWith(\"Y\")",
        "params.x.lower() == \"yes\"",
        "params.x.toUpperCase() == \"YES\"",
        "params.x.strip() == \"Yes\"",
        "params.x.matches(\"Y.*\")",
        "params.hosts.includes(\"a\")",
        "params.hosts.has(\"a\")",
        "params.hosts.indexOf(\"a\") >= 0",
        "str(params.count) == \"-3\"",
        "bool(params.x)",
        "success()",
        "failure()",
        "always()",
        "defined(state.size)",
        "params.x.contains(5)",
        "trim(params.count) == \"\"",
        "len(params.count) == 2",
        "int(params.dry) == 1",
    ]));
}
