//! The command line: what every command shares. Each command's own arguments stand in its file.

use crate::client::{Client, Origins, Token};
use crate::commands::Command;
use crate::failure::Failure;
use crate::output::Format;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Where a controller listens unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Workflow operations on fleets of servers.
///
/// Exit codes: 0 yes, 1 no (problems, changes, a failed execution), 2 an error, 3 cancelled, 5 waiting for a person, 130 Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "pulse", version, max_term_width = 100)]
pub struct Args {
    /// What every command shares.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command shares.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// The controller's address
    #[arg(long, global = true, value_name = "URL", env = "PULSE_SERVER", default_value = DEFAULT_SERVER)]
    server: String,
    /// The token; better given by PULSE_TOKEN, for other users of this machine can read command lines
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file with the token [env: PULSE_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Speak plain http also to other machines [env: PULSE_INSECURE_HTTP=true]
    #[arg(long, global = true)]
    insecure_http: bool,
    /// A PEM file with the only certificate authorities to trust over https; the machine's unless said
    #[arg(long, global = true, value_name = "FILE", env = "PULSE_CA")]
    ca: Option<PathBuf>,
    /// How the answer looks
    // A text, because `import` has another `-o` and clap hands the values of global options up and down by their type.
    #[arg(short, long, global = true, value_name = "FORMAT", value_parser = formats())]
    output: Option<String>,
    /// Tables without their first line
    #[arg(long, global = true)]
    no_headers: bool,
}

impl Common {
    /// A client for the server.
    pub fn client(&self) -> Result<Client, Failure> {
        let ca = self.ca.as_deref().filter(|path| !path.as_os_str().is_empty());
        Client::new(self.address(), self.may_speak_plainly()?, ca, self.token()?)
    }

    /// A client for the server's health, which is open to all: it carries no token, and takes any certificate.
    pub fn prober(&self) -> Result<Client, Failure> {
        Client::prober(self.address(), self.may_speak_plainly()?)
    }

    /// A client for the controller on this very machine, whose certificate is for other names.
    pub fn neighbour(&self) -> Result<Client, Failure> {
        Client::neighbour(self.address(), self.token()?)
    }

    fn address(&self) -> &str {
        if self.server.is_empty() { DEFAULT_SERVER } else { &self.server }
    }

    fn may_speak_plainly(&self) -> Result<bool, Failure> {
        Ok(self.insecure_http || allowed(std::env::var("PULSE_INSECURE_HTTP").ok().as_deref())?)
    }

    fn token(&self) -> Result<Option<Token>, Failure> {
        let variable = |name| std::env::var(name).ok();
        Token::find(Origins {
            flag: self.token.as_deref(),
            flag_file: self.token_file.as_deref(),
            variable: variable("PULSE_TOKEN"),
            variable_file: variable("PULSE_TOKEN_FILE"),
        })
    }

    /// The format that was asked for, if the command has it.
    pub fn format_of(&self, known: &[Format]) -> Result<Format, Failure> {
        let asked = self.output.clone().unwrap_or_else(|| name(Format::default()));
        if let Some(found) = known.iter().find(|format| name(**format) == asked) {
            return Ok(*found);
        }
        let message = format!("this command has no `-o {asked}`");
        if known.len() < 2 {
            return Err(Failure::new(message).with_help("leave -o out"));
        }
        let known: Vec<String> = known.iter().copied().map(name).collect();
        Err(Failure::new(message).with_help(format!("it has {}", known.join(", "))))
    }

    /// For commands whose answer is lines of JSON and nothing else.
    pub fn only_lines(&self) -> Result<(), Failure> {
        match self.output.as_deref() {
            None | Some(LINES) => Ok(()),
            Some(asked) => Err(Failure::new(format!("this command has no `-o {asked}`")).with_help(format!("it has {LINES}"))),
        }
    }

    /// For commands whose answer is text and nothing else.
    pub fn only_text(&self) -> Result<(), Failure> {
        self.format_of(&[Format::Table]).map(drop)
    }

