//! A repository as a Git server hosts it: over `git http-backend` behind Basic auth, with a webhook that is signed.

use super::Api;
use crate::gitea::{PUSH, headers};
use crate::remotes::{HttpRemote, Repository};

const USER: &str = "pulse";
const SECRET: &str = "the-webhook-secret-of-the-tests";

/// One repository, and the server before it.
pub struct Forge {
    /// What is pushed to.
    pub repository: Repository,
    /// What the controller asks.
    pub server: HttpRemote,
}

impl Forge {
    /// With a first commit of these files on `main`.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let repository = Repository::with(files);
        let server = HttpRemote::guarded(repository.root(), USER, "the-token");
        Self { repository, server }
    }

    /// What the controller must be told. Unless that is changed, it hears of a commit by a webhook or not at all.
    pub fn settings(&self) -> [(&'static str, String); 5] {
        [
            ("PULSE_SOURCE_URL", self.server.url()),
            ("PULSE_SOURCE_USERNAME", USER.to_owned()),
            ("PULSE_SOURCE_TOKEN", "the-token".to_owned()),
            ("PULSE_SOURCE_POLL", "1h".to_owned()),
            ("PULSE_WEBHOOK_SECRET", SECRET.to_owned()),
        ]
    }

    /// Only another token is good from now on.
    pub fn rotate_token(&self, token: &str) {
        self.server.guard(USER, token);
    }

    /// Delivers a push of this commit to `main`, signed as it should be; the status of the answer.
    pub fn deliver(&self, api: &Api, commit: &str) -> u16 {
        deliver(api, commit, SECRET)
    }

    /// The same signed by somebody who does not know the secret.
    pub fn forge_delivery(&self, api: &Api, commit: &str) -> u16 {
        deliver(api, commit, "a-secret-that-somebody-guessed")
    }
}

fn deliver(api: &Api, commit: &str, secret: &str) -> u16 {
    let mut lines: Vec<String> = PUSH.lines().map(str::to_owned).collect();
    let after = lines.iter_mut().find(|line| line.contains("\"after\"")).expect("a push says what came");
    *after = format!("  \"after\": \"{commit}\",");
    let body = lines.join("\n");
    let headers = headers(secret, "push", body.as_bytes());
    api.deliver("/webhooks/gitea", &headers, &body)
}
