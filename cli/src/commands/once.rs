//! A start that happens once, also when its answer is lost on the way: every try has the same key.

use crate::client::Client;
use crate::failure::Failure;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};

/// The key of a start.
#[derive(Debug, clap::Args)]
pub(super) struct Once {
    /// The same key starts one execution only, however often it is sent
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Once {
    /// Starts it, and asks again for an answer that was lost.
    pub(super) fn start(&self, client: &Client, path: &str, body: &Value) -> Result<Value, Failure> {
        let key = self.idempotency_key.clone().unwrap_or_else(fresh_key);
        let help =
            format!("whether it started is not known; run it again with --idempotency-key {key}, which starts it at most once");
        client.post_again(path, body, &[("Idempotency-Key", &key)], &help)
    }
}

/// A key that no other start has: two keyed hashes, whose keys the system draws at random for each process.
fn fresh_key() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    let part = || RandomState::new().hash_one((now, std::process::id()));
    format!("pulse-{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::fresh_key;

    #[test]
    fn keys_differ() {
        assert_ne!(fresh_key(), fresh_key());
        assert_eq!(fresh_key().len(), 38);
    }
}
