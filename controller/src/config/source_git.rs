//! The settings of a Git repository: branch, credentials, and whom to trust. What cannot be meant together is refused.

use super::Secret;
use super::listen::insecure_http;
use crate::source::git::{Credentials, DEFAULT_USER, Limits, Location, Remote, check_ca, check_key, is_user, known_hosts};
use pulse_settings::{Given, Layers};
use std::io::Read;
use std::path::Path;

/// Settings that are about a Git repository only.
pub(super) const SETTINGS: &[&str] = &[
    "PULSE_SOURCE_BRANCH",
    "PULSE_SOURCE_USERNAME",
    "PULSE_SOURCE_TOKEN",
    "PULSE_SOURCE_SSH_KEY",
    "PULSE_SOURCE_KNOWN_HOSTS",
    "PULSE_SOURCE_CA",
];
/// The branch unless said.
const DEFAULT_BRANCH: &str = "main";
/// Most bytes of a file of certificates or host keys.
const MAX_TRUST_BYTES: u64 = 1 << 20;

/// A plain folder has none of these.
pub(super) fn refuse_all(layers: &Layers, errors: &mut Vec<String>) {
    refuse(layers, SETTINGS, "a plain folder", errors);
}

/// The repository at a location; `None` if something is wrong.
pub(super) fn read(
    url: &Given,
    location: Location,
    path: Option<&Path>,
    layers: &Layers,
    errors: &mut Vec<String>,
) -> Option<Remote> {
    let before = errors.len();
    let branch = layers.get("PULSE_SOURCE_BRANCH").map_or(DEFAULT_BRANCH.to_owned(), |given| branch_of(given, errors));
    let mut remote = Remote {
        location,
        branch,
        path: path.map_or(String::new(), |path| path.to_string_lossy().into_owned()),
        credentials: Credentials::None,
        ca: None,
        known_hosts: None,
        limits: Limits::default(),
    };
    match remote.location.clone() {
        Location::File(_) => refuse(layers, &SETTINGS[1..], "a repository on this machine", errors),
        Location::Http { tls, .. } => http(url, tls, &mut remote, layers, errors),
        Location::Ssh { .. } => ssh(url, &mut remote, layers, errors),
    }
    (errors.len() == before).then_some(remote)
}

fn http(url: &Given, tls: bool, remote: &mut Remote, layers: &Layers, errors: &mut Vec<String>) {
    refuse(layers, &["PULSE_SOURCE_SSH_KEY", "PULSE_SOURCE_KNOWN_HOSTS"], "an http source", errors);
    // Whether the word itself is well formed is the listener's to say.
    if !tls && !remote.location.is_loopback() && !insecure_http(layers, &mut Vec::new()) {
        errors.push(format!(
            "{}: plain http would show token and manifests to everybody on the way; use https, or set PULSE_INSECURE_HTTP=true where you \
             trust the network",
            url.place
        ));
    }
    if !tls {
        refuse(layers, &["PULSE_SOURCE_CA"], "a source without TLS", errors);
    } else if let Some(given) = layers.get("PULSE_SOURCE_CA") {
        remote.ca = trust(given, "-----BEGIN", check_ca, errors);
    }
    let (user, token) = (layers.get("PULSE_SOURCE_USERNAME"), layers.get("PULSE_SOURCE_TOKEN"));
    match (user, token) {
        (Some(user), None) => {
            errors.push(format!("{}: a user without a token cannot log in; set PULSE_SOURCE_TOKEN", user.place))
        }
        (user, Some(token)) => {
            let user = user.map_or(DEFAULT_USER.to_owned(), |given| http_user_of(given, errors));
            if token.text.chars().any(char::is_control) {
                errors.push(format!("{}: a token is one line without control characters", token.place));
            }
            remote.credentials = Credentials::UserToken { user, token: Secret::new(&token.text) };
        }
        (None, None) => {}
    }
}

