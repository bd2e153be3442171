//! What the server said when it said no: problem+json (RFC 9457) as a sentence with a place and a mend.

use super::token::Token;
use crate::failure::Failure;
use serde_json::Value;

/// The failure for an answer that is no success.
pub fn failure(status: u16, body: &str, url: &str, token: Option<&Token>) -> Failure {
    let problem: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let mut message = sentence(status, &problem, body);
    let errors: Vec<&Value> = problem.get("errors").and_then(Value::as_array).into_iter().flatten().collect();
    // The sentence of an only error is often the whole refusal's; its place in a file is not.
    let is_told = |error: &Value| {
        let said = error.get("message").and_then(Value::as_str);
        errors.len() == 1 && error.get("file").is_none() && said.is_some_and(|said| message.contains(said))
    };
    let untold: String = errors.iter().filter(|error| !is_told(error)).map(|error| format!("\n  {}", one(error))).collect();
    message.push_str(&untold);
    let failure = if matches!(status, 429 | 502 | 503 | 504) { Failure::passing(message) } else { Failure::new(message) };
    let help = problem.get("help").and_then(Value::as_str).map(str::to_owned);
    let help = help.or_else(|| of_code(&problem)).or_else(|| mend(status, url, token));
    let failure = failure.with_problem(problem);
    match help {
        Some(help) => failure.with_help(help),
        None => failure,
    }
}

fn sentence(status: u16, problem: &Value, body: &str) -> String {
    let text = |key| problem.get(key).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    match (text("detail").or_else(|| text("title")), text("code")) {
        (Some(said), Some(code)) => format!("{said} ({code})"),
        (Some(said), None) => format!("{said} ({status})"),
        (None, _) => {
            let line = body.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
            let said = if line.is_empty() { String::new() } else { format!(": {line}") };
            format!("the server answered {status}, in no form that PULSE uses{said}")
        }
    }
}

/// One of `errors`: a manifest's problem with file, line and column, or a field with its message.
fn one(error: &Value) -> String {
    let text = |key| error.get(key).and_then(Value::as_str).filter(|text: &&str| !text.is_empty());
    let number = |key| error.get(key).and_then(Value::as_u64);
    let said = text("message").or_else(|| text("detail")).or_else(|| error.as_str());
    let Some(said) = said else { return error.to_string() };
    let place = match (text("file"), number("line"), number("column")) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(file), _, _) => format!("{file}: "),
        _ => text("name").or_else(|| text("field")).or_else(|| text("pointer")).map_or(String::new(), |at| format!("{at}: ")),
    };
    let code = text("code").map_or(String::new(), |code| format!(" [{code}]"));
    let help = text("help").map_or(String::new(), |help| format!(" ({help})"));
    format!("{place}{said}{code}{help}")
}

/// What to do about a refusal of this code, in the words of this command line.
fn of_code(problem: &Value) -> Option<String> {
    let text = |key| problem.get(key).and_then(Value::as_str);
    let kind = match text("code")? {
        "already_running" => {
            let name = text("name")?;
            return Some(format!("to see what holds it: pulse why '{name}'; to follow it: pulse logs -f '{name}'"));
        }
        "no_such_execution" => "executions",
        "no_such_prompt" => "prompts --all",
        "no_such_agent" => "agents",
        "no_such_schedule" => "schedules",
        "no_such_source" => "sources",
        _ => return None,
    };
    Some(format!("`pulse get {kind}` lists those there are"))
}

