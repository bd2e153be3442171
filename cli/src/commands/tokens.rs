//! `pulse tokens create`, `list` and `revoke`: tokens of the API, for scripts and services.

use crate::args::Common;
use crate::client::{Client, encode};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::{self, Format, when};
use crate::views::{listed, text, time};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use crd_schemas::manifest::Verb;
use jiff::Timestamp;
use pulse_core::access::Role;
use serde_json::{Value, json};

/// Make, list and revoke tokens of the API
#[derive(Debug, clap::Args)]
pub struct Tokens {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokensCommand {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

impl Tokens {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match &self.command {
            TokensCommand::Create(create) => create.run(common),
            TokensCommand::List(list) => list.run(common),
            TokensCommand::Revoke(revoke) => revoke.run(common),
        }
    }
}

/// Make a token, and print its value alone on stdout; it is not shown again
#[derive(Debug, clap::Args)]
struct Create {
    /// Its name, given once and never again
    name: String,
    /// What it may do
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)))]
    roles: Vec<String>,
    /// Of what its roles allow only this
    #[arg(long = "verb", value_name = "VERB", value_parser = PossibleValuesParser::new(Verb::ALL.map(Verb::as_str)))]
    verbs: Vec<String>,
    /// Only with these workflows, by name or label such as team=infra, and with nothing else
    #[arg(long = "workflow", value_name = "NAME|LABELS")]
    workflows: Vec<String>,
    /// How long it counts, such as 30d; for ever unless said
    #[arg(long, value_name = "DURATION")]
    expires: Option<crd_schemas::Duration>,
    /// Why it is made
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Create {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let answer = common.client()?.post("/tokens", &self.body(), &[])?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            _ => {
                let token = text(&answer, "/token");
                if token.is_empty() {
                    return Err(Failure::new("the server's answer holds no token").with_help("use the pulse of its release"));
                }
                output::print(&token)?;
                let until = time(&answer, "/expiresAt").map_or("for ever".to_owned(), |at| format!("until {}", when::local(at)));
                output::message(&format!("{} counts {until}; it is not shown again", self.name));
            }
        }
        Ok(Exit::Success)
    }

    fn body(&self) -> Value {
        let mut body = json!({ "name": self.name, "roles": self.roles });
        for (field, given) in [("verbs", &self.verbs), ("workflows", &self.workflows)] {
            if !given.is_empty() {
                body["scope"][field] = json!(given);
            }
        }
        if let Some(expires) = self.expires {
            body["expires"] = Value::from(expires.to_string());
        }
        if let Some(reason) = &self.reason {
            body["reason"] = Value::from(reason.as_str());
        }
        body
    }
}

/// List the tokens that were ever made, the newest first, never with their value
#[derive(Debug, clap::Args)]
struct List {}

impl List {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(Format::value_variants())?;
        let (items, _) = common.client()?.list("/tokens?limit=500", None)?;
        match format {
            Format::Json => output::print(&output::json(&json!({ "items": items })))?,
            Format::Yaml => output::print(&output::yaml(&json!({ "items": items }))?)?,
            _ if items.is_empty() && format == Format::Name => {}
            _ if items.is_empty() => output::message("no tokens found"),
            Format::Name => output::print(&items.iter().map(|item| text(item, "/name")).collect::<Vec<_>>().join("\n"))?,
            Format::Table | Format::Wide => output::print(&table(&items, format == Format::Wide).render(common.headers()))?,
        }
        Ok(Exit::Success)
    }
}

fn table(items: &[Value], wide: bool) -> Table {
    let narrow = ["NAME", "STATUS", "ROLES", "SCOPE", "EXPIRES", "LAST USED", "BY"];
    let more = ["KIND", "PREFIX", "CREATED", "REASON", "ID"];
    let headers: Vec<&str> = narrow.into_iter().chain(more.into_iter().filter(|_| wide)).collect();
    let mut table = Table::new(&headers);
    let (now, local) = (Timestamp::now(), |item: &Value, at: &str| time(item, at).map_or_else(String::new, when::local));
    for item in items {
        let mut row = vec![
            text(item, "/name"),
            text(item, "/status"),
            listed(item, "/roles", ","),
            scope(item),
            local(item, "/expiresAt"),
            when::age(time(item, "/lastUsedAt"), now),
            text(item, "/createdBy"),
        ];
        if wide {
            let texts = ["/kind", "/prefix"].map(|at| text(item, at));
            row.extend(texts);
            row.extend([local(item, "/createdAt"), text(item, "/reason"), text(item, "/id")]);
        }
        table.row(row);
    }
    table
}

/// `run,view on deploy`; nothing where it is good for all that its roles allow.
fn scope(item: &Value) -> String {
    let (verbs, workflows) = (listed(item, "/scope/verbs", ","), listed(item, "/scope/workflows", " or "));
    match (verbs.is_empty(), workflows.is_empty()) {
        (_, true) => verbs,
        (true, false) => format!("on {workflows}"),
        (false, false) => format!("{verbs} on {workflows}"),
    }
}

/// Revoke a token: it counts no more from now on
#[derive(Debug, clap::Args)]
struct Revoke {
    /// Its name or id
    // Not `token`: the option of this name that every command has would take it for its own.
    #[arg(value_name = "TOKEN")]
    revoked: String,
}

impl Revoke {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_text()?;
        let client = common.client()?;
        let found = self.find(&client)?;
        client.delete(&format!("/tokens/{}", encode(&text(&found, "/id"))))?;
        output::message(&format!("the token {} counts no more", text(&found, "/name")));
        Ok(Exit::Success)
    }

    fn find(&self, client: &Client) -> Result<Value, Failure> {
        let is_it = |item: &Value| [text(item, "/name"), text(item, "/id")].contains(&self.revoked);
        let found = client.list("/tokens?limit=500", None)?.0.into_iter().find(is_it);
        let missing =
            || Failure::new(format!("there is no token {}", self.revoked)).with_help("`pulse tokens list` lists those there are");
        found.ok_or_else(missing)
    }
}
