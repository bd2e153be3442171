//! The engine: what an expression can do, and how much of it.
//!
//! rhai's own rule for unlike types is that they are never equal, silently. So the comparing and adding operators are
//! registered here for any pair of values, and decide themselves: like types work, unlike ones are errors with a hint.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Position};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The longest text, in bytes.
const MAX_STRING_BYTES: usize = 128 * 1024;

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// Functions an expression may call; all others are refused when it is compiled.
pub(super) const FUNCTIONS: [&str; 11] =
    ["int", "float", "string", "contains", "starts_with", "ends_with", "len", "is_empty", "to_lower", "to_upper", "trim"];

/// Operators an expression may use, beside `&&` and `||`.
pub(super) const OPERATORS: [&str; 12] = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "!"];

/// One engine for all: it is set up once and holds no state of an evaluation.
pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = Engine::new_raw();
    engine
        .set_allow_anonymous_fn(false)
        .set_allow_if_expression(false)
        .set_allow_looping(false)
        .set_allow_loop_expressions(false)
        .set_allow_shadowing(false)
        .set_allow_statement_expression(false)
        .set_allow_switch_expression(false)
        .set_fail_on_invalid_map_property(true)
        .set_fast_operators(false)
        .set_strict_variables(false)
        .set_max_operations(10_000)
        .set_max_expr_depths(32, 32)
        .set_max_call_levels(16)
        .set_max_string_size(MAX_STRING_BYTES)
        .set_max_array_size(10_000)
        .set_max_map_size(100_000)
        .set_max_functions(0)
        .set_max_variables(16)
        .set_optimization_level(rhai::OptimizationLevel::None);
    engine.disable_symbol("eval");
    register_operators(&mut engine);
    register_functions(&mut engine);
    engine
});

fn register_operators(engine: &mut Engine) {
    engine.register_fn("==", |a: Dynamic, b: Dynamic| compare("==", &a, &b).map(|order| order == Ordering::Equal));
    engine.register_fn("!=", |a: Dynamic, b: Dynamic| compare("!=", &a, &b).map(|order| order != Ordering::Equal));
    engine.register_fn("<", |a: Dynamic, b: Dynamic| compare("<", &a, &b).map(Ordering::is_lt));
    engine.register_fn("<=", |a: Dynamic, b: Dynamic| compare("<=", &a, &b).map(Ordering::is_le));
    engine.register_fn(">", |a: Dynamic, b: Dynamic| compare(">", &a, &b).map(Ordering::is_gt));
    engine.register_fn(">=", |a: Dynamic, b: Dynamic| compare(">=", &a, &b).map(Ordering::is_ge));
    engine.register_fn("+", |a: Dynamic, b: Dynamic| add(&a, &b));
    engine.register_fn("-", |a: Dynamic, b: Dynamic| calculate("-", &a, &b, i64::checked_sub, |a, b| a - b));
    engine.register_fn("*", |a: Dynamic, b: Dynamic| calculate("*", &a, &b, i64::checked_mul, |a, b| a * b));
    engine.register_fn("/", |a: Dynamic, b: Dynamic| calculate("/", &a, &b, i64::checked_div, |a, b| a / b));
    engine.register_fn("%", |a: Dynamic, b: Dynamic| calculate("%", &a, &b, i64::checked_rem, |a, b| a % b));
    engine.register_fn("-", |a: i64| a.checked_neg().ok_or_else(|| failure("the number is too large")));
    engine.register_fn("-", |a: f64| -a);
    engine.register_fn("!", |a: bool| !a);
}

fn register_functions(engine: &mut Engine) {
    type Text = ImmutableString;
    engine.register_fn("int", |text: Text| int(&text));
    engine.register_fn("int", |number: i64| number);
    engine.register_fn("int", |number: f64| {
        // Only where every whole number up to the bound has its own float, so that nothing is rounded unseen.
        let exact = number.abs() <= 9_007_199_254_740_992.0;
        if exact { Ok(number as i64) } else { Err(failure(format!("{number} is too large for `int(…)`"))) }
    });
    engine.register_fn("float", |text: Text| float(&text));
    engine.register_fn("float", |number: i64| number as f64);
    engine.register_fn("float", |number: f64| number);
    engine.register_fn("string", |text: Text| text);
    engine.register_fn("string", |number: i64| number.to_string());
    engine.register_fn("string", |number: f64| number.to_string());
    engine.register_fn("string", |truth: bool| truth.to_string());
    engine.register_fn("contains", |text: Text, part: Text| text.contains(part.as_str()));
    engine.register_fn("contains", |list: rhai::Array, item: Dynamic| contains(&list, &item));
    engine.register_fn("contains", |map: rhai::Map, key: Text| map.contains_key(key.as_str()));
    engine.register_fn("starts_with", |text: Text, part: Text| text.starts_with(part.as_str()));
    engine.register_fn("ends_with", |text: Text, part: Text| text.ends_with(part.as_str()));
    engine.register_fn("len", |text: Text| text.chars().count() as i64);
    engine.register_fn("len", |list: rhai::Array| list.len() as i64);
    engine.register_fn("len", |map: rhai::Map| map.len() as i64);
    engine.register_fn("is_empty", |text: Text| text.is_empty());
    engine.register_fn("is_empty", |list: rhai::Array| list.is_empty());
    engine.register_fn("is_empty", |map: rhai::Map| map.is_empty());
    engine.register_fn("to_lower", |text: Text| text.to_lowercase());
    engine.register_fn("to_upper", |text: Text| text.to_uppercase());
    engine.register_fn("trim", |text: Text| text.trim().to_owned());
}

