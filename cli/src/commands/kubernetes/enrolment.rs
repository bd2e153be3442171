//! The token by which the chart's agents come in, kept in a Secret of the cluster: made by the active controller, and made anew
//! before it ends, is used up, is unknown to the controller or is not what was asked for.

use super::cluster::Cluster;
use crate::client::{Client, encode};
use crate::failure::Failure;
use crate::views::text;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// What was asked for, and which token it is.
const ASKED: &str = "pulse.dev/asked";
const TOKEN_ID: &str = "pulse.dev/token-id";
/// Between two looks, when all is well.
const AGAIN: Duration = Duration::from_secs(60);
/// Tokens live so long, and are replaced when less than half of it is left. Ninety days is the most that a controller gives.
const LIFE_DAYS: i64 = 60;
/// The most that a controller gives, for agents come and go.
const USES: u32 = 10_000;

/// Keeps a Secret filled.
#[derive(Debug)]
pub struct Enrolment {
    secret: String,
    wanted: Value,
    asked: String,
    looked: Option<Instant>,
}

impl Enrolment {
    /// Of this Secret. `made_for` is whatever else makes a token useless when it changes.
    pub fn new(secret: &str, labels: &[(String, String)], made_for: &str) -> Self {
        let mut wanted = json!({ "uses": USES, "expires": format!("{LIFE_DAYS}d") });
        if !labels.is_empty() {
            let labels: Map<_, _> = labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
            wanted["labels"] = Value::Object(labels);
        }
        let asked = format!("{made_for} {wanted}");
        Self { secret: secret.to_owned(), wanted, asked, looked: None }
    }

    /// Looks at the Secret now and then, and fills it where that is due.
    pub fn keep(&mut self, cluster: &Cluster, controller: &Client, now: Instant) -> Result<(), Failure> {
        if self.looked.is_some_and(|looked| now.duration_since(looked) < AGAIN) {
            return Ok(());
        }
        let object = format!("secrets/{}", self.secret);
        let secret = cluster.get(&object)?.ok_or_else(|| no_secret(&self.secret))?;
        if !self.holds(&secret, controller)? {
            let made = controller.post("/agents/tokens", &self.wanted, &[])?;
            cluster.patch(&object, &self.filled(&made))?.ok_or_else(|| no_secret(&self.secret))?;
            crate::output::message(&format!("the Secret {} has a new enrolment token", self.secret));
        }
        self.looked = Some(now);
        Ok(())
    }

    /// Whether the Secret's token lets agents in for a good while yet.
    fn holds(&self, secret: &Value, controller: &Client) -> Result<bool, Failure> {
        let noted = |name: &str| secret["metadata"]["annotations"][name].as_str().unwrap_or_default();
        let empty = secret["data"]["token"].as_str().is_none_or(str::is_empty);
        if empty || noted(ASKED) != self.asked || noted(TOKEN_ID).is_empty() {
            return Ok(false);
        }
        let (tokens, _) = controller.list("/agents/tokens?limit=200", None)?;
        Ok(tokens.iter().any(|token| text(token, "/id") == noted(TOKEN_ID) && lasts(token, Timestamp::now())))
    }

    fn filled(&self, made: &Value) -> Value {
        let annotations = json!({ ASKED: self.asked, TOKEN_ID: text(made, "/id") });
        json!({ "metadata": { "annotations": annotations }, "stringData": { "token": text(made, "/token") } })
    }
}

/// A token with some uses, and more than half of its life.
fn lasts(token: &Value, now: Timestamp) -> bool {
    let uses = token["usesLeft"].as_u64().unwrap_or_default();
    let ends = text(token, "/expiresAt").parse::<Timestamp>().unwrap_or(now);
    uses > u64::from(USES / 10) && ends.duration_since(now) > SignedDuration::from_hours(24 * LIFE_DAYS / 2)
}

fn no_secret(name: &str) -> Failure {
    Failure::passing(format!("there is no Secret {}", encode(name)))
        .with_help("the chart makes it; `helm upgrade` brings it back")
}

#[cfg(test)]
mod tests {
    use super::lasts;
    use serde_json::json;

    #[test]
    fn a_token_is_replaced_in_time() {
        let now = "2026-11-30T00:00:00Z".parse().unwrap();
        let token = |uses: u32, ends: &str| lasts(&json!({"usesLeft": uses, "expiresAt": ends}), now);
        assert!(token(9000, "2027-01-20T00:00:00Z"));
        assert!(!token(9000, "2026-12-20T00:00:00Z") && !token(900, "2027-01-20T00:00:00Z") && !token(9000, ""));
    }
}