    /// Whether tables have their first line.
    pub fn headers(&self) -> bool {
        !self.no_headers
    }
}

/// The format of an export: an object of JSON on each line.
const LINES: &str = "jsonl";

/// Every word that `-o` takes; each command says which it has.
fn formats() -> PossibleValuesParser {
    let known = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(known.chain([PossibleValue::new(LINES).help("An object of JSON per line, of an export")]))
}

/// A format's word.
fn name(format: Format) -> String {
    format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What `PULSE_INSECURE_HTTP` says.
fn allowed(value: Option<&str>) -> Result<bool, Failure> {
    match value {
        Some("true" | "1") => Ok(true),
        None | Some("" | "false" | "0") => Ok(false),
        Some(other) => {
            Err(Failure::new(format!("PULSE_INSECURE_HTTP is {other:?}")).with_help("set it to true or false, or unset it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, allowed};
    use clap::error::ErrorKind;
    use clap::{CommandFactory, Parser};

    fn parse(line: &str) -> Result<Args, ErrorKind> {
        Args::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_documented_settings_are_those_of_the_command_line() {
        let command = Args::command();
        for setting in pulse_settings::CLI.built() {
            let flag = command.get_arguments().find(|flag| flag.get_long() == Some(setting.flag));
            let flag = flag.unwrap_or_else(|| panic!("there is no --{}", setting.flag));
            let env = if setting.secret { setting.env_of_file() } else { setting.env.to_owned() };
            let said = format!("{:?} {}", flag.get_env(), flag.get_help().unwrap_or_default());
            assert!(said.contains(&env), "--{} does not say {env}: {said}", setting.flag);
            if let (pulse_settings::Unless::Is(value), [default]) = (setting.unless, flag.get_default_values()) {
                assert_eq!(default.to_str(), Some(value));
            }
        }
    }

    #[test]
    fn common_options_stand_before_or_after_the_command() {
        for line in ["pulse -o json get agents", "pulse get agents -o json", "pulse get -o json agents web-1"] {
            assert!(parse(line).is_ok(), "{line}");
        }
        assert_eq!(parse("pulse get agents -o xml").unwrap_err(), ErrorKind::InvalidValue);
        assert_eq!(parse("pulse get agents --token a --token-file b").unwrap_err(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn plain_http_is_allowed_by_a_clear_word_only() {
        let says = |value| allowed(value).map_err(|failure| failure.to_string());
        assert_eq!([None, Some(""), Some("false"), Some("true")].map(says), [Ok(false), Ok(false), Ok(false), Ok(true)]);
        assert!(says(Some("maybe")).unwrap_err().contains("PULSE_INSECURE_HTTP"));
    }

    #[test]
    fn every_command_of_the_design_is_there() {
        for line in [
            "pulse validate a b.yaml",
            "pulse plan a",
            "pulse get executions hello#3",
            "pulse describe workflow hello",
            "pulse run hello -p a=b -p c=@d --limit role=web --follow --idempotency-key k",
            "pulse run hello --dry-run",
            "pulse exec role=web db-1 -- uptime -p",
            "pulse exec all -c uptime|wc --limit env!=dev --timeout 10s --max-parallel 5 --max-failures 1 --on-offline skip -e A=b --each",
            "pulse exec all --dry-run --reason x --success-exit-code 1 --shell bash -- ls",
            "pulse logs -f hello#3 --step s --agent a --stream stderr",
            "pulse cancel hello#3 --kill --reason because",
            "pulse resolve hello#3 a5 succeeded --reason seen",
            "pulse why hello#3",
            "pulse plan main --source ops",
            "pulse get sources",
            "pulse get schedules -o wide",
            "pulse describe schedule nightly",
            "pulse get syncs",
            "pulse describe source default",
            "pulse describe sync 3f9c2d1a",
            "pulse reconcile",
            "pulse reconcile --source ops",
            "pulse confirm 3f9c2d1a",
            "pulse confirm 3f9c2d1a --yes --commit 3f9c2d1a --plan-digest 01",
            "pulse agents token --uses 3 --expires 1h --label role=web --name web-1",
            "pulse agents revoke web-1",
            "pulse audit list --principal token:ci --action execution.start --object e --outcome refused --since 2h --limit 5",
            "pulse audit verify --file export.jsonl",
            "pulse audit export -o jsonl --from 3 --to 9",
            "pulse whoami -o name",
            "pulse tokens create ci --role operator --verb run --verb view --workflow deploy --workflow team=web --expires 30d --reason x",
            "pulse tokens list -o wide",
            "pulse tokens revoke ci",
            "pulse get users",
            "pulse get prompts --all",
            "pulse describe prompt hello#3",
            "pulse answer hello#3 Yes --comment because",
            "pulse answer 0193c3a0-0000-7000-8000-000000000001",
            "pulse retry hello#3 --from-start --head --follow",
            "pulse retry hello#3 --include-unknown",
            "pulse pause team=infra,env!=dev --reason freeze --expires 2h",
            "pulse resume workflow/hello",
            "pulse get pauses --all",
            "pulse get executions --label a=b --label c=d --started-by me --agent a --commit c --since 2h --until 2026-11-21T05:00:00Z",
            "pulse run hello --params - -p a=b",
            "pulse import old.json -o out --timeout-unit ms --name x --force",
            "pulse import old.json -o -",
            "pulse version",
        ] {
            assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
        }
    }

    #[test]
    fn what_must_be_said_is_asked_for() {
        for line in [
            "pulse validate",
            "pulse cancel hello#3",
            "pulse resolve hello#3 a5 succeeded",
            "pulse run",
            "pulse exec all",
            "pulse exec -- uptime",
            "pulse pause all",
            "pulse answer",
            "pulse tokens create ci",
        ] {
            assert_eq!(parse(line).unwrap_err(), ErrorKind::MissingRequiredArgument, "{line}");
        }
        assert_eq!(parse("pulse audit verify --head 3").unwrap_err(), ErrorKind::ValueValidation);
        assert_eq!(parse("pulse resolve e a maybe --reason x").unwrap_err(), ErrorKind::InvalidValue);
        assert_eq!(parse("pulse pause nothing/x --reason y").unwrap_err(), ErrorKind::ValueValidation);
        assert_eq!(parse("pulse retry hello#3 --head").unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse("pulse exec all -c a -- b").unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(parse("pulse run hello --dry-run --follow").unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(parse("pulse tokens create ci --role king").unwrap_err(), ErrorKind::InvalidValue);
        assert_eq!(parse("pulse run hello -p novalue").unwrap_err(), ErrorKind::ValueValidation);
        assert_eq!(parse("pulse agents token --expires 60").unwrap_err(), ErrorKind::ValueValidation);
    }
}