fn mend(status: u16, url: &str, token: Option<&Token>) -> Option<String> {
    match (status, token) {
        (401, None) => Some(
            "set PULSE_TOKEN, PULSE_TOKEN_FILE or --token; `pulse-controller dev` prints a token, and a server keeps its first one in its data folder".to_owned(),
        ),
        (401, Some(token)) => Some(format!("the token came from {}; it may be another server's, or revoked ({url})", token.origin())),
        (403, Some(token)) => Some(format!("the token of {} may not do this; use one that may", token.origin())),
        (300..=399, _) => Some(format!("{url} points elsewhere; set --server or PULSE_SERVER to the controller itself")),
        (502..=504, _) => Some("the controller starts, stands by or is gone; try again, and look at its /health/ready".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, failure};
    use crate::client::token::Origins;

    #[test]
    fn a_problem_is_said_with_its_code_and_every_error() {
        let body = r#"{"title": "Unprocessable", "detail": "2 parameters are refused", "code": "params", "errors": [
            {"name": "ticket", "pointer": "/params/ticket", "message": "it is required"},
            {"file": "a.yaml", "line": 3, "column": 7, "code": "bad-value", "message": "no", "help": "write yes"}]}"#;
        let said = failure(422, body, "http://x", None).to_string();
        let expected =
            "error: 2 parameters are refused (params)\n  ticket: it is required\n  a.yaml:3:7: no [bad-value] (write yes)";
        assert_eq!(said, expected);
    }

    #[test]
    fn an_only_error_that_the_refusal_tells_already_is_not_told_twice() {
        let body = r#"{"detail": "step `look`: no agent is left", "code": "bad_targets", "errors": [{"name": "look", "message": "no agent is left"}]}"#;
        assert_eq!(failure(422, body, "http://x", None).to_string(), "error: step `look`: no agent is left (bad_targets)");
        let file = r#"{"detail": "no", "code": "bad", "errors": [{"file": "a.yaml", "line": 3, "column": 7, "message": "no"}]}"#;
        assert_eq!(failure(422, file, "http://x", None).to_string(), "error: no (bad)\n  a.yaml:3:7: no");
    }

    #[test]
    fn a_refusal_comes_with_the_command_that_helps() {
        let help = |body: &str| failure(404, body, "http://x", None).to_string();
        let absent = help(r#"{"detail": "there is no execution `a#9`", "code": "no_such_execution"}"#);
        assert!(absent.ends_with("\nhelp: `pulse get executions` lists those there are"), "{absent}");
        let running = help(r#"{"detail": "`a#1` is not over", "code": "already_running", "name": "a#1"}"#);
        assert!(
            running.ends_with("\nhelp: to see what holds it: pulse why 'a#1'; to follow it: pulse logs -f 'a#1'"),
            "{running}"
        );
        let own = help(r#"{"detail": "no", "code": "no_such_execution", "help": "look elsewhere"}"#);
        assert!(own.ends_with("\nhelp: look elsewhere"), "what the server says goes before it: {own}");
    }

    #[test]
    fn callers_can_branch_on_the_code() {
        let failure = failure(409, r#"{"detail": "no", "code": "not_over", "answer": "Yes"}"#, "http://x", None);
        assert_eq!((failure.code(), &failure.problem()["answer"]), (Some("not_over"), &"Yes".into()));
        assert_eq!(super::failure(500, "oops", "http://x", None).code(), None);
    }

    #[test]
    fn a_401_names_the_token_to_mend() {
        let without = failure(401, "", "http://x", None).to_string();
        assert!(without.contains("set PULSE_TOKEN"), "{without}");
        let token = Token::find(Origins { flag: Some("t0ken"), ..Origins::default() }).unwrap();
        let with = failure(401, r#"{"detail": "unknown token"}"#, "http://x", token.as_ref()).to_string();
        assert!(with.contains("unknown token (401)") && with.contains("came from --token"), "{with}");
        assert!(!with.contains("t0ken"));
    }

    #[test]
    fn what_is_no_problem_is_still_a_sentence() {
        let said = failure(502, "<html>Bad Gateway</html>\nmore", "http://x", None);
        assert!(said.is_passing());
        assert!(said.to_string().contains("answered 502, in no form that PULSE uses: <html>Bad Gateway</html>"));
    }
}
