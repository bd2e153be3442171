//! Results, and refusals with their mend.

use super::*;
use crate::values::{EarlierStep, StateValue, StepValue, TargetValue};
use crd_schemas::manifest::ParamType;
use std::collections::BTreeMap;

pub(super) fn scope() -> Scope {
    let execute = ["check", "my-step", "several", "lost"].map(|id| EarlierStep::new(id, "execute"));
    let others = [("approve", "prompt"), ("read", "parse"), ("nap", "wait")].map(|(id, kind)| EarlierStep::new(id, kind));
    let params = ["x", "n", "or", "length", "count", "ratio", "dry", "hosts"].map(str::to_owned).into();
    Scope { params, earlier_steps: [&execute[..], &others[..]].concat(), ..Scope::default() }
}

pub(super) fn context() -> Context {
    let target = |exit_code, stdout: Option<&str>| TargetValue {
        status: "succeeded".into(),
        exit_code,
        stdout: stdout.map(str::to_owned),
    };
    let step = |targets: &[(&str, TargetValue)]| StepValue {
        status: "succeeded".into(),
        answer: None,
        targets: targets.iter().map(|(name, target)| (name.parse().expect("a valid name"), target.clone())).collect(),
    };
    let steps = [
        ("check", step(&[("web-1", target(Some(0), Some("ready\n")))])),
        ("my-step", step(&[("web-1", target(None, None))])),
        ("several", step(&[("db.example", target(Some(2), Some("7"))), ("web-1", target(Some(0), None))])),
    ];
    let answered = StepValue { status: "succeeded".into(), answer: Some("Yes".into()), ..StepValue::default() };
    let text = |text: &str| StateValue::Text(text.to_owned());
    let web = [("free".to_owned(), text("7"))].into();
    let params = [
        ("x", "Yes"),
        ("n", "80"),
        ("or", ""),
        ("length", ""),
        ("count", "-3"),
        ("ratio", "80"),
        ("dry", "true"),
        ("hosts", "[\"a\",\"b c\"]"),
    ];
    let types = [
        ("x", ParamType::String),
        ("count", ParamType::Int),
        ("ratio", ParamType::Number),
        ("dry", ParamType::Bool),
        ("hosts", ParamType::List),
    ];
    Context {
        params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        param_types: BTreeMap::from(types.map(|(name, kind)| (name.to_owned(), kind))).into(),
        steps: steps
            .map(|(id, step)| (id.to_owned(), step.into()))
            .into_iter()
            .chain([("approve".to_owned(), answered.into())])
            .collect(),
        state: [
            ("disk".to_owned(), text("85")),
            ("or".to_owned(), text("")),
            ("agents".to_owned(), StateValue::Map([("web-1.example".to_owned(), StateValue::Map(web))].into())),
        ]
        .into(),
        ..Context::default()
    }
}

