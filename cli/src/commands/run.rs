//! `pulse run NAME`: start an execution, and follow it if asked.

use super::agents::pair;
use crate::args::Common;
use crate::client::{Client, view};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Follow, Selection};
use crate::output::{self, Format, when};
use crate::views::text;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A start whose answer was lost is sent again with the same key, so often.
const TRIES: u32 = 5;

/// Start a workflow. With --follow exits 0 succeeded, 1 failed, 3 cancelled, 5 waiting for a person
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The workflow
    name: String,
    /// A parameter; the value is taken as it stands
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// The workflow's source; needed only where several have one of the name. The execution is then told by its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only on agents that match, such as role=web; narrows every step
    #[arg(long, value_name = "SELECTOR")]
    limit: Option<String>,
    /// Say targets and commands, and start nothing
    #[arg(long, conflicts_with_all = ["follow", "idempotency_key"])]
    dry_run: bool,
    /// Show the output as it comes, until the end
    #[arg(short, long)]
    follow: bool,
    /// Show terminal control sequences of the output as they are
    #[arg(long, requires = "follow")]
    raw: bool,
    /// The same key starts one execution only, however often it is sent
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Run {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let known: &[Format] = match (self.follow, self.dry_run) {
            (true, _) => &[Format::Table],
            (_, true) => &[Format::Table, Format::Json, Format::Yaml],
            _ => &[Format::Table, Format::Json, Format::Yaml, Format::Name],
        };
        let format = common.format_of(known)?;
        let body = self.body()?;
        let client = common.client()?;
        let answer = if self.dry_run { client.post("/executions", &body, &[])? } else { self.start(&client, &body)? };
        // A number counts within its source, so that where there are several only the id surely means this one.
        let name = text(&answer, if self.source.is_some() { "/id" } else { "/name" });
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => output::print(&name)?,
            _ if self.dry_run => output::print(&dry_run(&view(answer)?))?,
            _ if self.follow => return self.follow(&client, &name),
            _ => {
                output::print(&name)?;
                output::message(&format!("{} started; `pulse logs -f '{name}'` follows it", self.name));
            }
        }
        Ok(Exit::Success)
    }

    fn body(&self) -> Result<Value, Failure> {
        let mut params = Map::new();
        for (name, value) in &self.params {
            if params.insert(name.clone(), Value::from(value.as_str())).is_some() {
                return Err(Failure::new(format!("parameter `{name}` is given twice")).with_help("give it once"));
            }
        }
        let mut body = json!({ "workflow": self.name, "params": params });
        for (field, given) in [("source", &self.source), ("limit", &self.limit)] {
            if let Some(given) = given {
                body[field] = Value::from(given.as_str());
            }
        }
        if self.dry_run {
            body["dryRun"] = Value::from(true);
        }
        Ok(body)
    }

    /// Starts it once, also when an answer is lost on its way: every try has the same key.
    fn start(&self, client: &Client, body: &Value) -> Result<Value, Failure> {
        let key = self.idempotency_key.clone().unwrap_or_else(fresh_key);
        let mut tries = 1;
        loop {
            match client.post("/executions", body, &[("Idempotency-Key", &key)]) {
                Err(failure) if failure.is_passing() && (tries > 1 || !failure.is_unsent()) && tries < TRIES => {
                    output::message(&format!("{}; trying again", failure.message()));
                    std::thread::sleep(Duration::from_secs(1));
                    tries += 1;
                }
                Err(failure) if failure.is_passing() && tries > 1 => {
                    let help = format!(
                        "whether it started is not known; run it again with --idempotency-key {key}, which starts it at most once"
                    );
                    return Err(Failure::new(failure.message()).with_help(help));
                }
                answer => return answer,
            }
        }
    }

    fn follow(&self, client: &Client, name: &str) -> Result<Exit, Failure> {
        output::message(&format!("{name} started"));
        Follow::new(client, name, Selection::default(), self.raw).known().until_settled()
    }
}

