//! `pulse retry EXECUTION`: run it again as a new execution.

use super::once::Once;
use super::{begun, execution_path};
use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Follow, Selection};
use crate::output::{self, Format};
use crate::views::text;
use serde_json::{Value, json};

/// Run an execution again as a new one: from the step that failed, on the targets that failed, unless said otherwise
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// Id or workflow#number
    execution: String,
    /// From its first step, on all its targets
    #[arg(long)]
    from_start: bool,
    /// As the workflow is now, not as it was; with --from-start
    #[arg(long, requires = "from_start")]
    head: bool,
    /// Also run commands again of which nobody knows whether they ran
    #[arg(long, conflicts_with = "from_start")]
    include_unknown: bool,
    /// Show the output as it comes, until the end
    #[arg(short, long)]
    follow: bool,
    /// Show terminal control sequences of the output as they are
    #[arg(long, requires = "follow")]
    raw: bool,
    #[command(flatten)]
    once: Once,
}

impl Retry {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let with_follow = [Format::Table];
        let without = [Format::Table, Format::Json, Format::Yaml, Format::Name];
        let format = common.format_of(if self.follow { &with_follow } else { &without })?;
        let client = common.client()?;
        let answer = self.once.start(&client, &format!("{}/retry", execution_path(&self.execution)), &self.body());
        let answer = answer.map_err(|failure| self.helped(failure))?;
        // A number counts within its source; the id means this one for sure.
        let name = if self.execution.contains('#') { text(&answer, "/name") } else { text(&answer, "/id") };
        if let Some(said) = dropped(&answer).filter(|_| !matches!(format, Format::Json | Format::Yaml)) {
            output::message(&said);
        }
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => output::print(&name)?,
            _ if self.follow => {
                output::message(&format!("{name}, which repeats {}, {}", self.execution, begun(&answer)));
                return Follow::new(&client, &name, Selection::default(), self.raw).known().until_settled();
            }
            _ => {
                output::print(&name)?;
                output::message(&format!(
                    "{name} repeats {} and {}; `pulse logs -f '{name}'` follows it",
                    self.execution,
                    begun(&answer)
                ));
            }
        }
        Ok(Exit::Success)
    }

    fn body(&self) -> Value {
        let (from, commit) = (if self.from_start { "start" } else { "failed" }, if self.head { "head" } else { "same" });
        json!({ "from": from, "commit": commit, "includeUnknown": self.include_unknown })
    }

    /// What to do about a refusal, in the words of this command.
    fn helped(&self, failure: Failure) -> Failure {
        let execution = &self.execution;
        match failure.code() {
            Some("unknown_targets") => {
                let targets = failure.problem().get("targets").and_then(Value::as_array).into_iter().flatten();
                let targets: Vec<&str> = targets.filter_map(Value::as_str).collect();
                let help = format!(
                    "look at {}, and settle them with `pulse resolve` (`pulse why '{execution}'` shows how), or run their commands again with --include-unknown",
                    targets.join(", ")
                );
                failure.with_help(help)
            }
            Some("nothing_failed") => failure.with_help(format!("to run it all again: pulse retry '{execution}' --from-start")),
            Some("not_over") => failure.with_help(format!("to follow it: pulse logs -f '{execution}'")),
            _ => failure,
        }
    }
}

/// Parameters that the new execution does not get, where there are some.
fn dropped(answer: &Value) -> Option<String> {
    let names = answer.get("droppedParams").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    let names = (!names.is_empty()).then(|| names.join(", "))?;
    Some(format!("parameters that are not given again, because the workflow does not declare them any more: {names}"))
}