/// An error of an expression, as rhai carries it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) unlike: Option<Unlike>,
}

/// An operator between values that do not go together.
#[derive(Debug, Clone)]
pub(super) struct Unlike {
    /// The operator.
    pub(super) operator: String,
    /// What stands on the left of it.
    pub(super) left: Kind,
    /// What stands on the right of it.
    pub(super) right: Kind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// A number with a point.
    Float,
    /// True or false.
    Truth,
    /// A list.
    List,
    /// A map.
    Map,
    /// Anything else.
    Other,
}

impl Kind {
    fn of(value: &Dynamic) -> Self {
        match value {
            value if value.is_string() => Self::Text,
            value if value.is_int() => Self::Whole,
            value if value.is_float() => Self::Float,
            value if value.is_bool() => Self::Truth,
            value if value.is_array() => Self::List,
            value if value.is_map() => Self::Map,
            _ => Self::Other,
        }
    }
}

fn failure(message: impl Into<String>) -> Box<EvalAltResult> {
    carried(Failure { message: message.into(), help: None, unlike: None })
}

fn carried(failure: Failure) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(failure), Position::NONE))
}

fn int(text: &str) -> Outcome<i64> {
    text.trim().parse().map_err(|_| match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => no_number("int", text, "no whole number", "write `float(…)`"),
        _ => no_number("int", text, "no whole number", ONE_NUMBER),
    })
}

fn float(text: &str) -> Outcome<f64> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| no_number("float", text, "no number", ONE_NUMBER))
}

/// What to do about a text that holds more than a number, or none.
const ONE_NUMBER: &str = "let the text be the number alone: a `parse` step with `format: regex` takes it out of an output";

fn no_number(function: &str, text: &str, what: &str, help: &str) -> Box<EvalAltResult> {
    let shown: String = text.trim().chars().take(40).collect();
    let message = format!("`{function}(…)`: the text {shown:?} is {what}");
    carried(Failure { message, help: Some(help.to_owned()), unlike: None })
}

fn contains(list: &[Dynamic], item: &Dynamic) -> Outcome<bool> {
    for other in list {
        if compare("==", other, item)? == Ordering::Equal {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The order of two like values; unlike ones have none.
fn compare(operator: &str, a: &Dynamic, b: &Dynamic) -> Outcome<Ordering> {
    if let (Some(a), Some(b)) = (text(a), text(b)) {
        return Ok(a.cmp(&b));
    }
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return Ok(a.cmp(&b));
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a.partial_cmp(&b).ok_or_else(|| failure("a number that is not a number cannot be compared"));
    }
    match (a.as_bool(), b.as_bool()) {
        (Ok(a), Ok(b)) if matches!(operator, "==" | "!=") => Ok(a.cmp(&b)),
        _ => Err(unlike(operator, a, b)),
    }
}

fn add(a: &Dynamic, b: &Dynamic) -> Outcome<Dynamic> {
    match (text(a), text(b)) {
        (Some(a), Some(b)) if a.len() + b.len() > MAX_STRING_BYTES => Err(failure("the text grows too long")),
        (Some(a), Some(b)) => Ok(format!("{a}{b}").into()),
        _ => calculate("+", a, b, i64::checked_add, |a, b| a + b),
    }
}

fn calculate(
    operator: &str,
    a: &Dynamic,
    b: &Dynamic,
    ints: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Outcome<Dynamic> {
    if let (Ok(x), Ok(y)) = (a.as_int(), b.as_int()) {
        let result =
            ints(x, y).ok_or_else(|| failure(format!("`{x} {operator} {y}` has no result: it is too large, or divides by 0")));
        return result.map(Dynamic::from);
    }
    match (number(a), number(b)) {
        (Some(a), Some(b)) => Ok(floats(a, b).into()),
        _ => Err(unlike(operator, a, b)),
    }
}

fn text(value: &Dynamic) -> Option<ImmutableString> {
    value.clone().into_immutable_string().ok()
}

fn number(value: &Dynamic) -> Option<f64> {
    value.as_float().ok().or_else(|| value.as_int().ok().map(|number| number as f64))
}

/// The error about an operator between unlike values.
fn unlike(operator: &str, a: &Dynamic, b: &Dynamic) -> Box<EvalAltResult> {
    let message = format!("`{operator}` between {} and {}", said(a.type_name()), said(b.type_name()));
    let unlike = Unlike { operator: operator.to_owned(), left: Kind::of(a), right: Kind::of(b) };
    carried(Failure { message, help: None, unlike: Some(unlike) })
}

/// A type as people say it.
pub(super) fn said(kind: &str) -> &'static str {
    match kind {
        text if text.contains("tring") || text.ends_with("str") => "a text",
        "i64" | "int" => "a whole number",
        "f64" | "float" => "a number with a point",
        "bool" => "true or false",
        "map" | "Map" => "a map",
        "array" | "Array" => "a list",
        "()" => "nothing",
        "char" => "a character",
        _ => "another kind of value",
    }
}

/// The types of a call, as people say them, from rhai's `name (type, type)`.
pub(super) fn said_signature(signature: &str) -> String {
    let types = signature.split_once(" (").map_or("", |(_, types)| types.trim_end_matches(')'));
    let types: Vec<&str> = types.split(", ").filter(|kind| !kind.is_empty()).map(said).collect();
    if types.is_empty() { "it takes some".to_owned() } else { types.join(" and ") }
}
