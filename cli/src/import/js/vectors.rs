//! The legacy contract's vectors, computed with the old PULSE's own code: each condition is translated, compiled and evaluated by the
//! controller's expressions and has the old result; or it is listed here as one that cannot be translated.

use super::{Answer, Names, translate};
use crate::import::note::Level;
use pulse_core::expression::Expression;
use pulse_core::values::{Context, EarlierStep, Scope, StateValue, StepValue};

/// A workflow with the parameter `n`, and the prompts `ask` and, perhaps left out, `maybe-ask`.
struct Example {
    answer: Option<Answer>,
}

impl Names for Example {
    fn param(&mut self, old: &str) -> Result<String, String> {
        if old == "n" { Ok("n".into()) } else { Err(format!("no parameter `{old}`")) }
    }
    fn answer(&mut self) -> Result<Answer, String> {
        self.answer.clone().ok_or_else(|| "no prompt".into())
    }
}

fn asked() -> Example {
    Example { answer: Some(Answer { step: "ask".into(), optional: false }) }
}
fn left_out() -> Example {
    Example { answer: Some(Answer { step: "maybe-ask".into(), optional: true }) }
}

fn context() -> Context {
    let state = [
        ("disk_pct", "85"),
        ("a", "9"),
        ("b", "10"),
        ("empty", ""),
        ("zero", "0"),
        ("host", "web-01"),
        ("default", "x"),
        ("half", "0.5"),
    ];
    let step = |status: &str, answer: Option<&str>| StepValue {
        status: status.into(),
        answer: answer.map(str::to_owned),
        ..StepValue::default()
    };
    Context {
        params: [("n".to_owned(), "5".to_owned())].into(),
        state: state.map(|(name, value)| (name.to_owned(), StateValue::Text(value.to_owned()))).into(),
        steps: [
            ("ask".to_owned(), step("succeeded", Some("Yes")).into()),
            ("maybe-ask".to_owned(), step("skipped", None).into()),
        ]
        .into(),
        ..Context::default()
    }
}

fn evaluate(expression: &str) -> Result<bool, String> {
    let earlier_steps = [("run", "execute"), ("read", "parse"), ("ask", "prompt"), ("maybe-ask", "prompt")];
    let scope = Scope {
        params: vec!["n".into()],
        earlier_steps: earlier_steps.map(|(id, kind)| EarlierStep::new(id, kind)).into(),
        ..Scope::default()
    };
    let compiled = Expression::compile(expression, &scope).map_err(|error| format!("{expression}: {error:?}"))?;
    compiled.evaluate(&context()).map_err(|error| format!("{expression}: {error:?}"))
}

fn result(condition: &str, mut names: Example) -> Result<bool, String> {
    let translated = translate(condition, &mut names).map_err(|error| format!("{condition}: {error:?}"))?;
    evaluate(&translated.text)
}

/// §2.5 of the contract.
#[test]
fn conditions_that_held_still_hold() {
    for condition in [
        "promptResponse === 'Yes'",
        "state.disk_pct > 80",
        "state.a > state.b",
        "state.missing === undefined",
        "!state.missing",
        "state.zero",
        "state.zero == 0",
        "state.empty == 0",
        "!state.empty",
        "state.host.includes('web')",
        "state.host.startsWith('web-')",
        "state['disk_pct'] === '85'",
        "state.disk_pct !== 85",
        "parseInt(state.disk_pct) % 2 === 1",
        "typeof state.missing === 'undefined'",
        "state.disk_pct + 1 > 800",
    ] {
        assert_eq!(result(condition, asked()), Ok(true), "{condition}");
    }
}

#[test]
fn conditions_that_did_not_hold_still_do_not() {
    for condition in
        ["promptResponse == 'yes'", "state.disk_pct >= '9'", "Number(state.a) > Number(state.b)", "state.missing > 1"]
    {
        assert_eq!(result(condition, asked()), Ok(false), "{condition}");
    }
}

/// The vectors that cannot be translated, each with what is said of it.
#[test]
fn what_cannot_be_translated_is_refused_with_a_reason() {
    for (condition, reason) in [
        (r"/^web-\d+$/.test(state.host)", "no regular expressions"),
        ("missing === 1", "`missing` is no name"),
        ("state.x.y === 1", "of a text `y` cannot be translated"),
        ("", "the condition is empty"),
        ("while(1){}", "`{` has no place"),
        ("state.constructor.constructor('return typeof process')()==='object'", "JavaScript's own functions"),
    ] {
        let error = translate(condition, &mut asked()).expect_err(condition);
        assert!(error.message.contains(reason) && !error.help.is_empty(), "{condition}: {error:?}");
    }
}

