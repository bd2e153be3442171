//! `kind: Schedule`. What a `cron` and a `timeZone` say is checked where they are understood, with the whole set.

use super::cursor::{Cursor, Fields};
use super::place::Place;
use super::report::Report;
use super::steps::StepType;
use super::words::list;
use super::{execute, number, rules, steps, value};
use crate::Duration;
use crate::manifest::{CatchUp, Metadata, Rhythm, Schedule, SchedulePolicy, ScheduleSpec, ScheduledAction, ScheduledWorkflow};
use crate::problem::code;

const WORKFLOW_FIELDS: [&str; 3] = ["workflow", "params", "limit"];
/// What says that a command is meant, even where it is not complete.
const COMMAND_SIGNS: [&str; 3] = ["command", "targets", "script"];

/// The rest of a `Schedule`.
pub fn schedule(fields: &mut Fields, metadata: Option<Metadata>, report: &mut Report) -> Option<Schedule> {
    let spec = fields.required("spec", report, spec);
    Some(Schedule { metadata: metadata?, spec: spec? })
}

fn spec(at: Cursor, report: &mut Report) -> Option<ScheduleSpec> {
    let mut fields = Fields::of(at, report)?;
    let description = fields.optional("description", report, value::text);
    let rhythm = rhythm(&mut fields, report);
    let action = action(&mut fields, report);
    let concurrency_policy = fields.or("concurrencyPolicy", SchedulePolicy::default(), report, policy);
    let starting_deadline = fields.or("startingDeadline", ScheduleSpec::DEFAULT_STARTING_DEADLINE, report, |at, report| {
        value::duration(at, ScheduleSpec::LEAST_STARTING_DEADLINE, report)
    });
    let catch_up = fields.or("catchUp", CatchUp::default(), report, catch_up);
    let catch_up_limit = catch_up_limit(&mut fields, catch_up, report);
    let jitter = fields.or("jitter", Duration::default(), report, |at, report| value::duration(at, Duration::default(), report));
    let suspend = fields.or("suspend", false, report, value::boolean);
    hints(&mut fields);
    fields.finish(report);
    Some(ScheduleSpec {
        description: description?,
        rhythm: rhythm?,
        concurrency_policy: concurrency_policy?,
        starting_deadline: starting_deadline?,
        catch_up: catch_up?,
        catch_up_limit: catch_up_limit?,
        jitter: jitter?,
        suspend: suspend?,
        action: action?,
    })
}

/// Names that other schedulers use, and what stands in a workflow only.
fn hints(fields: &mut Fields) {
    fields.elsewhere("schedule", "write `cron: \"…\"` or `every: …`");
    fields.elsewhere("interval", "write `every: …`");
    fields.elsewhere("tz", "write `timeZone`");
    fields.elsewhere("concurrency", "write `concurrencyPolicy: Forbid`, `Allow` or `Replace`");
    fields.elsewhere("startingDeadlineSeconds", "write `startingDeadline: 5m`");
    fields.elsewhere("enabled", "write `suspend: true` for a schedule that rests");
    fields.elsewhere("steps", "steps stand in a Workflow, which `workflow` names");
    fields.elsewhere("type", "a schedule's command needs no `type`");
    fields.elsewhere("goto", "steps stand in a Workflow, which `workflow` names");
    fields.elsewhere("id", "a schedule's command is known by the schedule's name");
    fields.elsewhere("when", "conditions stand in a Workflow, which `workflow` names");
}

