//! `pulse pause SCOPE` and `pulse resume PAUSE|SCOPE`: the brake, and how it is taken off.

use crate::args::Common;
use crate::client::{Client, encode};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format, when};
use crate::views::{text, time};
use jiff::Timestamp;
use pulse_core::pause::PauseScope;
use serde_json::{Value, json};

/// Hold what starts anew: everything, a workflow, a schedule, an agent, or all that have labels. What runs goes on
#[derive(Debug, clap::Args)]
pub struct Pause {
    /// `all`, `workflow/NAME`, `schedule/NAME`, `agent/NAME`, or labels such as team=infra,env!=dev
    scope: PauseScope,
    /// Why, for everyone who waits because of it
    #[arg(long)]
    reason: String,
    /// When it ends by itself, such as 2h; never unless said
    #[arg(long, value_name = "DURATION")]
    expires: Option<crd_schemas::Duration>,
}

impl Pause {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(FORMATS)?;
        let mut body = json!({ "scope": self.scope.to_string(), "reason": self.reason });
        if let Some(expires) = self.expires {
            body["expires"] = Value::from(expires.to_string());
        }
        let pause = common.client()?.post("/pauses", &body, &[])?;
        show(&pause, format)?;
        if let Some(warning) = on_nothing(&self.scope, &pause) {
            output::message(&warning);
        }
        if format == Format::Table {
            let until = time(&pause, "/expiresAt").map_or_else(
                || "until somebody ends it".to_owned(),
                |at| format!("until {} ({})", when::local(at), when::left(at, Timestamp::now())),
            );
            let (scope, id) = (text(&pause, "/scope"), text(&pause, "/id"));
            output::message(&format!(
                "{scope} is paused {until}: nothing new starts, what runs goes on. To end it: pulse resume {id}"
            ));
        }
        Ok(Exit::Success)
    }
}

/// End a pause
#[derive(Debug, clap::Args)]
pub struct Resume {
    /// The pause's id, or what it holds where one pause holds just that
    #[arg(value_name = "PAUSE|SCOPE")]
    pause: String,
}

impl Resume {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(FORMATS)?;
        let client = common.client()?;
        let id = self.id(&client)?;
        let pause = client.delete(&format!("/pauses/{}", encode(&id)))?;
        show(&pause, format)?;
        if format == Format::Table {
            output::message(&format!("the pause of {} is over", text(&pause, "/scope")));
        }
        Ok(Exit::Success)
    }

    /// The id as it stands, or that of the only pause of the scope.
    fn id(&self, client: &Client) -> Result<String, Failure> {
        match self.pause.parse::<PauseScope>() {
            Ok(scope) => one_of(&client.list("/pauses", None)?.0, &scope),
            Err(_) => Ok(self.pause.clone()),
        }
    }
}

/// What to say of a brake on nothing, which most often has a wrong name.
fn on_nothing(scope: &PauseScope, pause: &Value) -> Option<String> {
    let holds = pause.get("holds")?.as_object()?;
    if holds.values().any(|count| count.as_u64() != Some(0)) {
        return None;
    }
    let (what, kinds) = match scope {
        PauseScope::Workflow(name) => (format!("no workflow is named {name}"), "workflows"),
        PauseScope::Schedule(name) => (format!("no schedule is named {name}"), "schedules"),
        PauseScope::Agent(name) => (format!("no agent is named {name}"), "agents"),
        PauseScope::Labels(_) => (format!("no workflow, schedule or agent has the labels {scope}"), "agents -o wide"),
        PauseScope::All => ("there is no workflow, schedule or agent".to_owned(), "sources"),
    };
    let end = text(pause, "/id");
    Some(format!(
        "warning: this pause holds nothing right now: {what}; see `pulse get {kinds}`. It stays, and holds what comes later; if that \
         is not meant: pulse resume {end}"
    ))
}

const FORMATS: &[Format] = &[Format::Table, Format::Json, Format::Yaml, Format::Name];

fn show(pause: &Value, format: Format) -> Result<(), Failure> {
    output::print(&match format {
        Format::Json => output::json(pause),
        Format::Yaml => output::yaml(pause)?,
        _ => output::escape::visible(&text(pause, "/id")),
    })
}

/// The pause that holds just this. Each has its own author and reason, so that two of them do not end at one word.
fn one_of(pauses: &[Value], scope: &PauseScope) -> Result<String, Failure> {
    let holds = |pause: &&Value| text(pause, "/scope").parse().is_ok_and(|held: PauseScope| held == *scope);
    let found: Vec<&Value> = pauses.iter().filter(holds).collect();
    match found.as_slice() {
        [pause] => Ok(text(pause, "/id")),
        [] => {
            let failure = Failure::new(format!("there is no pause of just {scope}"));
            Err(failure.with_help("`pulse get pauses` lists those there are; a larger one may hold it"))
        }
        several => {
            let one =
                |pause: &&Value| format!("{} ({}: {})", text(pause, "/id"), text(pause, "/createdBy"), text(pause, "/reason"));
            let help = format!("say which one ends: {}", several.iter().map(one).collect::<Vec<_>>().join(", "));
            Err(Failure::new(format!("{} pauses hold {scope}", several.len())).with_help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{on_nothing, one_of};
    use serde_json::{Value, json};

    fn pause(id: &str, scope: &str) -> Value {
        json!({"id": id, "scope": scope, "reason": "freeze", "createdBy": "ada"})
    }

    #[test]
    fn a_brake_on_nothing_is_told_with_what_was_looked_for() {
        let told = |scope: &str, holds: Value| on_nothing(&scope.parse().unwrap(), &json!({"id": "u1", "holds": holds}));
        let nothing = json!({"workflows": 0, "schedules": 0, "agents": 0});
        for (scope, said) in [
            ("workflow/typo", "no workflow is named typo; see `pulse get workflows`"),
            ("schedule/typo", "no schedule is named typo; see `pulse get schedules`"),
            ("agent/web-9", "no agent is named web-9; see `pulse get agents`"),
            ("team=infra,env!=dev", "no workflow, schedule or agent has the labels team=infra,env!=dev"),
            ("all", "there is no workflow, schedule or agent"),
        ] {
            let told = told(scope, nothing.clone()).unwrap();
            assert!(told.starts_with("warning: ") && told.contains(said) && told.ends_with("pulse resume u1"), "{told}");
        }
        assert_eq!(told("workflow/a", json!({"workflows": 1, "schedules": 0, "agents": 0})), None);
        assert_eq!(told("workflow/a", Value::Null), None, "a server that does not count");
    }

    #[test]
    fn a_scope_means_its_only_pause() {
        let pauses =
            [pause("u1", "all"), pause("u2", "team=infra,env!=dev"), pause("u3", "workflow/a"), pause("u4", "workflow/a")];
        let of = |scope: &str| one_of(&pauses, &scope.parse().unwrap()).map_err(|failure| failure.to_string());
        assert_eq!((of("all").unwrap(), of("team=infra, env!=dev").unwrap()), ("u1".to_owned(), "u2".to_owned()));
        assert!(of("workflow/b").unwrap_err().contains("no pause of just workflow/b"));
        assert!(of("workflow/a").unwrap_err().contains("u3 (ada: freeze), u4 (ada: freeze)"));
    }
}
