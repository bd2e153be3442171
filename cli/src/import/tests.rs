//! Whole definitions: what they become, and what is said of them.

use super::note::Level;
use super::{Import, InputError, Options, TimeoutUnit, convert};
use crd_schemas::manifest::{Action, OnOffline, ScheduledAction, Workflow};
use crd_schemas::{Manifest, Severity, parse_file};
use serde_json::{Value, json};

fn import(value: &Value) -> Import {
    convert(&value.to_string(), options()).expect("it reads")
}
fn options() -> Options<'static> {
    Options { unit: TimeoutUnit::Auto, name: None, otherwise: "file" }
}

/// The only manifest, which is valid.
fn manifest(value: &Value) -> (Manifest, Import) {
    let import = import(value);
    let [only] = import.manifests.as_slice() else { panic!("{:#?}", import.notes) };
    let parsed = parse_file("a.yaml", only.text.as_bytes());
    assert_eq!(parsed.problems, [], "{}", only.text);
    let document = parsed.documents.into_iter().next().expect("a manifest");
    let problems = pulse_core::definitions::problems(std::slice::from_ref(&document));
    assert!(problems.iter().all(|problem| problem.severity == Severity::Warning), "{problems:#?}\n{}", only.text);
    (document.manifest, import)
}
fn workflow(value: &Value) -> (Workflow, Import) {
    match manifest(value) {
        (Manifest::Workflow(workflow), import) => (workflow, import),
        (other, _) => panic!("{other:?}"),
    }
}
/// The errors of a definition that gives no manifest.
fn errors(value: &Value) -> Vec<String> {
    let import = import(value);
    assert!(import.manifests.is_empty() && import.left_out == 1, "{import:#?}");
    import.notes.0.iter().filter(|note| note.level == Level::Error).map(ToString::to_string).collect()
}
fn said(import: &Import, level: Level) -> Vec<String> {
    import.notes.0.iter().filter(|note| note.level == level).map(ToString::to_string).collect()
}

fn update() -> Value {
    json!({"name": "System Update", "description": "Ask, then upgrade.", "id": "0b1c", "created_at": "2024-01-01", "definition": {"steps": [
        {"name": "Update package list", "type": "execute", "targets": ["all"], "command": "apt-get update", "timeout": 600_000, "retries": 2},
        {"name": "Approve", "type": "prompt", "message": "Proceed?", "options": ["Yes", "No"]},
        {"name": "Upgrade", "type": "execute", "targets": ["all"], "command": "apt-get upgrade -y; echo done", "condition": "promptResponse === 'Yes'", "timeout": 300},
        {"name": "Reboot?", "type": "prompt", "options": ["Yes", "No"]},
        {"name": "Reboot", "type": "execute", "targets": ["web-1"], "command": "sudo reboot", "condition": "promptResponse === 'Yes'"}
    ]}})
}

#[test]
fn the_interactive_update_reads_as_its_author_would_write_it() {
    let (found, import) = workflow(&update());
    assert_eq!((found.metadata.name.as_str(), import.notes.worst()), ("system-update", Some(Level::Note)));
    let expected = r#"# yaml-language-server: $schema=../../crd-schemas/schemas/workflow.json
apiVersion: pulse.dev/v1
kind: Workflow
metadata:
  name: system-update
  annotations: {imported-from: "System Update"}
spec:
  description: Ask, then upgrade.
  steps:
    # import: `targets`: where every target is offline the step is left out; the old PULSE failed it
    - id: update-package-list
      name: Update package list
      type: execute
      targets: [all]
      maxParallel: 1
      onOffline: skip
      command: apt-get update
      timeout: 10m
      retry: {attempts: 3, backoff: 2s, maxBackoff: 2s}
"#;
    assert!(import.manifests[0].text.starts_with(expected), "{}", import.manifests[0].text);
    let text = &import.manifests[0].text;
    assert!(
        text.contains("      when: steps.approve.answer == \"Yes\"\n")
            && text.contains("      when: steps.reboot.answer == \"Yes\"\n"),
        "{text}"
    );
    assert!(text.contains("      command: |-\n        set +e\n        apt-get upgrade -y; echo done\n"), "{text}");
    assert!(text.contains("      message: \"Please choose an option:\"\n"), "{text}");
    let Action::Execute(reboot) = &found.spec.steps[4].action else { panic!("{text}") };
    assert!(reboot.expect_disconnect && reboot.on_offline == OnOffline::Fail && reboot.timeout.to_string() == "5m", "{reboot:?}");
    let Action::Prompt(prompt) = &found.spec.steps[1].action else { panic!("{text}") };
    assert_eq!(prompt.timeout.map(|timeout| timeout.to_string()).as_deref(), Some("1h"));
}

