//! `pulse-controller break-glass`: a token for a person in need, when nobody can sign in. Whoever can read the administrator's token on
//! this machine may have one; the running controller makes it, so that it is written down who needed it and why.

mod address;

use crate::admin;
use crate::config::{BreakGlass, BreakGlassFlags, Environment};
use address::Way;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::TlsConfig;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer.
const MAX_ANSWER: u64 = 64 * 1024;

/// Asks for the token and prints it.
pub async fn run(flags: BreakGlassFlags, environment: &Environment) -> anyhow::Result<()> {
    let settings = BreakGlass::load(&flags, environment)?;
    let made = tokio::task::spawn_blocking(move || ask(&flags, &settings)).await??;
    let word = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let token = made["token"].as_str().context("the controller answered without a token")?;
    println!("{token}");
    eprintln!("{} opens everything until {}; it is not shown again", word("name"), word("expiresAt"));
    Ok(())
}

fn ask(flags: &BreakGlassFlags, settings: &BreakGlass) -> anyhow::Result<Value> {
    let token = match &settings.admin_token {
        Some(token) => token.clone(),
        None => admin::made_token(&settings.folder)?,
    };
    let way = Way::find(settings)?;
    let url = format!("{}/api/v1/tokens/break-glass", way.base);
    let body = json!({ "name": flags.name, "reason": flags.reason, "expires": flags.life.to_string() });
    let request = way.agent.post(&url).header("Authorization", format!("Bearer {}", token.0.reveal()));
    let mut answer = request.send_json(&body).map_err(|error| way.unreachable(&error))?;
    let status = answer.status().as_u16();
    let said = answer.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string();
    let said: Value = serde_json::from_str(&said.map_err(|error| way.unreachable(&error))?).unwrap_or_default();
    if status == 201 { Ok(said) } else { Err(refused(status, &said, &way.base)) }
}

/// Why the controller said no, and what to do about it.
fn refused(status: u16, said: &Value, base: &str) -> anyhow::Error {
    let detail = said["detail"].as_str().unwrap_or("it says no more");
    match status {
        401 => anyhow!(
            "the controller at {base} does not know this token: it was started with another PULSE_ADMIN_TOKEN or data folder; give the \
             same settings here"
        ),
        503 => {
            anyhow!("the controller at {base} cannot do it now: {detail}; where another one is active, run this on its machine")
        }
        _ => anyhow!("the controller at {base} refuses ({status}): {detail}"),
    }
}

/// What speaks HTTP to this machine's controller.
fn client(tls: Option<TlsConfig>) -> Agent {
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        // A redirect could carry the token elsewhere, and no proxy of the environment is asked for one.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE));
    let builder = match tls {
        Some(tls) => builder.https_only(true).tls_config(tls),
        None => builder,
    };
    builder.build().new_agent()
}

#[cfg(test)]
mod tests;