#[test]
fn expressions_have_results() {
    for (text, result) in [
        ("params.x == \"Yes\"", true),
        ("params.x != \"Yes\"", false),
        ("params[\"x\"] == \"Yes\" && !(params.n == \"\")", true),
        ("execution.number == 0 || git.commit == \"abc\"", true),
        ("int(params.n) > 70 && float(params.n) >= 80 && int(params.n) % 2 == 0", true),
        ("-int(params.n) < -79 && 1 + 2 * 3 == 7 && 1.5 + 1 == 2.5", true),
        ("steps.check.status == \"succeeded\" && steps.check.exitCode == 0", true),
        ("steps.check.stdout.trim() == \"ready\"", true),
        ("steps.check.stdout.contains(\"eady\") && steps.check.stdout.starts_with(\"r\") && params.x.ends_with(\"s\")", true),
        ("steps[\"my-step\"].status == \"failed\"", false),
        ("steps.several.agents[\"db.example\"].exitCode == 2", true),
        ("steps.several.agents.len() == 2 && steps.several.agents.contains(\"web-1\")", true),
        ("len(steps.several.agents) == 2 && contains(steps.several.agents, \"web-1\") && !is_empty(steps.check.agents)", true),
        (
            "\"web-1\" in steps.several.agents && \"web-9\" !in steps.several.agents && \"web-1\" in steps[\"my-step\"].agents",
            true,
        ),
        ("\"web-1\" in steps[\"my-step\"][\"agents\"] && !steps.several.agents.is_empty()", true),
        ("params.x.to_lower() == \"yes\" && params.x.len() == 3 && params.or.is_empty()", true),
        ("[\"Yes\", \"No\"].contains(params.x)", true),
        ("\"it's null or not, a ? b : c === 'd'\".len() > 3", true),
        ("params.x + \"!\" == \"Yes!\" && string(5) == \"5\"", true),
        ("steps.check.exitCode != 0 && steps.several.stdout == \"\"", false),
        ("\"a\" < \"b\" && true != false", true),
        ("true", true),
        ("params.length == \"\"", true),
        ("params.x in [\"Yes\", \"No\"]", true),
        ("params.count < 0 && params.count + 4 == 1 && params.ratio >= 79.5 && params.ratio > 79", true),
        ("params.dry && !params.dry == false && params.dry != false", true),
        ("params.hosts.contains(\"b c\") && params.hosts.len() == 2 && \"a\" in params.hosts && !params.hosts.is_empty()", true),
        ("state.disk == \"85\" && int(state.disk) > 80 && state[\"disk\"].starts_with(\"8\") && state.or.is_empty()", true),
        ("state.agents[\"web-1.example\"].free == \"7\" && state.agents.len() == 1", true),
        ("int(state.disk)-1 == 84 && \"state.a-b\" != state.disk", true),
        ("state.contains(\"disk\") && !state.contains(\"size\") && state.len() == 3 && !state.is_empty()", true),
        ("\"disk\" in state && !(\"size\" in state) && len(state) == 3", true),
        ("state.agents.contains(\"web-1.example\") && \"web-1.example\" in state.agents", true),
        ("steps.approve.answer == \"Yes\" && steps.approve.status == \"succeeded\" && promptResponse == \"Yes\"", true),
        ("promptResponse.to_lower() == \"yes\" && !promptResponse.is_empty() && promptResponse in [\"Yes\"]", true),
    ] {
        let expression = Expression::compile(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(expression.evaluate(&context()), Ok(result), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    let texts = [
        "",
        "params.x === \"a\"",
        "params.x !== \"a\"",
        "params.x == 'a'",
        "params.x == `a`",
        "params.x == null",
        "params.x.length > 1",
        "params.x.includes(\"a\")",
        "params.x ? true : false",
        "params.x = \"a\"",
        "{{ params.x }} == \"a\"",
        "params.x == \"a\" and true",
        "steps.my-step.status == \"a\"",
        "steps.later.status == \"a\"",
        "steps.check.answer == \"a\"",
        "steps.check.code == 1",
        "state.disk === \"80\"",
        "promptResponse === 'Yes'",
        "state.disk.includes('8') && state.disk !== '80'",
        "true && state.disk.web-1.used == \"1\"",
        "state.free-space == \"1\"",
        "state == \"a\"",
        "state",
        "!state",
        "state.ask()",
        "state[params.x] == \"a\"",
        "\"a\" in steps",
        "promptResponse.yes == \"a\"",
        "steps.approve == \"Yes\"",
        "steps.approve.exitCode == 0",
        "steps.approve.agents.len() == 1",
        "steps.approve.reply == \"Yes\"",
        "steps.nap.stdout == \"\"",
        "steps.nap.until == \"\"",
        "steps.read.answer == \"\"",
        "item == \"a\"",
        "params.z == \"a\"",
        "params == \"a\"",
        "params[execution.workflow] == \"a\"",
        "yes",
        "agent.name == \"a\"",
        "steps.check == 1",
        "steps.several.agents[\"web-1\"] == 1",
        "steps.several.agents == 1",
        "params.x.foo",
        "params.x[0] == \"Y\"",
        "eval(\"1\")",
        "import \"a\"",
        "let a = 1; a > 0",
        "if true { false } else { true }",
        "loop {}",
        "while true {}",
        "|x| x",
        "[1].map(|x| x)",
        "fn a() {}",
        "#{a: 1}.a == 1",
        "params.x ?? \"a\" == \"a\"",
        "print(\"a\")",
        "1 << 2 > 1",
        "params.x ==",
        "(params.x",
        "\"open",
        "true; false",
        "params.x == \"a\" + `${1}`",
        "this.x",
        "type_of(1) == \"a\"",
        "params[\"a.b\"] == \"\"",
        "switch 1 { 1 => true }",
        "execution.user == \"a\"",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| {
            let error = Expression::compile(text, &scope()).expect_err(text);
            assert!(text.is_char_boundary(error.offset), "{text}");
            format!(
                "{text}\n  {}{}: {}\n    mend: {}",
                error.offset,
                if error.unsupported { " unsupported" } else { "" },
                error.message,
                error.help.unwrap_or("-".into())
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_has_no_result_says_why() {
    let texts = [
        "params.n > 80",
        "80 < params.n",
        "params.x == 1",
        "params.x == true",
        "steps.check.exitCode == \"0\"",
        "params.x",
        "1 + 1",
        "steps.several.exitCode == 0",
        "steps.several.stdout == \"\"",
        "steps[\"my-step\"].exitCode == 0",
        "steps[\"my-step\"].stdout == \"\"",
        "steps.lost.status == \"failed\"",
        "steps.several.agents[\"web-9\"].status == \"failed\"",
        "steps.several.agents[\"web-1\"].stdout == \"\"",
        "int(params.x) == 1",
        "float(params.x) == 1.0",
        "1 / 0 == 1",
        "9223372036854775807 + 1 == 0",
        "!params.x",
        "params.x && true",
        "int(true) == 1",
        "params.x.contains(1)",
        "true < false",
        "params.x.len(1) == 1",
        "[1, \"a\"].contains(\"a\")",
        "promptResponse",
        "state.disk > 80",
        "1 < 2 && state.disk >= 80.5",
        "80 < state[\"disk\"]",
        "80 < state.disk && true",
        "80 < state.disk.trim()",
        "state.disk.trim() > 80",
        "state.size == \"1\"",
        "state.agents == \"1\"",
        "state.agents.web.free == \"1\"",
        "state.disk.free == \"1\"",
        "params.count == \"-3\"",
        "params.dry == \"true\"",
        "params.hosts == \"a\"",
        "state.trim() == \"\"",
    ];
    let said: Vec<String> = texts
        .iter()
        .map(|text| {
            let expression = Expression::compile(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let error = expression.evaluate(&context()).expect_err(text);
            format!("{text}\n  {}: {}\n    mend: {}", error.offset, error.message, error.help.unwrap_or("-".into()))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_question_without_an_answer_says_so() {
    let mut context = context();
    let skipped = StepValue { status: "skipped".into(), ..StepValue::default() };
    context.steps.insert("approve".to_owned(), skipped.into());
    for (text, path) in [
        ("steps.approve.answer == \"Yes\"", "steps.approve.answer"),
        ("promptResponse == \"Yes\"", "promptResponse"),
        ("true && promptResponse.is_empty()", "promptResponse"),
    ] {
        let error = Expression::compile(text, &scope()).expect(text).evaluate(&context).expect_err(text);
        assert_eq!(error.message, format!("`{path}` has no value: step `approve` has no answer (it is skipped)"), "{text}");
        assert_eq!(&text[error.offset..][..5], &path[..5], "{text}");
    }
}

#[test]
fn what_nothing_before_can_have_made_is_refused() {
    let with = |steps: &[(&str, &'static str)]| {
        let earlier_steps = steps.iter().map(|(id, kind)| EarlierStep::new(id, kind)).collect();
        Scope { earlier_steps, ..Scope::default() }
    };
    let (none, two) = (with(&[("check", "execute")]), with(&[("a", "prompt"), ("b", "prompt")]));
    let schedule = Scope { lone: Some(crate::values::Lone::Schedule), ..Scope::default() };
    let mut said = Vec::new();
    for (text, scope) in [
        ("state.disk == \"\"", &none),
        ("state.contains(\"disk\")", &none),
        ("\"disk\" in state", &none),
        ("promptResponse == \"Yes\"", &none),
        ("promptResponse == \"Yes\"", &two),
        ("steps.check.answer == \"Yes\"", &none),
        ("state.disk == \"\"", &schedule),
        ("promptResponse == \"Yes\"", &schedule),
    ] {
        let error = Expression::compile(text, scope).expect_err(text);
        said.push(format!("{text}\n  {}: {}\n    mend: {}", error.offset, error.message, error.help.unwrap_or("-".into())));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_state_of_many_agents_can_be_read() {
    let agent = |number: usize| {
        let inner = [("out".to_owned(), StateValue::Text("x".repeat(4000)))].into();
        (format!("web-{number}"), StateValue::Map(inner))
    };
    let context = Context { state: (0..500).map(agent).collect(), ..context() };
    for text in ["state[\"web-7\"].out.len() == 4000", "state.len() == 500 && \"web-9\" in state", "state.contains(\"web-499\")"]
    {
        let expression = Expression::compile(text, &scope()).expect(text);
        assert_eq!(expression.evaluate(&context), Ok(true), "{text}");
    }
}

#[test]
fn an_expression_says_whose_stdout_it_uses() {
    let text = "steps.check.stdout == \"\" || steps.several.agents[\"web-1\"].stdout == \"\" || steps[\"my-step\"].exitCode == 0";
    let expression = Expression::compile(text, &scope()).expect(text);
    assert_eq!(expression.stdout_of(), &BTreeSet::from(["check".to_owned(), "several".to_owned()]));
}

#[test]
fn an_evaluation_is_bounded() {
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    let long = format!("\"{}\" == \"\"", "a".repeat(9000));
    assert!(Expression::compile(&deep, &scope()).is_err());
    assert!(Expression::compile(&long, &scope()).is_err());
    for (begin, unit, end) in
        [("", "!", "true"), ("", "[", "]"), ("1", "+1", " > 1"), ("params", ".x", ""), ("true", "&&true", ""), ("", "-", "1")]
    {
        let text = format!("{begin}{}{end}", unit.repeat(1300));
        // Too deep, or a result or an error; the stack holds either way.
        let _outcome = Expression::compile(&text, &scope()).and_then(|expression| expression.evaluate(&context()));
    }
    let doubled = format!("({}).len() > 0", vec!["params.x"; 40].join(" + "));
    let large = Context { params: [("x".to_owned(), "x".repeat(60_000))].into(), ..context() };
    if let Ok(expression) = Expression::compile(&doubled, &scope()) {
        assert!(expression.evaluate(&large).is_err());
    }
}

proptest::proptest! {
    #[test]
    fn any_text_compiles_or_is_refused(text in "(\\PC|params|\\.|steps|==|\"|\\(|\\)|&&|int|\n){0,20}") {
        if let Ok(expression) = Expression::compile(&text, &scope()) {
            // A result or an error; never a panic.
            let _result = expression.evaluate(&context());
        }
    }
}
