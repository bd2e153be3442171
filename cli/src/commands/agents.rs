//! `pulse agents …`: who may be an agent, and for how long.

mod lifecycle;

use crate::args::Common;
use crate::client::{Client, encode};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format, quoted};
use crate::views::text;
use serde_json::{Map, Value, json};

/// Enrol, replace, hold and revoke agents
#[derive(Debug, clap::Args)]
pub struct Agents {
    #[command(subcommand)]
    command: AgentsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AgentsCommand {
    Token(Token),
    Replace(lifecycle::Replace),
    Cordon(lifecycle::Cordon),
    Uncordon(lifecycle::Uncordon),
    Drain(lifecycle::Drain),
    Revoke(Revoke),
}

impl Agents {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match &self.command {
            AgentsCommand::Token(token) => token.run(common),
            AgentsCommand::Replace(replace) => replace.run(common),
            AgentsCommand::Cordon(cordon) => cordon.run(common),
            AgentsCommand::Uncordon(uncordon) => uncordon.run(common),
            AgentsCommand::Drain(drain) => drain.run(common),
            AgentsCommand::Revoke(revoke) => revoke.run(common),
        }
    }
}

/// Make an enrolment token, and print the line to paste on the server that shall be an agent
#[derive(Debug, clap::Args)]
struct Token {
    /// How many agents may enrol with it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// How long it works, such as 1h
    #[arg(long, default_value = "1h")]
    expires: crd_schemas::Duration,
    /// Labels that its agents get
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Names that its agents may take; any unless said
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
}

impl Token {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml, Format::Name])?;
        let client = common.client()?;
        let answer = client.post("/agents/tokens", &self.body(), &[])?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            // For a pipe, so that the token stands in no command line.
            Format::Name => output::print(&text(&answer, "/token"))?,
            _ => {
                output::print(&line(&client, &answer, self.only_name())?)?;
                let times = if self.uses == 1 { "once".to_owned() } else { format!("{} times", self.uses) };
                output::message(&format!("the token works {times}, for {}; it is not shown again", self.expires));
            }
        }
        Ok(Exit::Success)
    }

    fn body(&self) -> Value {
        let mut body = json!({ "uses": self.uses, "expires": self.expires.to_string() });
        if !self.labels.is_empty() {
            let labels: Map<_, _> = self.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
            body["labels"] = Value::Object(labels);
        }
        if !self.names.is_empty() {
            body["names"] = json!(self.names);
        }
        body
    }

    /// The name of a token that is for one only, so that the agent takes it.
    fn only_name(&self) -> Option<&str> {
        match self.names.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }
}

/// The line to paste on the server that shall be an agent.
fn line(client: &Client, answer: &Value, name: Option<&str>) -> Result<String, Failure> {
    let token = text(answer, "/token");
    if token.is_empty() {
        return Err(Failure::new("the server's answer holds no token").with_help("use the pulse of its release"));
    }
    // The controller knows the address under which agents reach it; ours may be a tunnel's.
    let server = text(answer, "/server");
    let server = if server.is_empty() { client.base() } else { &server };
    Ok(pasted(server, &token, name))
}

fn pasted(server: &str, token: &str, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!(" PULSE_AGENT_NAME={}", quoted(name)));
    format!("PULSE_SERVER={} PULSE_AGENT_TOKEN={}{name} pulse-agent", quoted(server), quoted(token))
}

/// Revoke an agent: its key is refused from now on, and what it runs becomes unknown
#[derive(Debug, clap::Args)]
struct Revoke {
    /// The agent
    name: String,
}

impl Revoke {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        common.client()?.delete(&format!("/agents/{}", encode(&self.name)))?;
        output::message(&format!("agent {} is revoked", self.name));
        Ok(Exit::Success)
    }
}

/// `key=value`; the value may hold further `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it must have the form key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, pair, pasted};
    use crate::output::quoted;

    fn token(names: &[&str], labels: &[&str]) -> Token {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let labels = labels.iter().map(|text| pair(text).unwrap()).collect();
        Token { uses: 1, expires: "90m".parse().unwrap(), labels, names }
    }

    #[test]
    fn the_line_can_be_pasted() {
        let line = pasted("http://127.0.0.1:8080", "pat_x-1", token(&[], &[]).only_name());
        assert_eq!(line, "PULSE_SERVER=http://127.0.0.1:8080 PULSE_AGENT_TOKEN=pat_x-1 pulse-agent");
        let named = pasted("http://h", "a b", token(&["web-1"], &[]).only_name());
        assert_eq!(named, "PULSE_SERVER=http://h PULSE_AGENT_TOKEN='a b' PULSE_AGENT_NAME=web-1 pulse-agent");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn only_what_was_said_is_sent() {
        assert_eq!(token(&[], &[]).body(), serde_json::json!({"uses": 1, "expires": "90m"}));
        let full = serde_json::json!({"uses": 1, "expires": "90m", "labels": {"a": "b=c"}, "names": ["n"]});
        assert_eq!(token(&["n"], &["a=b=c"]).body(), full);
    }

    #[test]
    fn a_pair_needs_a_key_and_a_sign() {
        assert!(pair("novalue").is_err() && pair("=x").is_err());
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
    }
}
