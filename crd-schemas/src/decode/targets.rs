//! `targets` of an `execute` step: a list of names and selectors, or the targets of an earlier step.

use super::cursor::{Cursor, Fields};
use super::place::Place;
use super::report::Report;
use super::scope::Scope;
use super::value;
use crate::manifest::{TargetResult, Targets, TargetsFrom};
use crate::problem::code;
use crate::tree::{Node, Value, clip};

/// Where a command runs.
pub fn targets(at: Cursor, place: Place, report: &mut Report) -> Option<Targets> {
    if let Some(inside) = at.braces() {
        let help = Some(format!("write it as an item, in quotes: [\"{{{{ {inside} }}}}\"]"));
        return report.error(
            &at,
            code::WRONG_TYPE,
            "`targets` starts with `{{`, which is a map for YAML; a list is wanted",
            help,
        );
    }
    match (&at.node.value, place) {
        (Value::Map(_), Place::Schedule) => {
            let message = "a schedule's command comes after no step whose targets it could take";
            let help = "name its targets in a list, or write the steps as a Workflow, which `workflow` names";
            report.error(&at, code::BAD_VALUE, message, Some(help.into()))
        }
        (Value::Map(_), Place::Request) => {
            let message = "a command by itself comes after no step whose targets it could take";
            let help = "name its targets in a list, or write the steps as a Workflow";
            report.error(&at, code::BAD_VALUE, message, Some(help.into()))
        }
        (Value::Map(_), Place::Step(scope)) => from(at, scope, report).map(Targets::From),
        (Value::List(nodes), _) => {
            for (before, item) in nodes.iter().zip(at.items(nodes).skip(1)) {
                torn_selector(before, &item, report);
            }
            value::items(at, 1..=1000, report, item).map(Targets::Items)
        }
        _ => value::items(at, 1..=1000, report, item).map(Targets::Items),
    }
}

fn from(at: Cursor, scope: &Scope, report: &mut Report) -> Option<TargetsFrom> {
    let mut fields = Fields::of(at, report)?;
    let from = fields.required("from", report, |at, report| scope.source(at, "targets", report));
    let result = fields.required("result", report, |at, report| {
        let names = [TargetResult::Succeeded, TargetResult::Failed].map(|result| (result.as_str(), result));
        value::choice(&at, &names, &[], report)
    });
    fields.finish(report);
    Some(TargetsFrom { from: from?, result: result? })
}

/// `[role=web,env!=dev]` looks like one selector and is two for YAML: more servers than its author means. So it is refused.
fn torn_selector(before: &Node, item: &Cursor, report: &mut Report) {
    let (Some(first), Some(second)) = (before.text(), item.node.text()) else { return };
    let between = report.text().get(before.span.end..item.node.span.start);
    if between == Some(",") && first.contains('=') && second.contains('=') {
        let message = format!("`{},{}` without quotes is two targets, not one selector", clip(first), clip(second));
        let help = format!("write \"{0},{1}\" for agents that match both, or `{0}, {1}` for either", clip(first), clip(second));
        let _: Option<()> = report.error(item, code::AMBIGUOUS_SELECTOR, message, Some(help));
    }
}

fn item(at: Cursor, report: &mut Report) -> Option<String> {
    if matches!(at.node.value, Value::Map(_)) && at.braces().is_none() {
        let help = "for the targets of an earlier step write `targets: {from: …, result: …}`, without the list";
        return at.wrong_type("a name or a selector", report, Some(help.into()));
    }
    value::filled_text(at, report)
}
