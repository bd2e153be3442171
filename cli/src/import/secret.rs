//! Credentials that stand in a command: found by their form, told by their kind, never shown.

/// Words before a value that is kept secret.
const WORDS: [&str; 9] = ["password", "passwd", "passphrase", "token", "secret", "api_key", "apikey", "api-key", "access_key"];

/// What a command holds that looks like a credential.
pub fn found(command: &str) -> Option<&'static str> {
    let lower = command.to_ascii_lowercase();
    let word = WORDS.iter().any(|word| lower.match_indices(word).any(|(at, _)| is_given(&command[at + word.len()..])));
    let header = ["bearer ", "authorization: basic "]
        .iter()
        .any(|header| lower.find(header).is_some_and(|at| is_literal(&command[at + header.len()..])));
    if word {
        Some("a password or token")
    } else if header {
        Some("a token in a header")
    } else if lower.contains("private key-----") {
        Some("a private key")
    } else if has_url_password(command) {
        Some("a password in a URL")
    } else if lower
        .match_indices("sshpass")
        .any(|(at, _)| is_literal(lower[at + 7..].trim_start().strip_prefix("-p").unwrap_or(" ").trim_start()))
    {
        Some("a password of `sshpass`")
    } else if ["AKIA", "ghp_", "glpat-", "xoxb-", "sk_live_"].iter().any(|begin| command.contains(begin)) {
        Some("a key of a service")
    } else {
        None
    }
}

/// Behind the word stands a value, and it is written out: `=…`, `: …`, or the argument of an option.
fn is_given(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['"', '\'']);
    match rest.chars().next() {
        Some('=' | ':') => is_literal(rest[1..].trim_start()),
        Some(' ') => {
            is_literal(rest.trim_start())
                && rest.trim_start().chars().take_while(|c| !c.is_whitespace()).any(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// The value is written out: no variable, no `{{ … }}`, no command, no other option, no path.
fn is_literal(value: &str) -> bool {
    let value = value.trim_start_matches(['"', '\'']);
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '&' | '|' | ')');
    let word = value.split(end).next().unwrap_or_default();
    !word.is_empty() && !word.starts_with(['$', '{', '`', '-', '<', '/', '*'])
}

/// `scheme://user:password@host`
fn has_url_password(command: &str) -> bool {
    command.match_indices("://").any(|(at, _)| {
        let authority =
            command[at + 3..].split(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        user.split_once(':').is_some_and(|(_, password)| is_literal(password))
    })
}

#[cfg(test)]
mod tests {
    use super::found;

    #[test]
    fn credentials_are_found_by_their_form() {
        for command in [
            "mysqldump --password=hunter2 db",
            "export DB_PASSWORD='x y'",
            "curl -H \"Authorization: Bearer abc.def\" https://x",
            "curl -H 'X-API-Token: 12ab' x",
            "git clone https://bob:geheim@git.example/x",
            "sshpass -p geheim ssh host",
            "TOKEN=abc ./run",
            "aws --secret abc123",
            "echo AKIAABCDEFGHIJKLMNOP",
        ] {
            assert!(found(command).is_some(), "{command}");
        }
        for command in [
            "df -h",
            "echo $PASSWORD",
            "mysql --password=\"$DB_PASSWORD\"",
            "passwd --lock bob",
            "cat /run/secrets/token",
            "curl -H \"Authorization: Bearer $T\" x",
            "git clone https://bob@git.example/x",
            "echo token expired",
            "deploy --token={{ token }}",
            "curl http://host:8080/x",
            "read -s password; echo",
        ] {
            assert_eq!(found(command), None, "{command}");
        }
    }
}
