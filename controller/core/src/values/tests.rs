//! Paths read back as they were written; each missing value has its own sentence.

use super::*;

fn scope() -> Scope {
    Scope {
        params: vec!["ticket".into()],
        earlier_steps: vec!["check".into(), "my-step".into()],
        in_target: true,
        ..Scope::default()
    }
}

fn context() -> Context {
    let target = |exit_code, stdout: Option<&str>| TargetValue {
        status: "succeeded".into(),
        exit_code,
        stdout: stdout.map(str::to_owned),
    };
    let agent = |name: &str| name.parse::<AgentName>().expect("a valid name");
    let one = StepValue { status: "succeeded".into(), answer: None, targets: [(agent("web-1"), target(Some(0), None))].into() };
    let two = StepValue {
        status: "failed".into(),
        answer: None,
        targets: [(agent("db.example"), target(Some(3), Some("a\0b"))), (agent("web-1"), target(None, Some("ok")))].into(),
    };
    Context {
        params: [("ticket".to_owned(), "x".repeat(MAX_VALUE_BYTES + 1))].into(),
        steps: [("check".to_owned(), one.into()), ("my-step".to_owned(), two.into())].into(),
        agent: Some(AgentValue {
            name: "web-1".into(),
            labels: [("self/os".into(), "linux".into())].into(),
            ..AgentValue::default()
        }),
        ..Context::default()
    }
}

#[test]
fn a_path_reads_back_as_it_was_written() {
    for text in [
        "params.ticket",
        "steps.my-step.status",
        "steps.check.exitCode",
        "steps.check.agents.db.example.stdout",
        "execution.id",
        "execution.number",
        "execution.workflow",
        "execution.startedBy",
        "git.source",
        "git.commit",
        "agent.name",
        "agent.labels.app.example.org/tier",
        "agent.vars.port",
        "agent.facts.kernel",
    ] {
        assert_eq!(Path::parse(text, &scope()).map(|path| path.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn a_path_that_names_nothing_says_what_there_is() {
    let texts = [
        "",
        "params",
        "params.tikcet",
        "steps",
        "steps.later.status",
        "steps.check",
        "steps.check.code",
        "steps.check.answer",
        "steps.check.agents",
        "steps.check.agents.web-1",
        "steps.check.agents.WEB.status",
        "execution",
        "execution.user",
        "git.branch",
        "agent",
        "agent.labels",
        "agent.labels.",
        "agent.ip",
        "state.disk",
        "item",
        "ticket",
        "params.ticket.x",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| {
            let error = Path::parse(text, &scope()).expect_err(text);
            format!("{text}: {} ({})", error.message, error.help.unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_missing_value_says_why() {
    let texts = [
        "params.ticket",
        "steps.check.stdout",
        "steps.my-step.exitCode",
        "steps.my-step.agents.db.example.stdout",
        "steps.my-step.agents.web-1.exitCode",
        "steps.my-step.agents.web-9.status",
        "agent.labels.role",
        "agent.vars.port",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| {
            let path = Path::parse(text, &scope()).expect("a path");
            context().lookup(&path).expect_err(text).to_string()
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
    let lost = Context { steps: BTreeMap::new(), agent: None, ..context() };
    for text in ["steps.check.status", "agent.name"] {
        let path = Path::parse(text, &scope()).expect("a path");
        assert!(lost.lookup(&path).is_err(), "{text}");
    }
}

#[test]
fn values_are_found() {
    for (text, value) in [
        ("steps.check.exitCode", "0"),
        ("steps.my-step.status", "failed"),
        ("steps.my-step.agents.db.example.exitCode", "3"),
        ("agent.labels.self/os", "linux"),
        ("execution.number", "0"),
    ] {
        let path = Path::parse(text, &scope()).expect("a path");
        assert_eq!(context().lookup(&path).as_deref(), Ok(value), "{text}");
    }
}
