//! `retention` of a workflow.

use super::cursor::{Cursor, Fields};
use super::report::Report;
use super::{number, value};
use crate::manifest::Retention;
use crate::problem::code;

pub(super) fn retention(at: Cursor, report: &mut Report) -> Option<Retention> {
    let mut fields = Fields::of(at, report)?;
    let long = |at: Cursor, report: &mut Report| value::duration(at, Retention::SHORTEST, report);
    let executions = fields.optional("executions", report, long);
    let output = fields.optional("output", report, |at, report| {
        let (place, pointer) = (at.place(), at.pointer.clone());
        let output = long(at, report)?;
        match executions.flatten() {
            Some(executions) if output > executions => {
                let help = Some(format!("write `{executions}` or less, or leave it out"));
                report.error_at(place, &pointer, code::CONFLICTING_FIELDS, "output is not kept longer than its execution", help)
            }
            _ => Some(output),
        }
    });
    let at_least = fields.optional("atLeast", report, |at, report| number::whole(&at, 1..=Retention::MOST, report));
    let at_most = fields.optional("atMost", report, |at, report| {
        let most = number::whole(&at, 1..=Retention::MOST, report)?;
        match at_least.flatten() {
            Some(least) if most < least => {
                let help = Some(format!("write {least} or more, or less for `atLeast`"));
                report.error(&at, code::CONFLICTING_FIELDS, "`atMost` is less than `atLeast`, which are always kept", help)
            }
            _ => Some(most),
        }
    });
    fields.elsewhere("maxAge", "write `executions: 90d`");
    fields.elsewhere("days", "write `executions: 90d`");
    fields.elsewhere("keepLast", "write `atLeast: 100`");
    fields.finish(report);
    Some(Retention { executions: executions?, output: output?, at_least: at_least?, at_most: at_most? })
}