/// A key that no other start has: two keyed hashes, whose keys the system draws at random for each process.
fn fresh_key() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    let part = || RandomState::new().hash_one((now, std::process::id()));
    format!("pulse-{:016x}{:016x}", part(), part())
}

#[derive(Debug, Deserialize)]
struct DryRun {
    commit: String,
    params: BTreeMap<String, Value>,
    steps: Vec<DryStep>,
}

#[derive(Debug, Deserialize)]
struct DryStep {
    id: String,
    #[serde(default)]
    when: Option<String>,
    targets: Vec<String>,
    script: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    files: Vec<DryFile>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct DryFile {
    path: String,
    from: String,
    bytes: u64,
}

fn dry_run(answer: &DryRun) -> String {
    let visible = output::escape::visible;
    let mut said = format!("Nothing was started. At commit {}:\n", visible(&answer.commit));
    for (name, value) in &answer.params {
        let _ = writeln!(said, "  param {name} = {}", visible(value.as_str().unwrap_or(&value.to_string())));
    }
    for step in &answer.steps {
        let _ = writeln!(said, "\nstep {} on {}: {}", step.id, step.targets.len(), visible(&step.targets.join(", ")));
        if let Some(when) = &step.when {
            let _ = writeln!(said, "  when {}", visible(when));
        }
        for (name, value) in &step.env {
            let _ = writeln!(said, "  {name}={}", visible(value));
        }
        if let Some(file) = &step.file {
            let args: String = step.args.iter().map(|arg| format!(" {arg:?}")).collect();
            let _ = writeln!(said, "  script {}{}", visible(file), visible(&args));
        }
        for file in &step.files {
            let from = if file.from == file.path { String::new() } else { format!(" from {}", visible(&file.from)) };
            let _ = writeln!(said, "  file {}{from} ({})", visible(&file.path), when::bytes(file.bytes));
        }
        // What a script file holds can be read in the repository.
        for line in step.script.trim_end().lines().filter(|_| step.file.is_none()) {
            let _ = writeln!(said, "  | {}", visible(line));
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{DryRun, dry_run, fresh_key};

    #[test]
    fn a_dry_run_shows_targets_and_commands() {
        let answer: DryRun = serde_json::from_value(serde_json::json!({"commit": "abc", "params": {"who": "x\u{1b}"}, "steps": [
            {"id": "greet", "when": "params.who != \"\"", "targets": ["a", "b"], "argv": ["/bin/sh"], "script": "echo\nls\n", "env": {"A": "1"}}]}))
        .unwrap();
        let expected = "Nothing was started. At commit abc:\n  param who = x\\e\n\nstep greet on 2: a, b\n  when params.who != \"\"\n  A=1\n  | echo\n  | ls\n";
        assert_eq!(dry_run(&answer), expected);
    }

    #[test]
    fn a_dry_run_shows_script_arguments_and_files() {
        let answer: DryRun = serde_json::from_value(serde_json::json!({"commit": "abc", "params": {}, "steps": [
            {"id": "greet", "targets": ["a"], "argv": [], "script": "#!/bin/sh\n", "file": "bin/a.sh", "args": ["--x=a b", ""],
             "files": [{"path": "lib", "from": "lib", "bytes": 3, "executable": false},
                       {"path": "c", "from": "conf/c", "bytes": 5, "executable": true}]}]}))
        .unwrap();
        let expected = "Nothing was started. At commit abc:\n\nstep greet on 1: a\n  script bin/a.sh \"--x=a b\" \"\"\n  file lib (3 B)\n  file c from conf/c (5 B)\n";
        assert_eq!(dry_run(&answer), expected);
    }

    #[test]
    fn keys_differ() {
        assert_ne!(fresh_key(), fresh_key());
        assert_eq!(fresh_key().len(), 38);
    }
}