#[test]
fn parse_route_and_goto_keep_their_ways() {
    let (found, import) = workflow(&json!({"params": {"Limit": "80"}, "steps": [
        {"id": "Check", "type": "execute", "targets": ["db-1"], "command": "df --output=pcent / | sed 's/^/PCT=/'", "timeout": 30},
        {"id": "read", "type": "parse"},
        {"id": "choose", "type": "route", "conditions": [
            {"if": "state.pct > 90", "goto": "clean", "label": "Full"}, {"label": "never"}, {"if": "state.pct > params.Limit", "goto": "ask"},
            {"default": true, "goto": "end"}, {"if": "true", "goto": "ask"}
        ]},
        {"id": "ask", "type": "prompt", "message": "{{Limit}} % on {{ Limit }}?", "options": ["Go on", {"value": "Again", "goto": "Check"}]},
        {"id": "clean", "type": "execute", "targets": ["db-1"], "command": "echo \"{{Limit}}\"; docker ps --format '{{.Names}}'", "timeout": 30, "goto": "later"},
        {"id": "never", "type": "wait", "duration": 1},
        {"id": "later", "type": "wait", "duration": 5000, "condition": "state.pct === undefined"}
    ]}));
    assert_eq!(found.metadata.name, "file");
    let Action::Route(route) = &found.spec.steps[2].action else { panic!("{found:?}") };
    let routes: Vec<_> =
        route.routes.iter().map(|case| (case.condition.as_deref(), case.default, case.goto.as_deref())).collect();
    assert_eq!(
        routes,
        [
            (Some("state.contains(\"pct\") && int(state.pct) > 90"), false, Some("clean")),
            (Some("state.contains(\"pct\") && state.pct > params.limit"), false, Some("ask")),
            (None, true, Some("end")),
        ]
    );
    let Action::Prompt(prompt) = &found.spec.steps[3].action else { panic!("{found:?}") };
    assert_eq!(
        (prompt.message.as_str(), prompt.options[1].goto.as_deref()),
        ("{{ params.limit }} % on {{ params.limit }}?", Some("check"))
    );
    assert_eq!(found.spec.steps[4].goto.as_deref(), Some("later"));
    let checks = said(&import, Level::Check);
    assert_eq!(checks.len(), 2, "{checks:#?}");
    assert!(
        checks[0].contains("step 3 \"choose\", `conditions.3.if`: was `state.pct > params.Limit`")
            && checks[0].contains("int(…)"),
        "{checks:#?}"
    );
    assert!(checks[1].contains("no way leads to this step"), "{checks:#?}");
    assert!(import.manifests[0].text.contains("    # import: CHECK: `conditions.3.if`: was"), "{}", import.manifests[0].text);
}

#[test]
fn targets_become_names_that_agents_can_have() {
    let (found, import) = workflow(&json!({"steps": [
        {"type": "execute", "targets": ["Web_01", "group:db", "db-1", "db-1"], "command": "true", "timeout": 5},
        {"type": "parse"},
        {"type": "execute", "targets": ["a", "b"], "command": "true", "timeout": 5},
        {"type": "parse"},
        {"type": "execute", "targets": "0b1c2d3e-0000-4000-8000-000000000000", "command": "true", "timeout": 5}
    ]}));
    let Action::Execute(first) = &found.spec.steps[0].action else { panic!("{found:?}") };
    assert_eq!(
        (first.targets.items(), first.max_parallel, first.on_offline),
        (&["web-01", "db", "db-1"].map(str::to_owned)[..], 1, OnOffline::Skip)
    );
    let agents: Vec<_> = found
        .spec
        .steps
        .iter()
        .filter_map(|step| if let Action::Parse(parse) = &step.action { Some(parse.agent.as_deref()) } else { None })
        .collect();
    assert_eq!(agents, [None, Some("b")]);
    let checks = said(&import, Level::Check).join("\n");
    for part in [
        "\"Web_01\" is written as `web-01`",
        "`db` is a group",
        "looks like the id of a worker",
        "where the step before ran on several",
        "that was \"b\"",
    ] {
        assert!(checks.contains(part), "{part}: {checks}");
    }
}