fn rhythm(fields: &mut Fields, report: &mut Report) -> Option<Rhythm> {
    let cron = fields.find("cron");
    let every = fields.find("every");
    let zone = fields.find("timeZone");
    match (cron, every) {
        (Some(cron), None) => {
            let cron = value::filled_text(cron, report);
            let zone = zone.map(|zone| value::filled_text(zone, report));
            let time_zone = zone.unwrap_or_else(|| Some(Rhythm::DEFAULT_TIME_ZONE.into()));
            Some(Rhythm::Cron { cron: cron?, time_zone: time_zone? })
        }
        (None, Some(every)) => {
            if let Some(zone) = zone {
                let message = "`every` counts from 1970-01-01T00:00:00Z, so a time zone changes nothing";
                let help = Some("leave `timeZone` out, or write `cron` instead of `every`".into());
                let _: Option<()> = report.error(&zone, code::CONFLICTING_FIELDS, message, help);
            }
            let every = value::duration(every, ScheduleSpec::LEAST_EVERY, report);
            Some(Rhythm::Every { every: every? })
        }
        (Some(_), Some(every)) => {
            let help = Some("leave one of the two out".into());
            report.error(&every, code::CONFLICTING_FIELDS, "a schedule has `cron` or `every`, not both", help)
        }
        (None, None) => {
            let help = Some("add `cron: \"30 2 * * *\"` or `every: 15m`".into());
            report.error(fields.cursor(), code::MISSING_FIELD, "a schedule has `cron` or `every`", help)
        }
    }
}

fn action(fields: &mut Fields, report: &mut Report) -> Option<ScheduledAction> {
    if fields.has("workflow") {
        exclude(
            fields,
            &steps::field_names(StepType::Execute),
            "belongs to a command, but this schedule starts a workflow",
            report,
        );
        return workflow(fields, report).map(ScheduledAction::Workflow);
    }
    if COMMAND_SIGNS.iter().any(|name| fields.has(name)) {
        exclude(fields, &WORKFLOW_FIELDS, "belongs to a workflow, but this schedule runs a command", report);
        return execute::execute(fields, Place::Schedule, report).map(|execute| ScheduledAction::Command(Box::new(execute)));
    }
    fields.know(&WORKFLOW_FIELDS);
    fields.know(&steps::field_names(StepType::Execute));
    let help = Some(format!("add `workflow: …`, or {}", list(&["targets", "command"])));
    report.error(fields.cursor(), code::MISSING_FIELD, "a schedule starts a `workflow` or runs a `command`", help)
}

/// Refuses fields that the other kind of action has.
fn exclude(fields: &mut Fields, names: &[&'static str], why: &str, report: &mut Report) {
    for name in names.iter().copied().filter(|name| fields.has(name)).collect::<Vec<_>>() {
        let Some(at) = fields.find(name) else { continue };
        let _: Option<()> = report.error(&at, code::CONFLICTING_FIELDS, format!("`{name}` {why}"), Some("leave it out".into()));
    }
}

fn workflow(fields: &mut Fields, report: &mut Report) -> Option<ScheduledWorkflow> {
    let workflow = fields.required("workflow", report, |at, report| value::ruled(at, report, rules::name));
    let params = fields
        .or("params", Default::default(), report, |at, report| value::text_map(at, report, rules::param_name, rules::sized));
    let limit = fields.optional("limit", report, value::filled_text);
    Some(ScheduledWorkflow { workflow: workflow?, params: params?, limit: limit? })
}

fn policy(at: Cursor, report: &mut Report) -> Option<SchedulePolicy> {
    let names = [("Forbid", SchedulePolicy::Forbid), ("Allow", SchedulePolicy::Allow), ("Replace", SchedulePolicy::Replace)];
    value::choice(&at, &names, &[], report)
}

fn catch_up(at: Cursor, report: &mut Report) -> Option<CatchUp> {
    value::choice(&at, &[("none", CatchUp::None), ("latest", CatchUp::Latest), ("all", CatchUp::All)], &[], report)
}

#[expect(clippy::option_option, reason = "the outer one is `a problem was found`, as in every decoder")]
fn catch_up_limit(fields: &mut Fields, catch_up: Option<CatchUp>, report: &mut Report) -> Option<Option<u32>> {
    let Some(at) = fields.find("catchUpLimit") else { return Some(None) };
    if let Some(CatchUp::None | CatchUp::Latest) = catch_up {
        let help = Some("write `catchUp: all`, or leave it out".into());
        return report.error(&at, code::CONFLICTING_FIELDS, "`catchUpLimit` counts with `catchUp: all` only", help);
    }
    number::whole(&at, 1..=ScheduleSpec::MAX_CATCH_UP_LIMIT, report).map(Some)
}