/// Beyond the contract; the results are those of Node 20 on the same values.
#[test]
fn further_conditions_have_the_results_of_javascript() {
    for (condition, expected) in [
        ("state.disk_pct > 80 && state.host !== 'db'", true),
        ("state.missing !== 'a'", true),
        ("state.missing != 1", true),
        ("state.missing === 'a' || state.a === '9'", true),
        ("state.missing === state.gone", true),
        ("state.missing !== state.gone", false),
        ("state.missing === state.a", false),
        ("state.missing === state.missing", true),
        ("state.missing !== state.missing", false),
        ("state.missing !== state.a", true),
        ("state.missing > state.a", false),
        ("!(state.missing > 1)", true),
        ("!!state.host", true),
        ("!state.zero", false),
        ("state.missing == null", true),
        ("state.a != null", true),
        ("state.a === null", false),
        ("typeof state.a === 'string'", true),
        ("typeof state.missing !== 'undefined'", false),
        ("state.host.endsWith('01') && state.host.length === 6", true),
        ("state.host.toUpperCase() === 'WEB-01'", true),
        ("state.host.trim().toLowerCase().includes(\"web\")", true),
        ("state.missing.includes('a')", false),
        ("state.missing.trim() !== 'a'", false),
        ("state.missing.length > 0 && state.a", false),
        ("state.missing && state.missing.includes('a')", false),
        ("(state.disk_pct > 90 ? state.a : state.b) ? false : true", false),
        ("state.disk_pct > 90 ? false : state.a === '9'", true),
        ("state.disk_pct / 2 > 42", true),
        ("state.disk_pct / 2 === 42.5", true),
        ("state.disk_pct * 2 == 170 && state.disk_pct - 5 == 80", true),
        ("-state.a < 0", true),
        ("+state.half < 0.6", true),
        ("state.half > 0.4", true),
        ("Number('10') > 9", true),
        ("'10' > 9", true),
        ("parseFloat(state.half) * 2 === 1", true),
        ("parseInt(state.disk_pct, 10) === 85", true),
        ("String(85) === state.disk_pct", true),
        ("Boolean(state.empty)", false),
        ("(state.a === '9') === true", true),
        ("(state.a === '9') !== (state.b === '9')", true),
        ("state.zero != 0", false),
        ("state.empty != 0", false),
        ("state.default === 'x'", true),
        ("state.a === true", false),
        ("state.host === \"web\\u002d01\"", true),
        ("state.host === `web-01`;", true),
        ("true", true),
        ("false || 'x'", true),
        ("0", false),
        ("undefined", false),
        ("params.n === '5' && params.n > 4", true),
        ("String(state.a > 1) === 'true'", true),
        ("!params.n", false),
        ("params.n === undefined", false),
        ("promptResponse", true),
        ("promptResponse.includes('Y')", true),
        ("promptResponse !== 'Yes' || promptResponse === null", false),
    ] {
        assert_eq!(result(condition, asked()), Ok(expected), "{condition}");
    }
}

/// What a parameter's type was is not known; now it is a text.
#[test]
fn parameters_are_compared_by_what_they_say() {
    for condition in ["params.n === 5", "params.n !== 6", "params.n !== true", "params.n !== undefined"] {
        assert_eq!(result(condition, asked()), Ok(true), "{condition}");
    }
}

#[test]
fn a_prompt_that_was_left_out_has_no_answer() {
    for (condition, expected) in [
        ("promptResponse === 'Yes'", false),
        ("promptResponse !== 'Yes'", true),
        ("!promptResponse", true),
        ("promptResponse == null", true),
        ("promptResponse && promptResponse.includes('Y')", false),
    ] {
        assert_eq!(result(condition, left_out()), Ok(expected), "{condition}");
    }
    assert!(translate("promptResponse === 'Yes'", &mut Example { answer: None }).is_err());
}