fn ssh(url: &Given, remote: &mut Remote, layers: &Layers, errors: &mut Vec<String>) {
    refuse(layers, &["PULSE_SOURCE_TOKEN", "PULSE_SOURCE_CA"], "an ssh source", errors);
    let Location::Ssh { user, host, port, .. } = &mut remote.location else { return };
    if let Some(given) = layers.get("PULSE_SOURCE_USERNAME") {
        match user {
            Some(user) if *user != given.text => {
                errors.push(format!("{}: the URL names the user `{user}`; keep one of the two", given.place));
            }
            _ if !is_user(&given.text) => {
                errors.push(format!("{}: a user has letters, digits, `.`, `_` and `-`, and begins with no dash", given.place));
            }
            _ => *user = Some(given.text.clone()),
        }
    }
    match layers.get("PULSE_SOURCE_SSH_KEY") {
        Some(given) => match check_key(&given.text) {
            // The last line break went with the file's end, and some readers of keys want it.
            Ok(()) => remote.credentials = Credentials::SshKey(Secret::new(format!("{}\n", given.text.trim_end()))),
            Err(why) => errors.push(format!("{}: {why}", given.place)),
        },
        None => errors.push(format!(
            "{}: an ssh source needs a key; make one with `ssh-keygen -t ed25519 -N '' -f pulse_key`, add pulse_key.pub to the repository \
             as a deploy key, and set PULSE_SOURCE_SSH_KEY_FILE",
            url.place
        )),
    }
    match layers.get("PULSE_SOURCE_KNOWN_HOSTS") {
        Some(given) => remote.known_hosts = trust(given, " ", known_hosts::check, errors),
        None => errors.push(format!("{}: an ssh source needs the host's keys; {}", url.place, known_hosts::remedy(host, *port))),
    }
}

fn branch_of(given: &Given, errors: &mut Vec<String>) -> String {
    let name = format!("refs/heads/{}", given.text);
    if given.text.starts_with("refs/") {
        errors.push(format!("{}: give the branch without refs/heads/", given.place));
    } else if given.text.starts_with('-') || !git2::Reference::is_valid_name(&name) {
        errors.push(format!("{}: `{}` is no name of a branch", given.place, given.text.escape_debug()));
    }
    given.text.clone()
}

fn http_user_of(given: &Given, errors: &mut Vec<String>) -> String {
    // HTTP's Basic scheme ends the user at the colon.
    if given.text.contains(':') || given.text.chars().any(char::is_control) {
        errors.push(format!("{}: a user has no `:` and no control characters", given.place));
    }
    given.text.clone()
}

/// A text that says whom to trust: the text itself, if it has this mark in its first line, else the path of a file.
fn trust(given: &Given, mark: &str, check: impl Fn(&str) -> Result<(), String>, errors: &mut Vec<String>) -> Option<String> {
    let itself = given.text.contains('\n') || (given.text.contains(mark) && !Path::new(&given.text).exists());
    let text = if itself { Ok(given.text.clone()) } else { file(&given.text) };
    let text = text
        .and_then(|text| check(&text).map(|()| text).map_err(|why| if itself { why } else { format!("{}: {why}", given.text) }));
    text.map_err(|why| errors.push(format!("{}: {why}", given.place))).ok()
}

fn file(path: &str) -> Result<String, String> {
    let blame = |error: std::io::Error| format!("cannot read {path}: {error}");
    let mut text = String::new();
    let read = std::fs::File::open(path).map_err(blame)?.take(MAX_TRUST_BYTES + 1).read_to_string(&mut text).map_err(blame)?;
    if read as u64 > MAX_TRUST_BYTES { Err(format!("{path} is larger than 1 MiB")) } else { Ok(text) }
}

fn refuse(layers: &Layers, names: &[&'static str], what: &str, errors: &mut Vec<String>) {
    for given in names.iter().filter_map(|name| layers.get(name)) {
        errors.push(format!("{}: {what} has no use for it; remove it", given.place));
    }
}

/// The certificates of an authority, as another setting gives them: a file, or its text.
pub(super) fn authority(given: &Given, errors: &mut Vec<String>) -> Option<String> {
    trust(given, "-----BEGIN", check_ca, errors)
}
