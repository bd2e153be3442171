//! The fields of a `prompt` step.

use super::access;
use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::scope::Scope;
use super::suggest::nearest;
use super::value;
use super::words::clipped_list;
use crate::Duration;
use crate::manifest::prompt::{MAX_ANSWER_CHARS, MAX_MESSAGE_CHARS, MAX_OPTIONS};
use crate::manifest::{OnTimeout, Prompt, PromptOption};
use crate::problem::code;
use crate::tree::{Span, Value, clip};

/// What stands beside the fields that all steps have.
pub fn prompt(fields: &mut Fields, scope: &Scope, report: &mut Report) -> Option<Prompt> {
    let message = fields.required("message", report, |at, report| value::short_text(at, MAX_MESSAGE_CHARS, report));
    let options = fields.required("options", report, |at, report| options(at, scope, report));
    let timeout = fields.optional("timeout", report, |at, report| value::duration(at, Duration::from_secs(1), report));
    let on_timeout = fields.find("onTimeout");
    if let (Some(at), Some(None)) = (&on_timeout, timeout) {
        let help = Some("add `timeout: …`, or leave `onTimeout` out".into());
        let _: Option<()> = report.error(
            at,
            code::CONFLICTING_FIELDS,
            "without a `timeout` the prompt waits for ever, so `onTimeout` never comes",
            help,
        );
    }
    let on_timeout = match on_timeout {
        Some(at) => self::on_timeout(at, options.as_deref(), report),
        None => Some(OnTimeout::default()),
    };
    for name in ["choices", "answers"] {
        fields.elsewhere(name, "write `options`");
    }
    for name in ["question", "text", "prompt"] {
        fields.elsewhere(name, "write `message`");
    }
    let who = fields.optional("who", report, access::subjects);
    for name in ["approvers", "users", "groups"] {
        fields.elsewhere(name, "write `who: [\"group:…\"]`");
    }
    Some(Prompt {
        message: message?,
        options: options?,
        who: who?.unwrap_or_default(),
        timeout: timeout?,
        on_timeout: on_timeout?,
    })
}

fn options(at: Cursor, scope: &Scope, report: &mut Report) -> Option<Vec<PromptOption>> {
    let mut seen = Vec::new();
    let options = value::items(at, 1..=MAX_OPTIONS, report, |at, report| option(at, &mut seen, scope, report));
    value::unique("option", &seen, report).and(options)
}

fn option(at: Cursor, seen: &mut Vec<(String, Span, String)>, scope: &Scope, report: &mut Report) -> Option<PromptOption> {
    if !matches!(at.node.value, Value::Map(_)) || at.braces().is_some() {
        return Some(PromptOption { value: answer(at, seen, report)?, goto: None });
    }
    let mut fields = Fields::of(at, report)?;
    let value = fields.required("value", report, |at, report| answer(at, seen, report));
    let goto = fields.optional("goto", report, |at, report| scope.goto(at, report));
    fields.elsewhere("label", "people see `value`");
    fields.elsewhere("answer", "write `value`");
    fields.finish(report);
    Some(PromptOption { value: value?, goto: goto? })
}

/// The text of an answer. What YAML takes for a boolean was meant as a word.
fn answer(at: Cursor, seen: &mut Vec<(String, Span, String)>, report: &mut Report) -> Option<String> {
    if let Value::Bool(found) = at.node.value {
        let word = if found { "Yes" } else { "No" };
        let help = format!("an answer is a word in quotes: write \"{word}\", or \"{found}\" if that is what people shall read");
        return at.wrong_type("text", report, Some(help));
    }
    let (place, pointer) = (at.place(), at.pointer.clone());
    let answer = value::short_text(at, MAX_ANSWER_CHARS, report)?;
    if answer.contains("{{") {
        let message = format!("`{}` holds `{{{{`; answers are fixed when the commit is checked", clip(&answer));
        let help = Some("values can stand in `message`".into());
        return report.error_at(place, &pointer, code::BAD_VALUE, message, help);
    }
    seen.push((answer.clone(), place, pointer));
    Some(answer)
}

/// `fail`, or `{answer: …}` with one of the options.
fn on_timeout(at: Cursor, options: Option<&[PromptOption]>, report: &mut Report) -> Option<OnTimeout> {
    match &at.node.value {
        Value::String(text) if text == "fail" => Some(OnTimeout::Fail),
        Value::String(text) => {
            let is_option = options.is_some_and(|options| options.iter().any(|option| option.value == *text));
            let help = if is_option { format!("write `{{answer: \"{}\"}}`", clip(text)) } else { FORMS.to_owned() };
            report.error(&at, code::BAD_VALUE, format!("`onTimeout` cannot be `{}`", clip(text)), Some(help))
        }
        Value::Map(_) if at.braces().is_none() => {
            let mut fields = Fields::of(at, report)?;
            let answer = fields.required("answer", report, |at, report| one_of(at, options, report));
            fields.elsewhere("goto", "an option leads on: `options: [{value: …, goto: …}]`");
            fields.finish(report);
            answer.map(OnTimeout::Answer)
        }
        _ => at.wrong_type("`fail` or `{answer: …}`", report, None),
    }
}

const FORMS: &str = "it can be `fail` and `{answer: …}` with one of the options";

fn one_of(at: Cursor, options: Option<&[PromptOption]>, report: &mut Report) -> Option<String> {
    let (place, pointer) = (at.place(), at.pointer.clone());
    let answer = answer(at, &mut Vec::new(), report)?;
    let Some(options) = options else { return Some(answer) };
    let known: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    if known.contains(&answer.as_str()) {
        return Some(answer);
    }
    let help = nearest(&answer, known.iter().copied()).map(|near| format!("did you mean `{}`?", clip(near)));
    let help = help.unwrap_or_else(|| format!("it can be {}", clipped_list(known)));
    report.error_at(place, &pointer, code::BAD_VALUE, format!("`{}` is none of the options", clip(&answer)), Some(help))
}