#[test]
fn expressions_read_as_people_would_write_them() {
    let said = |condition: &str| translate(condition, &mut asked()).map(|translated| translated.text).expect(condition);
    assert_eq!(said("promptResponse === 'Yes'"), "steps.ask.answer == \"Yes\"");
    assert_eq!(said("state.disk_pct > 80"), "state.contains(\"disk_pct\") && int(state.disk_pct) > 80");
    assert_eq!(said("state.x > 80.5"), "state.contains(\"x\") && float(state.x) > 80.5");
    assert_eq!(said("state.missing === undefined"), "!state.contains(\"missing\")");
    assert_eq!(
        said("state.x && state.x > 1 && state.x < 9"),
        "state.contains(\"x\") && state.x != \"\" && int(state.x) > 1 && int(state.x) < 9"
    );
    assert_eq!(said("!state.x"), "!state.contains(\"x\") || state.x == \"\"");
    assert_eq!(
        said("(params.n === 'a' || params.n === 'b') && promptResponse != 'No'"),
        "(params.n == \"a\" || params.n == \"b\") && steps.ask.answer != \"No\""
    );
    assert_eq!(said("params.n === 'say \"hi\"'"), r#"params.n == "say \"hi\"""#);
}

#[test]
fn doubtful_conditions_are_remarked() {
    let level =
        |condition: &str| translate(condition, &mut asked()).expect(condition).remarks.into_iter().map(|(level, _)| level).max();
    assert_eq!(level("promptResponse === 'Yes'"), None);
    for condition in
        ["state.a > state.b", "state.disk_pct !== 85", "state.disk_pct + 1 > 800", "state.a === true", "state.a === null"]
    {
        assert_eq!(level(condition), Some(Level::Check), "{condition}");
    }
    assert_eq!(level("state.disk_pct >= '9'"), Some(Level::Note));
}

#[test]
fn other_programs_are_refused() {
    for condition in [
        "state",
        "params",
        "state.a = 1",
        "state.a; state.b",
        "process.exit()",
        "require('x')",
        "eval('1')",
        "state.a()",
        "state['a' + 'b']",
        "state[promptResponse]",
        "state.__proto__",
        "state.Disk",
        "state.a.constructor",
        "params.constructor",
        "params['__proto__']",
        "(() => 1)()",
        "new Date()",
        "this",
        "steps.a",
        "state.a ?? 1",
        "state.a & 1",
        "state.a | 1",
        "~1",
        "1 ** 2",
        "[1]",
        "{}",
        "'open",
        "/open",
        "state.a ===",
        "(state.a",
        "state.a)",
        "a.b",
        "0x10",
        "012",
        "1e3",
        "1_0",
        "'\\0'",
        "`${state.a}`",
        "state.a || 'x' === 'y' + (state.a || 'b')",
        "typeof state.a === 'number'",
        "state.a < undefined",
        "state.a == true",
        "undefined === null",
        "state.a.replace('a', 'b') === 'c'",
        "'a' > 1",
        "--state.a > 1",
        "state.a++",
        "Number",
        "parseInt(state.a, 8)",
        "state.a instanceof Object",
        "'a' in state",
        "Math.max(1, 2) > 1",
        "state.a in ['a']",
        "state.hasOwnProperty('a')",
        "(state.a > 1) + 1 > 1",
        "😀",
        "\u{0}",
    ] {
        let found = translate(condition, &mut asked());
        assert!(found.is_err(), "{condition}: {found:?}");
    }
    for condition in [
        format!("{}1{}", "(".repeat(100), ")".repeat(100)),
        "!".repeat(500),
        format!("1{}", "+1".repeat(300)),
        "x".repeat(5000),
        "-".repeat(4000),
    ] {
        assert!(translate(&condition, &mut asked()).is_err());
    }
}

/// Any text is translated into something that compiles, or refused; nothing panics.
#[test]
fn pieces_in_any_order_compile_or_are_refused() {
    let pieces = [
        "state.a",
        "state.b",
        "params.n",
        "promptResponse",
        "'x'",
        "1",
        "0.5",
        "===",
        "!==",
        "==",
        "<",
        "&&",
        "||",
        "!",
        "+",
        "-",
        "/",
        "%",
        "(",
        ")",
        "?",
        ":",
        ".includes(",
        ".length",
        ".trim()",
        "typeof ",
        "undefined",
        "null",
        "true",
        "Number(",
        "String(",
        ";",
        "[",
        "]",
        "'",
        "`",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut translated = 0;
    for _ in 0..60_000 {
        let condition: String = (0..1 + next() % 7).map(|_| pieces[next() as usize % pieces.len()]).collect();
        if let Ok(found) = translate(&condition, &mut asked()) {
            translated += 1;
            let compiled = evaluate(&found.text);
            assert!(
                !compiled
                    .as_ref()
                    .is_err_and(|error| error.contains("syntax") || error.contains("no place") || error.contains("no operator")),
                "{condition}: {compiled:?}"
            );
        }
    }
    assert!(translated > 500, "{translated}");
}
