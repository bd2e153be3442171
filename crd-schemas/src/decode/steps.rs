//! The types of steps, and the fields of those that need few: `wait`, `parse`, `route`.

use super::cursor::{Cursor, Fields};
use super::place::Place;
use super::report::Report;
use super::scope::Scope;
use super::words::list;
use super::workflow::condition;
use super::{execute, prompt, rules, value};
use crate::Duration;
use crate::manifest::steps::{MAX_PATTERN_CHARS, MAX_ROUTES, MAX_UNTIL_CHARS, MAX_ZONE_CHARS};
use crate::manifest::{Action, Parse, ParseFormat, Route, RouteCase, Wait};
use crate::problem::code;
use crate::source::Source;
use crate::tree::{Node, Span, Value};

/// The type of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepType {
    /// Runs a command.
    Execute,
    /// Asks a person.
    Prompt,
    /// Waits for a time.
    Wait,
    /// Reads an output.
    Parse,
    /// Chooses where to go on.
    Route,
}

impl StepType {
    /// Every type with its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("execute", Self::Execute),
        ("prompt", Self::Prompt),
        ("wait", Self::Wait),
        ("parse", Self::Parse),
        ("route", Self::Route),
    ];
}

/// What a step of this type does.
pub fn action(kind: StepType, fields: &mut Fields, scope: &Scope, report: &mut Report) -> Option<Action> {
    match kind {
        StepType::Execute => {
            execute::execute(fields, Place::Step(scope), report).map(|execute| Action::Execute(Box::new(execute)))
        }
        StepType::Prompt => prompt::prompt(fields, scope, report).map(Action::Prompt),
        StepType::Wait => wait(fields, report).map(Action::Wait),
        StepType::Parse => parse(fields, scope, report).map(Action::Parse),
        StepType::Route => route(fields, scope, report).map(Action::Route),
    }
}

/// Every field that a type has beside those that all steps have, asked of its decoder, so that no second list can differ.
pub fn field_names(kind: StepType) -> Vec<&'static str> {
    let nothing = Node { value: Value::Map(Vec::new()), span: Span { start: 0, end: 0 } };
    let source = Source::new("", "");
    let mut report = Report::new(&source);
    let Some(mut fields) = Fields::of(Cursor::document(&nothing), &mut report) else { return Vec::new() };
    action(kind, &mut fields, &Scope::of(None), &mut report);
    fields.asked()
}

/// Which types of steps have a field, as the help for a step that has not.
pub fn belongs(field: &str) -> Option<String> {
    let of_type = |kind: StepType| field_names(kind).contains(&field);
    let words: Vec<&str> = StepType::ALL.iter().filter(|(_, kind)| of_type(*kind)).map(|(word, _)| *word).collect();
    match words.as_slice() {
        [] => None,
        [only] => Some(format!("only a step of the type `{only}` has `{field}`")),
        _ => Some(format!("only steps of the types {} have `{field}`", list(&words))),
    }
}

fn wait(fields: &mut Fields, report: &mut Report) -> Option<Wait> {
    let duration = fields.optional("duration", report, |at, report| value::duration(at, Duration::default(), report));
    let until = fields.find("until");
    let zone = fields.find("timeZone");
    let of_duration = match (&until, fields.has("duration")) {
        (None, false) => {
            let help = Some("add `duration: 10m`, or `until: \"02:00\"`".into());
            report.error(fields.cursor(), code::MISSING_FIELD, "a wait has `duration` or `until`", help)
        }
        (Some(until), true) => {
            let help = Some("leave one of the two out".into());
            report.error(until, code::CONFLICTING_FIELDS, "a wait has `duration` or `until`, not both", help)
        }
        (until, _) => Some(until.is_none()),
    };
    if let (Some(zone), Some(true)) = (&zone, of_duration) {
        let help = Some("leave `timeZone` out, or write `until` instead of `duration`".into());
        let message = "a `duration` is as long everywhere, so a time zone changes nothing";
        let _: Option<()> = report.error(zone, code::CONFLICTING_FIELDS, message, help);
    }
    let text = |at: Option<Cursor>, most, report: &mut Report| match at {
        Some(at) => value::short_text(at, most, report).map(Some),
        None => Some(None),
    };
    let until = text(until, MAX_UNTIL_CHARS, report);
    let time_zone = text(zone, MAX_ZONE_CHARS, report);
    for name in ["seconds", "delay", "sleep", "for"] {
        fields.elsewhere(name, "write `duration: …`");
    }
    of_duration?;
    Some(Wait { duration: duration?, until: until?, time_zone: time_zone? })
}

