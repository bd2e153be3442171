//! The fields of an `execute` step.

use super::cursor::{Cursor, Fields};
use super::place::Place;
use super::report::Report;
use super::suggest::suggest;
use super::words::list;
use super::{files, number, rules, targets, value};
use crate::Duration;
use crate::manifest::{Execute, NamedShell, OnOffline, OnUnknown, Retry, Shell};
use crate::problem::code;
use crate::tree::{Node, Value, clip};

const SECOND: Duration = Duration::from_secs(1);
const ZERO: Duration = Duration::from_millis(0);

/// What stands beside `id`, `type` and the others that all steps have.
pub fn execute(fields: &mut Fields, place: Place, report: &mut Report) -> Option<Execute> {
    let defaults = Execute::defaults();
    let targets = fields.required("targets", report, |at, report| targets::targets(at, place, report));
    let (run, step_files) = match place {
        Place::Request => (files::only_command(fields, report), Some(Vec::new())),
        Place::Step(_) | Place::Schedule => files::run_and_files(fields, report),
    };
    let env = fields.or("env", defaults.env, report, |at, report| value::text_map(at, report, rules::env_name, rules::sized));
    let is_script = fields.has("script");
    let shell = fields.or("shell", defaults.shell, report, |at, report| shell(at, is_script, report));
    let cwd = fields.optional("cwd", report, |at, report| value::ruled(at, report, rules::absolute_path));
    let user = fields.optional("user", report, |at, report| value::ruled(at, report, rules::user_name));
    let success_exit_codes = fields.or("successExitCodes", defaults.success_exit_codes, report, exit_codes);
    let timeout = fields.or("timeout", defaults.timeout, report, |at, report| value::duration(at, SECOND, report));
    let kill_grace = fields.or("killGrace", defaults.kill_grace, report, |at, report| value::duration(at, ZERO, report));
    let retry = fields.optional("retry", report, retry);
    let max_parallel =
        fields.or("maxParallel", defaults.max_parallel, report, |at, report| number::whole(&at, 1..=10_000, report));
    let max_failures = fields.or("maxFailures", 0, report, |at, report| number::whole(&at, 0..=u32::MAX, report));
    let on_offline = fields.or("onOffline", defaults.on_offline, report, on_offline);
    let on_unknown = fields.optional("onUnknown", report, |at, report| {
        value::choice(&at, &[("wait", OnUnknown::Wait), ("fail", OnUnknown::Fail)], &[], report)
    });
    let idempotent = fields.or("idempotent", false, report, value::boolean);
    let expect_disconnect = fields.or("expectDisconnect", false, report, value::boolean);
    Some(Execute {
        targets: targets?,
        run: run?,
        files: step_files?,
        env: env?,
        shell: shell?,
        cwd: cwd?,
        user: user?,
        success_exit_codes: success_exit_codes?,
        timeout: timeout?,
        kill_grace: kill_grace?,
        retry: retry?,
        max_parallel: max_parallel?,
        max_failures: max_failures?,
        on_offline: on_offline?,
        on_unknown: on_unknown?,
        idempotent: idempotent?,
        expect_disconnect: expect_disconnect?,
    })
}

fn shell(at: Cursor, is_script: bool, report: &mut Report) -> Option<Shell> {
    match &at.node.value {
        Value::List(items) if is_script && items.last().and_then(Node::text) == Some("-c") => {
            let message = "`-c` takes the text of a command, but `script` is given as a file";
            report.error(&at, code::CONFLICTING_FIELDS, message, Some("leave `-c` out".into()))
        }
        Value::List(_) => value::items(at, 1..=100, report, value::filled_text).map(Shell::Argv),
        Value::String(_) => {
            let names = [("sh", NamedShell::Sh), ("bash", NamedShell::Bash)];
            value::choice(&at, &names, &[], report).map(Shell::Named)
        }
        _ => at.wrong_type("`sh`, `bash` or a list of a program and its arguments", report, None),
    }
}

fn exit_codes(at: Cursor, report: &mut Report) -> Option<Vec<u8>> {
    value::items(at, 1..=256, report, |item, report| {
        number::whole(&item, 0..=255, report).and_then(|code| u8::try_from(code).ok())
    })
}

fn retry(at: Cursor, report: &mut Report) -> Option<Retry> {
    let mut fields = Fields::of(at, report)?;
    let attempts = fields.required("attempts", report, |at, report| number::whole(&at, 1..=100, report));
    let backoff = fields.or("backoff", Retry::DEFAULT_BACKOFF, report, |at, report| value::duration(at, ZERO, report));
    let max_backoff = fields.or("maxBackoff", Retry::DEFAULT_MAX_BACKOFF, report, |at, report| value::duration(at, ZERO, report));
    if let (Some(backoff), Some(longest)) = (backoff, max_backoff)
        && backoff > longest
    {
        let message = format!("`backoff` is {backoff}, longer than `maxBackoff`, which is {longest}");
        let help = Some("set `maxBackoff` to at least the first wait".into());
        let _: Option<()> = report.error(fields.cursor(), code::CONFLICTING_FIELDS, message, help);
    }
    fields.finish(report);
    Some(Retry { attempts: attempts?, backoff: backoff?, max_backoff: max_backoff? })
}

fn on_offline(at: Cursor, report: &mut Report) -> Option<OnOffline> {
    const FORMS: [&str; 3] = ["fail", "skip", "wait <duration>"];
    let Value::String(text) = &at.node.value else { return at.wrong_type(&format!("one of {}", list(&FORMS)), report, None) };
    match text.parse() {
        Ok(found) => Some(found),
        Err(message) if text.starts_with("wait ") => {
            report.error(&at, code::BAD_DURATION, message, Some("write, for example, `wait 10m`".into()))
        }
        Err(_) => {
            let help = match text.as_str() {
                "wait" => Some("say how long: `wait 10m`".into()),
                _ => suggest(text, ["fail", "skip"]).or_else(|| Some(format!("it can be {}", list(&FORMS)))),
            };
            report.error(&at, code::BAD_VALUE, format!("{} cannot be `{}`", at.label(), clip(text)), help)
        }
    }
}