#[test]
fn errors_name_the_step_the_condition_and_the_remedy() {
    let found = errors(&json!({"name": "X", "steps": [
        {"type": "execute", "targets": ["a"], "command": "echo '{{name}}'", "timeout": 1500},
        {"name": "Ask", "type": "execute", "targets": [], "command": "", "condition": "state.constructor.constructor('x')()", "retries": "x"},
        {"name": "Go", "type": "wait", "goto": "nowhere"},
        {"type": "sleep"},
        {"type": "route", "conditions": [{"if": "missing === 1"}]},
        {"type": "prompt", "options": [{}]},
        7
    ]}));
    let all = found.join("\n");
    for part in [
        "error: workflow \"X\", step 1 \"Step 1\", `timeout`: 1500 could be seconds or milliseconds\nhelp: say which with `--timeout-unit s`",
        "step 2 \"Ask\", `condition`: `state.constructor.constructor('x')()` cannot be translated",
        "step 2 \"Ask\", `targets`: nobody is named",
        "step 2 \"Ask\", `command`: there is no command",
        "step 2 \"Ask\", `retries`: \"x\" is no number, so the old PULSE would have tried for ever",
        "step 3 \"Go\", `duration`: nothing says how long it waits",
        "step 4 \"Step 4\": there is no type of steps \"sleep\"",
        "step 5 \"Step 5\", `conditions.1.if`: `missing === 1` cannot be translated",
        "step 6 \"Step 6\", `options`: an option is no text",
        "step 7 \"Step 7\": this is no step",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert!(found.iter().all(|error| error.contains("\nhelp: ")), "{all}");
}

#[test]
fn the_controllers_own_refusals_are_errors_with_their_places() {
    let quoted = errors(
        &json!({"steps": [{"name": "Say", "type": "execute", "targets": ["a"], "command": "echo '{{name}}'", "timeout": 5}], "params": ["name"]}),
    );
    assert!(
        quoted[0].contains("step 1 \"Say\", `command`")
            && quoted[0].contains("single quotes")
            && quoted[0].contains("import it again"),
        "{quoted:?}"
    );
    let early = errors(&json!({"steps": [{"name": "Say", "type": "wait", "duration": 1, "condition": "state.a === '1'"}]}));
    assert!(early[0].contains("step 1 \"Say\", `when`") && early[0].contains("`state` holds nothing here"), "{early:?}");
    let nobody =
        errors(&json!({"steps": [{"name": "Say", "type": "wait", "duration": 1, "condition": "promptResponse === '1'"}]}));
    assert!(nobody[0].contains("no `prompt` step comes before"), "{nobody:?}");
    let cron = errors(
        &json!({"name": "s", "command": "true", "schedule_type": "cron", "schedule_value": "every day", "targets": ["a"]}),
    );
    assert!(cron[0].contains("scheduled command \"s\", `spec.cron`"), "{cron:?}");
}

#[test]
fn an_empty_condition_is_none_and_a_blank_one_an_error() {
    let steps = |condition: &str| json!({"steps": [{"type": "wait", "duration": 1, "condition": condition}]});
    let (found, import) = workflow(&steps(""));
    assert_eq!((found.spec.steps[0].when.as_deref(), import.notes.worst()), (None, Some(Level::Note)));
    assert!(errors(&steps(" "))[0].contains("the condition is empty, which the old PULSE took for false"));
}

#[test]
fn an_answer_that_could_be_several_prompts_is_told() {
    let (_, import) = workflow(&json!({"steps": [
        {"id": "a", "type": "prompt", "options": ["1", {"value": "2", "goto": "c"}]},
        {"id": "b", "type": "prompt", "condition": "promptResponse === '1'"},
        {"id": "c", "type": "wait", "duration": 1, "condition": "promptResponse !== '2'"}
    ]}));
    let checks = said(&import, Level::Check);
    assert_eq!(checks.len(), 1, "{checks:?}");
    assert!(checks[0].contains("`b` and not that of `a`; a `goto` can jump over `b`"), "{checks:?}");
    assert!(
        import.manifests[0].text.contains("when: steps.b.status != \"succeeded\" || steps.b.answer != \"2\""),
        "{}",
        import.manifests[0].text
    );
}

#[test]
fn credentials_are_told_and_not_shown() {
    let (_, import) = workflow(
        &json!({"steps": [{"type": "execute", "targets": ["a"], "command": "curl -u bob --password=hunter2 x", "timeout": 5}]}),
    );
    let checks = said(&import, Level::Check).join("\n");
    assert!(checks.contains("looks like a password or token") && !checks.contains("hunter2"), "{checks}");
    let wrong = errors(
        &json!({"steps": [{"type": "execute", "targets": ["a"], "command": "curl --password=hunter2 '{{x}}'", "timeout": 5}], "params": ["x"]}),
    );
    assert!(!wrong.join("\n").contains("hunter2"), "{wrong:?}");
}

#[test]
fn scheduled_commands_become_schedules() {
    let row = |kind: &str, value: &str| json!({"id": 1, "name": "Clean Up", "command": "find /tmp -mtime +7 -name '{{x}}' -delete", "schedule_type": kind, "schedule_value": value, "enabled": 0, "worker_ids": "[\"web-1\"]", "next_run": null});
    for (kind, value, expected) in [
        ("cron", "0 3 * * *", "cron: \"0 3 * * *\""),
        ("daily", "02:30", "cron: \"30 2 * * *\""),
        ("hourly", "", "cron: \"@hourly\""),
        ("interval", "15m", "every: 15m"),
    ] {
        let (found, import) = manifest(&row(kind, value));
        let Manifest::Schedule(schedule) = found else { panic!("{found:?}") };
        let ScheduledAction::Command(execute) = &schedule.spec.action else { panic!("{schedule:?}") };
        assert_eq!(
            (schedule.metadata.name.as_str(), schedule.spec.suspend, execute.targets.items()),
            ("clean-up", true, &["web-1".to_owned()][..])
        );
        assert!(import.manifests[0].text.contains(expected), "{}", import.manifests[0].text);
        assert!(
            import.manifests[0].text.starts_with("# yaml-language-server: $schema=../../crd-schemas/schemas/schedule.json\n")
        );
        assert_eq!(import.manifests[0].file, "clean-up.schedule.yaml");
    }
    for (kind, value) in [("interval", "15"), ("hourly", "3"), ("daily", "25:00"), ("weekly", "1"), ("cron", "")] {
        assert_eq!(errors(&row(kind, value)).len(), 1, "{kind} {value}");
    }
}

#[test]
fn rows_of_a_list_stand_by_themselves() {
    let steps = json!([{"type": "wait", "duration": 1}]);
    let found = import(&json!([
        {"name": "A b", "definition": json!({"steps": steps}).to_string()},
        {"name": "a-B", "definition": {"steps": steps, "webhook": "x"}, "webhook_url": "https://x", "updated_at": "now"},
        {"name": "wrong", "definition": {"steps": []}},
        {"steps": steps, "params": {}}
    ]));
    let files: Vec<&str> = found.manifests.iter().map(|manifest| manifest.file.as_str()).collect();
    assert_eq!((files, found.left_out), (vec!["a-b.yaml", "a-b-2.yaml", "file-4.yaml"], 1));
    assert!(said(&found, Level::Check)[0].contains("left out: `webhook_url`, `webhook`"), "{found:#?}");
    assert!(found.manifests[1].text.contains("annotations: {imported-from: a-B}"), "{}", found.manifests[1].text);
}

#[test]
fn what_is_no_definition_is_refused_as_a_whole() {
    let message = |text: &str| convert(text, options()).map_err(|InputError { message, .. }| message).expect_err(text);
    for (text, part) in [
        ("", "ends too early: line 1"),
        ("{\"steps\": hunter2}", "no JSON: line 1, column 11"),
        ("[]", "the list is empty"),
        ("7", "this is no definition"),
        ("{}", "it has neither"),
        ("[{\"steps\": []}, 1]", "entry 2"),
        ("{\"definition\": \"{\"}", "`definition` is no JSON"),
        ("{\"definition\": 1}", "`definition` is no object"),
    ] {
        assert!(message(text).contains(part) && !message(text).contains("hunter2"), "{text}: {}", message(text));
    }
    let named = Options { name: Some("x"), ..options() };
    assert!(convert("[{\"steps\": []}, {\"steps\": []}]", named).is_err_and(|error| error.message.contains("--name")));
    assert!(message(&format!("{}{}", "[".repeat(5000), "]".repeat(5000))).contains("no JSON"));
}