fn parse(fields: &mut Fields, scope: &Scope, report: &mut Report) -> Option<Parse> {
    let from = fields.optional("from", report, |at, report| scope.source(at, "output", report));
    let into = fields.optional("into", report, |at, report| value::ruled(at, report, rules::state_name));
    let formats = [("keyvalue", ParseFormat::Keyvalue), ("json", ParseFormat::Json), ("regex", ParseFormat::Regex)];
    let format = fields.or("format", ParseFormat::default(), report, |at, report| value::choice(&at, &formats, &[], report));
    let pattern = pattern(fields, format, report);
    let agent = fields.find("agent");
    let each = fields.or("each", false, report, value::boolean);
    if let (Some(agent), Some(true)) = (&agent, each) {
        let help = Some("leave one of the two out".into());
        let message = "`agent` reads the output of one agent, `each: true` that of every one";
        let _: Option<()> = report.error(agent, code::CONFLICTING_FIELDS, message, help);
    }
    let agent = match agent {
        Some(at) => value::ruled(at, report, rules::agent_or_value).map(Some),
        None => Some(None),
    };
    Some(Parse { from: from?, into: into?, format: format?, pattern: pattern?, agent: agent?, each: each? })
}

/// The expression, which belongs to `regex` and is compiled elsewhere.
#[expect(clippy::option_option, reason = "the outer one is `a problem was found`, as in every decoder")]
fn pattern(fields: &mut Fields, format: Option<ParseFormat>, report: &mut Report) -> Option<Option<String>> {
    match (fields.find("pattern"), format) {
        (Some(at), Some(ParseFormat::Keyvalue | ParseFormat::Json)) => {
            let help = Some("write `format: regex`, or leave it out".into());
            report.error(&at, code::CONFLICTING_FIELDS, "`pattern` is read with `format: regex` only", help)
        }
        (Some(at), _) => value::short_text(at, MAX_PATTERN_CHARS, report).map(Some),
        (None, Some(ParseFormat::Regex)) => {
            let help = Some(r"add `pattern: '(?<name>\S+) …'`; its named groups are the values".into());
            report.error(fields.cursor(), code::MISSING_FIELD, "`format: regex` needs a `pattern`", help)
        }
        (None, _) => Some(None),
    }
}

fn route(fields: &mut Fields, scope: &Scope, report: &mut Report) -> Option<Route> {
    let routes = fields.required("routes", report, |at, report| {
        let last = if let Value::List(nodes) = &at.node.value { nodes.len().saturating_sub(1) } else { 0 };
        let mut index = 0;
        value::items(at, 1..=MAX_ROUTES, report, |at, report| {
            index += 1;
            route_case(at, index > last, scope, report)
        })
    });
    for name in ["conditions", "cases", "if"] {
        fields.elsewhere(name, "write `routes: [{if: …, goto: …}]`");
    }
    fields.elsewhere("default", "write it as the last of `routes`: `{default: true, goto: …}`");
    Some(Route { routes: routes? })
}

fn route_case(at: Cursor, is_last: bool, scope: &Scope, report: &mut Report) -> Option<RouteCase> {
    let mut fields = Fields::of(at, report)?;
    let has_condition = fields.has("if");
    let condition = fields.optional("if", report, condition);
    let default_at = fields.find("default");
    let default = match &default_at {
        Some(at) => value::boolean_at(at, report),
        None => Some(false),
    };
    let one = default_route(&fields, default_at.as_ref(), default, has_condition, is_last, report);
    let goto = fields.optional("goto", report, |at, report| scope.goto(at, report));
    let label = fields.optional("label", report, value::text);
    fields.elsewhere("when", "write `if`");
    fields.elsewhere("else", "write `default: true`");
    fields.finish(report);
    one?;
    Some(RouteCase { condition: condition?, default: default?, goto: goto?, label: label? })
}

/// A route has either `if` or `default: true`, and the default is the last one.
fn default_route(
    fields: &Fields,
    at: Option<&Cursor>,
    default: Option<bool>,
    has_condition: bool,
    is_last: bool,
    report: &mut Report,
) -> Option<()> {
    match (at, default) {
        (Some(at), Some(true)) if has_condition => {
            let help = Some("leave one of the two out".into());
            report.error(at, code::CONFLICTING_FIELDS, "a route has `if` or `default: true`, not both", help)
        }
        (Some(at), Some(true)) if !is_last => {
            let help = Some("put it at the end; there is one such route at most".into());
            report.error(at, code::CONFLICTING_FIELDS, "the routes after `default: true` are never looked at", help)
        }
        (_, Some(false)) if !has_condition => {
            let message = format!("{} has neither `if` nor `default: true`", fields.cursor().label());
            report.error(fields.cursor(), code::MISSING_FIELD, message, Some("add `if: …`".into()))
        }
        _ => Some(()),
    }
}
