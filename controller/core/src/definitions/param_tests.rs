//! Each type of parameter by what it is given: its text, or why not; and what a declaration by itself is asked.

use super::tests::{check, said, workflow};
use super::*;
use crate::values::MAX_VALUE_BYTES;
use crd_schemas::manifest::Param;
use serde_json::{Value, json};

/// The text that a parameter gets, or its error.
fn resolved(declared: Value, given: Option<Value>) -> Result<String, String> {
    let mut param = declared;
    param["name"] = json!("x");
    let declared: Param = serde_json::from_value(param).expect("a parameter");
    let given = given.map(|value| ("x".to_owned(), value)).into_iter().collect();
    match Params::resolve(&[declared], given) {
        Ok(values) => Ok(values["x"].clone()),
        Err(errors) => {
            assert_eq!((errors.len(), errors[0].name.as_str()), (1, "x"));
            Err(errors[0].message.clone())
        }
    }
}

#[test]
fn a_param_takes_what_its_type_says_and_texts_that_read_so() {
    let hosts = json!({"type": "list", "values": ["a", "b c"]});
    let cases = [
        (json!({}), json!("5"), "5"),
        (json!({"pattern": r"OPS-\d+"}), json!("OPS-12"), "OPS-12"),
        (json!({"minLength": 2, "maxLength": 2}), json!("éé"), "éé"),
        (json!({"type": "int"}), json!(5), "5"),
        (json!({"type": "int"}), json!("-7"), "-7"),
        (json!({"type": "int", "max": i64::MAX}), json!(i64::MAX), "9223372036854775807"),
        (json!({"type": "number"}), json!(0.5), "0.5"),
        (json!({"type": "number"}), json!("1e3"), "1000"),
        (json!({"type": "number"}), json!(5.0), "5"),
        (json!({"type": "number"}), json!("-0.0"), "0"),
        (json!({"type": "number"}), json!("1e300"), "1e+300"),
        (json!({"type": "number"}), json!(u64::MAX), "1.8446744073709552e+19"),
        (json!({"type": "number"}), json!("18446744073709551615"), "1.8446744073709552e+19"),
        (json!({"type": "number"}), json!("9007199254740993"), "9007199254740993"),
        (json!({"type": "bool"}), json!(true), "true"),
        (json!({"type": "bool"}), json!("false"), "false"),
        (json!({"type": "enum", "values": ["stable", "testing"]}), json!("testing"), "testing"),
        (json!({"type": "duration"}), json!("90s"), "90s"),
        (json!({"type": "agent"}), json!("db.example"), "db.example"),
        (hosts.clone(), json!(["b c", "a"]), "[\"b c\",\"a\"]"),
        (hosts.clone(), json!("[\"a\"]"), "[\"a\"]"),
        (hosts, json!([]), "[]"),
    ];
    for (declared, given, text) in cases {
        assert_eq!(resolved(declared.clone(), Some(given.clone())), Ok(text.to_owned()), "{declared} {given}");
    }
}

#[test]
fn a_param_that_is_not_given_is_its_default_or_what_its_type_implies() {
    let cases = [
        (json!({}), Ok("")),
        (json!({"default": "stable"}), Ok("stable")),
        (json!({"type": "int"}), Ok("0")),
        (json!({"type": "int", "default": 3}), Ok("3")),
        (json!({"type": "number"}), Ok("0")),
        (json!({"type": "number", "default": 0.25}), Ok("0.25")),
        (json!({"type": "bool"}), Ok("false")),
        (json!({"type": "enum", "values": ["b", "a"]}), Ok("b")),
        (json!({"type": "duration"}), Ok("0s")),
        (json!({"type": "list"}), Ok("[]")),
        (json!({"type": "list", "default": ["a"]}), Ok("[\"a\"]")),
        (json!({"type": "agent", "default": "web-1"}), Ok("web-1")),
        (json!({"type": "agent"}), Err("it is required")),
        (json!({"type": "bool", "required": true}), Err("it is required")),
    ];
    for (declared, expected) in cases {
        assert_eq!(resolved(declared.clone(), None), expected.map(str::to_owned).map_err(str::to_owned), "{declared}");
    }
}

