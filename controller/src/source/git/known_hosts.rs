//! Host keys in OpenSSH's `known_hosts` format: plain and hashed names, ports, several keys. libssh2 compares; here stands what
//! it is given, and which kinds of key the host may show.

use base64::Engine;
use ssh2::{CheckResult, KnownHostFileKind, KnownHosts};

/// What libssh2 calls the algorithms of each kind of key, best first.
const ALGORITHMS: &[(&str, &str)] = &[
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

/// Checks a text.
///
/// # Errors
///
/// The first line that is wrong, and why.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut any = false;
    for (index, line) in lines(text) {
        let number = index + 1;
        if line.starts_with('@') {
            return Err(format!(
                "line {number}: markers such as @cert-authority and @revoked are not supported; remove the line"
            ));
        }
        let mut fields = line.split_ascii_whitespace();
        let (name, kind, key) = (fields.next().unwrap_or_default(), fields.next(), fields.next());
        if name.contains(['*', '?', '!']) {
            return Err(format!("line {number}: patterns of names are not supported; write the host's name"));
        }
        if kind.is_none() || key.and_then(decode).is_none() {
            return Err(format!("line {number} is not `host key-type base64`, as ssh-keyscan prints it"));
        }
        any = true;
    }
    if any { Ok(()) } else { Err("it holds no host key".to_owned()) }
}

/// Fills libssh2's table. Lines are such as [`check`] has accepted.
pub(super) fn fill(table: &mut KnownHosts, text: &str) -> Result<(), ssh2::Error> {
    lines(text).try_for_each(|(_, line)| table.read_str(line, KnownHostFileKind::OpenSSH))
}

/// The algorithms by which the host may prove itself, for libssh2; `None` if the table has no key of it.
pub(super) fn algorithms(table: &KnownHosts, host: &str, port: u16) -> Option<String> {
    let keys: Vec<_> = table.hosts().ok()?.iter().filter_map(|known| decode(known.key())).collect();
    let of_host = keys.iter().filter(|key| matches!(table.check_port(host, port, key), CheckResult::Match));
    let kinds: Vec<_> = of_host.filter_map(|key| kind(key)).collect();
    let algorithms: Vec<_> =
        ALGORITHMS.iter().filter(|(name, _)| kinds.iter().any(|kind| kind == name)).map(|(_, all)| *all).collect();
    (!algorithms.is_empty()).then(|| algorithms.join(","))
}

/// The line that fetches the keys of a host.
pub(crate) fn remedy(host: &str, port: u16) -> String {
    let port = if port == 22 { String::new() } else { format!("-p {port} ") };
    format!(
        "`ssh-keyscan {port}{host}` prints them: compare their fingerprints with the server's own, then set PULSE_SOURCE_KNOWN_HOSTS to a file with the lines"
    )
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn decode(key: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(key).ok()
}

/// A key begins with its kind: four bytes of length, then the name.
fn kind(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    str::from_utf8(rest.get(..u32::from_be_bytes(*length) as usize)?).ok()
}

#[cfg(test)]
mod tests {
    use super::{algorithms, check, fill};

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAINn5r5AIYVHZAbWpZGJrf5q4LgUXSl5wyX2cFFTHW8jB";

    fn of(text: &str, host: &str, port: u16) -> Option<String> {
        check(text).unwrap();
        let mut table = ssh2::Session::new().unwrap().known_hosts().unwrap();
        fill(&mut table, text).unwrap();
        algorithms(&table, host, port)
    }

    #[test]
    fn only_the_keys_of_the_host_count() {
        let text = format!("# keys\ngit.example.org ssh-ed25519 {KEY}\n[git.example.org]:2222 ssh-ed25519 {KEY} comment\n");
        assert_eq!(of(&text, "git.example.org", 22).as_deref(), Some("ssh-ed25519"));
        assert_eq!(of(&text, "git.example.org", 2222).as_deref(), Some("ssh-ed25519"));
        assert_eq!(of(&text, "other.example.org", 22), None);
        let elsewhere = format!("[git.example.org]:2222 ssh-ed25519 {KEY}\n");
        assert_eq!(of(&elsewhere, "git.example.org", 22), None, "another port is another host");
    }

    #[test]
    fn lines_that_cannot_be_meant_are_named() {
        for (text, part) in [
            ("", "no host key"),
            ("# nothing\n", "no host key"),
            ("host ssh-ed25519\n", "line 1 is not"),
            ("\nhost ssh-ed25519 %%%\n", "line 2 is not"),
            (&format!("@revoked host ssh-ed25519 {KEY}"), "@revoked"),
            (&format!("*.example.org ssh-ed25519 {KEY}"), "patterns"),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
