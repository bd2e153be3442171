//! What the controller can be told of its source of manifests.

use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text)
}

pub(super) const SOURCE: &[Setting] = &[
    setting(
        "PULSE_SOURCE_URL",
        "sourceUrl",
        "source-url",
        Kind::Text("URL"),
        "The Git repository with the manifests (https, ssh, file), or a folder of manifests.",
    ),
    setting("PULSE_SOURCE_BRANCH", "sourceBranch", "source-branch", Kind::Text("BRANCH"), "The branch to follow.").or("main"),
    setting("PULSE_SOURCE_PATH", "sourcePath", "source-path", Kind::Path("PATH"), "The folder within the source to read.")
        .or_else("all of it"),
    setting(
        "PULSE_SOURCE_POLL",
        "sourcePoll",
        "source-poll",
        Kind::Duration,
        "How often to look at the source, whatever was heard.",
    )
    .or("3m")
    .live(),
    setting(
        "PULSE_SOURCE_USERNAME",
        "sourceUsername",
        "source-username",
        Kind::Text("USER"),
        "The user that goes with the token.",
    )
    .or_else("git")
    .live(),
    setting("PULSE_SOURCE_TOKEN", "sourceToken", "source-token-file", Kind::Text("TOKEN"), "The token for https.")
        .secret()
        .live(),
    setting("PULSE_SOURCE_SSH_KEY", "sourceSshKey", "source-ssh-key-file", Kind::Pem, "The private key for ssh.").secret().live(),
    setting(
        "PULSE_SOURCE_KNOWN_HOSTS",
        "sourceKnownHosts",
        "source-known-hosts",
        Kind::Pem,
        "The host keys of the ssh server, as ssh-keyscan prints them: a file, or the lines.",
    )
    .live(),
    setting(
        "PULSE_SOURCE_CA",
        "sourceCa",
        "source-ca",
        Kind::Pem,
        "The certificate authority of the https server: a PEM file, or its text.",
    )
    .or_else("the machine's authorities")
    .live(),
];