#[test]
fn a_param_that_does_not_fit_says_why() {
    let mut said = Vec::new();
    for (declared, values) in [
        (json!({}), vec![json!(5), json!(true), json!(null), json!(["a"]), json!({"a": 1}), json!("a\0b")]),
        (json!({"pattern": "a|b"}), vec![json!("ab"), json!("xa"), json!("")]),
        (json!({"minLength": 2, "maxLength": 3}), vec![json!("a"), json!("abcd")]),
        (
            json!({"type": "int", "min": 1, "max": 9}),
            vec![
                json!(0),
                json!("10"),
                json!(1.5),
                json!("1.0"),
                json!(""),
                json!(true),
                json!(null),
                json!("99999999999999999999"),
            ],
        ),
        (json!({"type": "int", "max": 9_007_199_254_740_992_i64}), vec![json!(9_007_199_254_740_993_i64)]),
        (
            json!({"type": "number", "min": 0.5}),
            vec![json!(0.25), json!("0"), json!("inf"), json!("NaN"), json!("much"), json!([])],
        ),
        (json!({"type": "bool"}), vec![json!("yes"), json!("True"), json!(1), json!(null)]),
        (json!({"type": "enum", "values": ["stable", "testing"]}), vec![json!("stabel"), json!(""), json!(1)]),
        (json!({"type": "duration"}), vec![json!("90"), json!(90), json!("soon"), json!("")]),
        (json!({"type": "agent"}), vec![json!("all"), json!("Web 1"), json!("role=web"), json!(""), json!(["a"])]),
        (
            json!({"type": "list", "values": ["a"], "maxLength": 2}),
            vec![json!(["a", "b"]), json!(["a", 1]), json!(["a", "a", "a"]), json!("a,b"), json!("{}"), json!(1)],
        ),
        (json!({"type": "list", "pattern": "[a-z]+", "minLength": 1}), vec![json!(["a", "B"]), json!([]), json!("[1]")]),
    ] {
        for given in values {
            let error = resolved(declared.clone(), Some(given.clone())).expect_err("an error");
            said.push(format!("{declared} {given}\n    {error}"));
        }
    }
    insta::assert_snapshot!(said.join("\n"));
    let long = json!("x".repeat(MAX_VALUE_BYTES + 1));
    assert!(resolved(json!({}), Some(long)).is_err_and(|error| error.contains("at most 64 KiB")));
    let items = json!(vec!["x"; 1001]);
    assert!(resolved(json!({"type": "list"}), Some(items)).is_err_and(|error| error.contains("at most 1000")));
}

#[test]
fn a_declaration_is_asked_by_itself() {
    let params = json!([
        {"name": "a", "pattern": "OPS-(", "required": true},
        {"name": "b", "pattern": "a)(b", "default": "x"},
        {"name": "c", "pattern": r"OPS-\d+"},
        {"name": "d", "pattern": r"OPS-\d+", "default": "ops-1"},
        {"name": "e", "pattern": r"OPS-\d+", "required": true},
        {"name": "f", "type": "int", "min": 1},
        {"name": "g", "type": "int", "min": 1, "default": 0},
        {"name": "h", "type": "bool", "default": "maybe"},
        {"name": "i", "type": "agent"},
        {"name": "j", "type": "agent", "default": "role=web"},
        {"name": "k", "type": "enum", "values": ["x"], "default": "y"},
        {"name": "l", "type": "list", "pattern": "[a-z]", "default": ["a", "B"]},
        {"name": "m", "type": "list", "minLength": 1},
        {"name": "n", "type": "enum", "values": ["x"]},
        {"name": "o", "pattern": "x{1000}{1000}", "required": true},
    ]);
    let step = json!([{"id": "a", "type": "execute", "targets": ["web-1"], "command": "true"}]);
    let agent = super::tests::manifest(json!({"kind": "Agent", "metadata": {"name": "web-1"}}));
    insta::assert_snapshot!(said(&check(&[workflow("w", params, step), agent])));
}

#[test]
fn a_schedule_s_texts_are_read_as_the_type() {
    let params = json!([{"name": "count", "type": "int", "min": 1, "required": true}, {"name": "dry", "type": "bool"}]);
    let step = json!([{"id": "a", "type": "execute", "targets": ["all"], "command": "true"}]);
    let schedule = |given: Value| {
        let spec = json!({"every": "1h", "workflow": "update", "params": given});
        let schedule = super::tests::manifest(json!({"kind": "Schedule", "metadata": {"name": "hourly"}, "spec": spec}));
        said(&check(&[workflow("update", params.clone(), step.clone()), schedule]))
    };
    assert_eq!(schedule(json!({"count": "5", "dry": "true"})), "");
    insta::assert_snapshot!(schedule(json!({"count": "0", "dry": "yes"})));
}

/// A pattern that would take long is not asked about a text that is too long anyway.
#[test]
fn a_length_is_asked_before_a_pattern() {
    let (long, half) = ("a".repeat(MAX_VALUE_BYTES + 1), "a".repeat(MAX_VALUE_BYTES / 2 + 1));
    let cases = [
        (json!({"pattern": "b"}), json!(long.clone()), "it is 65537 bytes long; at most 64 KiB"),
        (json!({"type": "list", "pattern": "b"}), json!([long]), "its items are 65537 bytes long together; at most 64 KiB"),
        (json!({"type": "list", "pattern": "b"}), json!([half, half]), "its items are 65538 bytes long together; at most 64 KiB"),
    ];
    for (declared, given, error) in cases {
        assert_eq!(resolved(declared, Some(given)), Err(error.to_owned()));
    }
}
