//! Paths read back as they were written; each missing value has its own sentence.

use super::*;

fn scope() -> Scope {
    Scope {
        params: vec!["ticket".into()],
        earlier_steps: [
            ("check", "execute"),
            ("my-step", "execute"),
            ("approve", "prompt"),
            ("read", "parse"),
            ("lost", "prompt"),
        ]
        .map(|(id, kind)| EarlierStep::new(id, kind))
        .into(),
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
        steps: [
            ("check".to_owned(), one.into()),
            ("my-step".to_owned(), two.into()),
            (
                "approve".to_owned(),
                StepValue { status: "succeeded".into(), answer: Some("Yes".into()), ..StepValue::default() }.into(),
            ),
            ("lost".to_owned(), StepValue { status: "failed".into(), ..StepValue::default() }.into()),
        ]
        .into(),
        state: serde_json::from_str(r#"{"disk": "85", "db": "x", "db.example": {"free": "7", "a": {"b.c": "d"}}}"#)
            .expect("a state"),
        agent: Some(AgentValue {
            name: "web-1".into(),
            labels: Arc::new([("self/os".into(), "linux".into())].into()),
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
        "steps.approve.answer",
        "steps.read.status",
        "state.disk",
        "state.db.example.free",
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
        "steps.approve.stdout",
        "steps.approve.agents.web-1.status",
        "steps.approve",
        "steps.read.answer",
        "steps.read.values",
        "steps.read",
        "state",
        "state.a..b",
        "promptResponse",
        "promptResponse.x",
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
        "steps.lost.answer",
        "state.size",
        "state.disk.free",
        "state.db.example",
        "state.db.example.size",
        "state.db.free",
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
        ("steps.approve.answer", "Yes"),
        ("state.disk", "85"),
        ("state.db", "x"),
        ("state.db.example.free", "7"),
        ("state.db.example.a.b.c", "d"),
    ] {
        let path = Path::parse(text, &scope()).expect("a path");
        assert_eq!(context().lookup(&path).as_deref(), Ok(value), "{text}");
    }
}

#[test]
fn the_one_prompt_s_answer_is_the_response() {
    let one = Scope {
        earlier_steps: vec![EarlierStep::new("check", "execute"), EarlierStep::new("approve", "prompt")],
        ..Scope::default()
    };
    let path = Path::parse("promptResponse", &one).expect("a path");
    assert_eq!((path.to_string(), context().lookup(&path)), ("promptResponse".to_owned(), Ok("Yes".to_owned())));
    let gone = Context { steps: BTreeMap::new(), ..context() };
    assert_eq!(gone.lookup(&path).map_err(|error| error.reason), Err("step `approve` has not run in this execution".to_owned()));
}

#[test]
fn only_params_are_known_before_the_start() {
    let scope = Scope { before_start: true, ..scope() };
    assert_eq!(Path::parse("params.ticket", &scope), Ok(Path::Param("ticket".into())));
    for text in ["execution.id", "steps.check.status", "state.disk", "agent.name", "git.commit", "promptResponse"] {
        let error = Path::parse(text, &scope).expect_err(text);
        assert!(error.message.contains("is not known here"), "{text}: {error}");
    }
}
