//! Programs, whole-set findings, params and digests, from manifests in their JSON form.

use super::*;
use crate::values::{Context, MAX_VALUE_BYTES};
use crd_schemas::{Manifest, Severity};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn workflow(name: &str, params: Value, steps: Value) -> Manifest {
    manifest(json!({"kind": "Workflow", "metadata": {"name": name}, "spec": {"params": params, "steps": steps}}))
}

pub(super) fn manifest(json: Value) -> Manifest {
    serde_json::from_value(json).expect("a manifest")
}

pub(super) fn program(steps: Value) -> Result<Program, Vec<Finding>> {
    let Manifest::Workflow(workflow) = workflow("w", json!([{"name": "x"}]), steps) else { unreachable!("a workflow was made") };
    Program::compile(&workflow)
}

pub(super) fn said(findings: &[(usize, Finding)]) -> String {
    let line = |(index, finding): &(usize, Finding)| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        let Finding { pointer, offset, code, message, help, .. } = finding;
        format!("{index} {pointer} {offset:?} {severity}[{code}]: {message}\n    mend: {}", help.as_deref().unwrap_or("-"))
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn command(step: &super::CompiledStep) -> &super::CompiledExecute {
    step.command().expect("an execute step")
}

#[test]
fn a_workflow_becomes_a_program() {
    let program = program(json!([
        {"id": "check", "type": "execute", "targets": ["a"], "command": "uname"},
        {"id": "quiet", "type": "execute", "targets": ["a"], "command": "true", "shell": "bash"},
        {"id": "use", "type": "execute", "targets": ["a"], "when": "steps.check.stdout == \"Linux\"", "shell": ["python3", "-c"],
         "command": "print(1)", "env": {"WHO": "{{ agent.name }} {{ params.x }}"}},
    ]))
    .expect("a program");
    let captured: Vec<_> = program
        .steps
        .iter()
        .map(|step| (step.spec.id.as_str(), command(step).capture_stdout, command(step).argv.join(" ")))
        .collect();
    let expected = [("check", true, "/bin/sh -e -c"), ("quiet", false, "bash -eo pipefail -c"), ("use", false, "python3 -c")];
    assert_eq!(captured, expected.map(|(id, capture, argv)| (id, capture, argv.to_owned())));
    let (index, used) = program.step("use").expect("the step");
    let agent = crate::values::AgentValue { name: "web-1".into(), ..Default::default() };
    let context = Context { params: [("x".to_owned(), "X".to_owned())].into(), agent: Some(agent), ..Context::default() };
    assert_eq!((index, command(used).env["WHO"].render(&context)), (2, Ok("web-1 X".to_owned())));
}

#[test]
fn every_error_of_a_workflow_is_found_at_once() {
    let findings = program(json!([
        {"id": "a", "type": "execute", "targets": ["a"], "when": "steps.b.status === 1", "command": "echo '{{ params.x }}' {{ params.y }}"},
        {"id": "b", "type": "execute", "targets": ["a"], "when": "steps.b.exitCode == 0", "command": "echo '{{ params.x }}' `{{ params.x }}`",
         "env": {"A/B": "{{ oops }}", "BASH_ENV": "{{ params.x }}", "PS4": "fixed"}},
        {"id": "c", "type": "execute", "targets": ["a"], "when": "state.x == \"1\"", "command": "print({{ params.x }})", "shell": ["python3", "-c"]},
    ]))
    .expect_err("findings");
    insta::assert_snapshot!(said(&findings.into_iter().map(|finding| (0, finding)).collect::<Vec<_>>()));
}

/// What every manifest by itself and the set say, in the order of manifests.
pub(super) fn check(manifests: &[Manifest]) -> Vec<(usize, Finding)> {
    let own =
        manifests.iter().enumerate().flat_map(|(index, manifest)| check_own(manifest).into_iter().map(move |own| (index, own)));
    let all: Vec<&Manifest> = manifests.iter().collect();
    let place = |index: usize| FileRef { path: format!("ops/{index}.yaml"), line: 1 };
    let mut findings: Vec<_> = own.chain(check_set(&all, place)).collect();
    findings.sort_by_key(|(index, _)| *index);
    findings
}

#[test]
fn the_set_is_checked_as_a_whole() {
    let step = |targets: Value| json!([{"id": "a", "type": "execute", "targets": targets, "command": "true"}]);
    let agent = |name: &str| manifest(json!({"kind": "Agent", "metadata": {"name": name}}));
    let group = |name: &str, spec: Value| manifest(json!({"kind": "AgentGroup", "metadata": {"name": name}, "spec": spec}));
    let manifests = [
        workflow("same", json!([]), step(json!(["all", "web-1", "webs", "role=web", "nobody", "Web 1", "a,b"]))),
        workflow("same", json!([]), step(json!(["all"]))),
        agent("web-1"),
        agent("webs"),
        agent("all"),
        agent("same"),
        group("webs", json!({"agents": ["web-1", "db-1", "others", "role=db"], "selector": "role"})),
        group("others", json!({"selector": "role=db"})),
        group("all", json!({})),
    ];
    insta::assert_snapshot!(said(&check(&manifests)));
}

#[test]
fn schedules_are_checked_with_their_set() {
    let schedule = |name: &str, spec: Value| manifest(json!({"kind": "Schedule", "metadata": {"name": name}, "spec": spec}));
    let params = json!([{"name": "ticket", "required": true}, {"name": "channel"}]);
    let step = json!([{"id": "a", "type": "execute", "targets": ["all"], "command": "true"}]);
    let cron = |cron: &str| json!({"cron": cron, "targets": ["all"], "command": "true"});
    let manifests = [
        workflow("update", params, step),
        schedule(
            "good",
            json!({"cron": "30 2 * * *", "timeZone": "Europe/Berlin", "workflow": "update", "params": {"ticket": "1"}}),
        ),
        schedule("far", json!({"every": "1h", "workflow": "updte", "limit": "role"})),
        schedule("bare", json!({"every": "1h", "workflow": "update"})),
        schedule("wrong", json!({"every": "1h", "workflow": "update", "params": {"tickt": "1"}})),
        schedule("update", json!({"every": "1h", "targets": ["nobody", "a,b"], "command": "echo {{ params.x }}"})),
        schedule("env", json!({"every": "1h", "targets": ["all"], "command": "true", "env": {"A/B": "{{ oops }}"}})),
        schedule("jitter", json!({"cron": "*/15 9-17 * * *", "workflow": "update", "params": {"ticket": "1"}, "jitter": "15m"})),
        schedule(
            "zone",
            json!({"cron": "0 0 31 2 *", "timeZone": "Europe/Berlln", "workflow": "update", "params": {"ticket": "1"}}),
        ),
        schedule("either", cron("0 0 13 * FRI")),
        schedule("both", cron("0 0 */2 * 1")),
    ];
    insta::assert_snapshot!(said(&check(&manifests)));
}

#[test]
fn jitter_is_shorter_than_the_gap_of_a_change_of_the_clock() {
    let errors = |zone: &str, jitter: &str| {
        let hours: Vec<String> = (0..24).map(|hour| hour.to_string()).collect();
        let spec = json!({
            "cron": format!("15 {} * * *", hours.join(",")), "timeZone": zone, "jitter": jitter, "targets": ["all"], "command": "true",
        });
        said(&check(&[manifest(json!({"kind": "Schedule", "metadata": {"name": "hourly"}, "spec": spec}))]))
    };
    assert!(errors("Europe/Berlin", "50m").contains("the shortest time between two slots is 15m"));
    assert_eq!((errors("Europe/Berlin", "14m"), errors("UTC", "50m")), (String::new(), String::new()));
}

#[test]
fn wrong_patterns_and_zones_are_said_with_their_place() {
    let mut said = String::new();
    let patterns = [
        "",
        "* * * *",
        "0 30 2 * * *",
        "5 30 2 * * *",
        "0 30 2 * * * 2026",
        "CRON_TZ=UTC 0 0 * * *",
        "60 24 32 13 8",
        "MON * * JAN SUN",
        "0 0 0 * *",
        "*/0 */24 * * *",
        "5/10 * * * *",
        "0 22-2 * * *",
        "0 0 * * FRI-MON",
        "0 0 15W * *",
        "0 0 ? * MON",
        "0 0 * * MON#6",
        "0 0 * * 5L",
        "0 0 1#2 * *",
        "0 0 31 2 *",
        "0 0 30 FEB *",
        "0 0 31 4,6,9,11 *",
        "@dayly",
        "@every 5m",
        "@reboot",
        "-5 * * * *",
        "1,,2 * * * *",
        "a b c d e",
        "* * * * +MON",
        "*-5 * * * *",
        "00005 * * * *",
    ];
    let zones = ["europe/berlin", "Berlin", "Europe/Berlln", "MEZ", "", "+02:00", "Local"];
    let rhythms = patterns
        .map(|cron| (cron, "UTC"))
        .into_iter()
        .chain(zones.map(|zone| ("0 0 * * *", zone)))
        .map(|(cron, zone)| crd_schemas::manifest::Rhythm::Cron { cron: cron.into(), time_zone: zone.into() });
    for rhythm in rhythms {
        said += &format!("{rhythm:?}\n");
        for crate::schedule::TimingError { field, error } in crate::schedule::Timing::compile(&rhythm).expect_err("errors") {
            said += &format!("    {field} {:?}: {} ({})\n", error.at, error.message, error.help.unwrap_or_default());
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_command_on_a_schedule_is_a_workflow_of_one_step() {
    let spec = json!({"every": "1h", "description": "d", "targets": ["all"], "command": "df", "timeout": "5m"});
    let made = manifest(json!({"kind": "Schedule", "metadata": {"name": "disk", "labels": {"a": "b"}}, "spec": spec}));
    let Manifest::Schedule(schedule) = made else { unreachable!("a schedule was made") };
    let workflow = schedule_workflow(&schedule).expect("a command");
    insta::assert_snapshot!(serde_json::to_string_pretty(&workflow).expect("JSON"));
    assert!(Program::compile(&workflow).is_ok());
    let spec = json!({"every": "1h", "targets": ["all"], "script": {"file": "a.sh"}, "files": ["b.conf"]});
    let used = files_of(&manifest(json!({"kind": "Schedule", "metadata": {"name": "disk"}, "spec": spec})));
    let used: Vec<_> = used.iter().map(|file| (file.path.as_str(), file.pointer.as_str())).collect();
    assert_eq!(used, [("a.sh", "/spec/script/file"), ("b.conf", "/spec/files/0")]);
}

#[test]
fn params_are_resolved_or_every_error_is_said() {
    let params = json!([{"name": "ticket", "required": true}, {"name": "channel", "default": "stable"}, {"name": "note"}]);
    let Manifest::Workflow(workflow) = workflow("w", params, json!([])) else { unreachable!("a workflow was made") };
    let resolve = |given: Value| Params::resolve(&workflow.spec.params, serde_json::from_value(given).expect("an object"));
    let values = resolve(json!({"ticket": "OPS-1"})).expect("values");
    assert_eq!(
        values,
        [("ticket", "OPS-1"), ("channel", "stable"), ("note", "")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
    let long = "x".repeat(MAX_VALUE_BYTES + 1);
    let mut said = Vec::new();
    for given in
        [json!({}), json!({"ticket": 5, "channel": null, "note": [1]}), json!({"ticket": "a\0b", "note": long, "other": "x"})]
    {
        said.extend(resolve(given).expect_err("errors").iter().map(ToString::to_string));
    }
    insta::assert_snapshot!(said.join("\n"));
    assert!(resolve(json!({"ticket": "x".repeat(MAX_VALUE_BYTES)})).is_ok());
}

#[test]
fn a_digest_is_of_what_is_said_not_of_how() {
    let digest_of = |json: &str| digest(&serde_json::from_str(json).expect("a manifest"), &Files::new());
    let one = digest_of(r#"{"kind":"Agent","metadata":{"name":"a","labels":{"x":"1","b":"2"}},"spec":{"slots":2}}"#);
    let other = digest_of(r#"{"metadata":{"labels":{"b":"2","x":"1"},"name":"a"},"kind":"Agent","spec":{"slots":2}}"#);
    let changed = digest_of(r#"{"kind":"Agent","metadata":{"name":"a","labels":{"x":"1","b":"2"}},"spec":{"slots":3}}"#);
    assert_eq!(one, other);
    assert_ne!(one, changed);
    // Executions and stored rows hold digests: another form of the same manifest must not change it.
    insta::assert_snapshot!(one);
}

#[test]
fn a_snapshot_reads_back_as_it_was_written() {
    let Manifest::Workflow(workflow) = workflow("w", json!([{"name": "x"}]), json!([])) else {
        unreachable!("a workflow was made")
    };
    let group = AgentGroupSpec { agents: vec!["a".into()], selector: None };
    let snapshot = Snapshot {
        source: "default".into(),
        commit: "abc".into(),
        path: "ops/w.yaml".into(),
        digest: "00".into(),
        workflow,
        groups: [("g".to_owned(), group)].into(),
        files: [("a.sh".to_owned(), PinnedFile { executable: true, content: Arc::new(vec![0, 255]) })].into(),
    };
    let text = serde_json::to_string(&snapshot).expect("JSON");
    assert_eq!(serde_json::from_str::<Snapshot>(&text).expect("a snapshot"), snapshot);
}

fn pinned(content: &str) -> PinnedFile {
    PinnedFile { executable: false, content: Arc::new(content.as_bytes().to_vec()) }
}

#[test]
fn a_script_becomes_a_program_with_plain_arguments() {
    let script = |id: &str, shell: Value, args: Value| json!({"id": id, "type": "execute", "targets": ["a"], "shell": shell, "script": {"file": "s.sh", "args": args}});
    let mut program = program(json!([
        {"id": "check", "type": "execute", "targets": ["a"], "command": "uname"},
        script("named", json!("bash"), json!(["--x={{ params.x }}", "$(touch /x) '{{ steps.check.stdout }}'"])),
        script("list", json!(["python3", "-I"]), json!([])),
    ]))
    .expect("a program");
    assert!(command(&program.steps[0]).capture_stdout, "an argument uses it");
    let argv = |program: &Program, index: usize| program.argv(command(&program.steps[index])).join(" ");
    for (content, expected) in [("echo", ["bash -eo pipefail", "python3 -I"]), ("#!/bin/sh", ["", ""])] {
        program.files = [("s.sh".to_owned(), pinned(content))].into();
        assert_eq!([1, 2].map(|index| argv(&program, index)), expected);
    }
    let CompiledRun::Script { file, args } = &command(&program.steps[1]).run else { panic!("a script") };
    let hostile = "'\"\n`id`$(id)\\;&& {{ params.x }}";
    let context = Context { params: [("x".to_owned(), hostile.to_owned())].into(), ..Context::default() };
    assert_eq!((file.as_str(), args[0].render(&context)), ("s.sh", Ok(format!("--x={hostile}"))));
}

#[test]
fn wrong_arguments_are_found_where_they_stand() {
    let findings = program(json!([{"id": "a", "type": "execute", "targets": ["a"],
        "script": {"file": "s.sh", "args": ["ok", "{{ params.nope }}", "{{ params.x"]}}]))
    .expect_err("findings");
    let pointers: Vec<_> = findings.iter().map(|finding| (finding.pointer.as_str(), finding.code)).collect();
    assert_eq!(pointers, [("/spec/steps/0/script/args/1", "bad-template"), ("/spec/steps/0/script/args/2", "bad-template")]);
}

fn with_files() -> Manifest {
    let step = |id: &str, files: Value| json!({"id": id, "type": "execute", "targets": ["a"], "script": {"file": "s.sh"}, "files": files});
    workflow("w", json!([]), json!([step("a", json!(["b", {"from": "c", "to": "d"}, {"from": "e"}])), step("b", json!(["f"]))]))
}

#[test]
fn every_file_is_named_with_its_place() {
    let named: Vec<_> = files_of(&with_files()).into_iter().map(|used| format!("{} {}", used.path, used.pointer)).collect();
    let expected = [
        "s.sh /spec/steps/0/script/file",
        "b /spec/steps/0/files/0",
        "c /spec/steps/0/files/1/from",
        "e /spec/steps/0/files/2",
        "s.sh /spec/steps/1/script/file",
        "f /spec/steps/1/files/0",
    ];
    assert_eq!(named, expected);
}

#[test]
fn files_have_a_bound_together() {
    let mib = || PinnedFile { executable: false, content: Arc::new(vec![0; MAX_PINNED_BYTES]) };
    let mut files: Files = ["s.sh", "b", "c", "e"].map(|path| (path.to_owned(), mib())).into();
    files.insert("f".into(), pinned(""));
    // The script of both steps counts once.
    assert_eq!(check_files(&with_files(), &files), []);
    files.insert("f".into(), pinned("x"));
    let findings = check_files(&with_files(), &files);
    let Finding { pointer, code, message, .. } = &findings[0];
    assert_eq!((findings.len(), pointer.as_str(), *code), (1, "/spec/steps/1/files/0", "files-too-large"));
    assert!(message.contains("`f`") && message.contains("4194305 bytes"), "{message}");
}

#[test]
fn a_digest_is_of_content_and_mode_of_the_files_too() {
    let manifest = with_files();
    let of = |file: PinnedFile| digest(&manifest, &[("s.sh".to_owned(), file)].into());
    let digests = [of(pinned("a")), of(pinned("b")), of(PinnedFile { executable: true, ..pinned("a") })];
    assert_eq!(digests[0], of(pinned("a")));
    assert!(digests[0] != digests[1] && digests[0] != digests[2] && digests[1] != digests[2]);
}

#[test]
fn every_path_of_a_manifest_is_one_that_agents_take() {
    let mut accepted = 0;
    for path in ["a", "a/b", "..a", ".a/.b", "é/x y", "...", ".", "..", "a/..", "/a", "a/", "a//b", "", "a\0", &"x/".repeat(300)]
    {
        let text = json!({"apiVersion": "pulse.dev/v1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": {"steps": [
            {"id": "a", "type": "execute", "targets": ["a"], "script": {"file": path}}]}});
        let is_read = crd_schemas::parse_file("w.yaml", text.to_string().as_bytes()).problems.is_empty();
        assert_eq!(is_read, pulse_protocol::files::is_inside(path), "{path:?}");
        accepted += usize::from(is_read);
    }
    assert_eq!(accepted, 6);
}

#[test]
fn a_schedule_s_command_has_no_parameters_and_says_what_to_do() {
    let spec = json!({"every": "5m", "targets": ["all"], "command": "echo {{ params.who }} {{ params }} {{ steps.ask.stdout }}"});
    let schedule = manifest(json!({"kind": "Schedule", "metadata": {"name": "nightly"}, "spec": spec}));
    let found: Vec<_> = check_own(&schedule).into_iter().map(|found| (0, found)).collect();
    insta::assert_snapshot!(said(&found), @r"
    0 /spec/command Some((5, 16)) error[bad-template]: a schedule's command has no parameters, so `params.who` names nothing
        mend: write the value itself, or let the schedule start a Workflow that declares it: `workflow: …` with `params: {who: …}`
    0 /spec/command Some((22, 12)) error[bad-template]: a schedule's command has no parameters, so `params` names nothing
        mend: write the value itself, or let the schedule start a Workflow that declares it: `workflow: …` with `params: {NAME: …}`
    0 /spec/command Some((35, 22)) error[bad-template]: a schedule's command is its only step, so `steps.ask` names nothing
        mend: put the steps into a Workflow, and let the schedule start it: `workflow: …`
    ");
}
