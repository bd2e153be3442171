//! A push as Gitea sends it: headers and body, with the names and values of somebody's own repository.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The body of a push to `main`; tabs and line ends as Gitea writes them.
pub const PUSH: &str = r#"{
  "ref": "refs/heads/main",
  "before": "9d3c1b0f6a0e4c2b8d7f5e6a1b2c3d4e5f607182",
  "after": "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c",
  "compare_url": "https://git.example.org/ops/runbooks/compare/9d3c1b0f6a0e...3f9c2d1a7b8e",
  "commits": [
    {
      "id": "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c",
      "message": "Ask before the second reboot\n",
      "url": "https://git.example.org/ops/runbooks/commit/3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c",
      "author": {"name": "Ada Lovelace", "email": "ada@example.org", "username": "ada"},
      "committer": {"name": "Ada Lovelace", "email": "ada@example.org", "username": "ada"},
      "verification": null,
      "timestamp": "2026-11-21T07:45:10Z",
      "added": [],
      "removed": [],
      "modified": ["workflows/system-update.yaml"]
    }
  ],
  "total_commits": 1,
  "head_commit": {"id": "3f9c2d1a7b8e4f60a1c2d3e4f5061728394a5b6c", "message": "Ask before the second reboot\n"},
  "repository": {
    "id": 17,
    "owner": {"id": 4, "login": "ops", "full_name": "", "email": "", "username": "ops"},
    "name": "runbooks",
    "full_name": "ops/runbooks",
    "private": true,
    "html_url": "https://git.example.org/ops/runbooks",
    "ssh_url": "git@git.example.org:ops/runbooks.git",
    "clone_url": "https://git.example.org/ops/runbooks.git",
    "default_branch": "main"
  },
  "pusher": {"id": 2, "login": "ada", "full_name": "Ada Lovelace", "email": "ada@example.org", "username": "ada"},
  "sender": {"id": 2, "login": "ada", "full_name": "Ada Lovelace", "email": "ada@example.org", "username": "ada"}
}"#;

/// HMAC-SHA256 of the bytes in lowercase hex.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every header that Gitea sends with a delivery that is signed with this secret.
pub fn headers(secret: &str, event: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let signature = sign(secret, body);
    let event = event.to_owned();
    vec![
        ("content-type", "application/json".into()),
        ("x-gitea-delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473".into()),
        ("x-gitea-event", event.clone()),
        ("x-gitea-event-type", event.clone()),
        ("x-gitea-signature", signature.clone()),
        ("x-gitea-hook-installation-target-type", "repository".into()),
        ("x-gogs-delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473".into()),
        ("x-gogs-event", event.clone()),
        ("x-gogs-signature", signature.clone()),
        ("x-hub-signature", "sha1=5f0e1b0c6f9b5ed4a8ce46b9d4f6ef6d2a2f3c11".into()),
        ("x-hub-signature-256", format!("sha256={signature}")),
        ("x-github-delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473".into()),
        ("x-github-event", event),
    ]
}
