//! The secrets that sign webhooks' deliveries.

use super::Secret;
use pulse_settings::Layers;

/// One secret, or two while it is being changed: the old one and the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets(Vec<Secret>);

impl WebhookSecrets {
    /// Shorter ones can be guessed, in bytes.
    pub const SHORTEST: usize = 16;
    /// Live at once.
    pub const MOST: usize = 2;

    /// The secrets of a comma-separated text, spaces around them left out, or why they are none. No error shows any of them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let secrets: Vec<&str> = text.split(',').map(|secret| secret.trim_matches(' ')).collect();
        if secrets.len() > Self::MOST {
            let most = Self::MOST;
            return Err(format!("{} secrets are given; at most {most} are taken, the old one and the new one", secrets.len()));
        }
        for (at, secret) in secrets.iter().enumerate() {
            let which = if secrets.len() == 1 { "the secret".to_owned() } else { format!("secret {}", at + 1) };
            check(secret).map_err(|wrong| format!("{which} {wrong}"))?;
        }
        if let [one, other] = secrets.as_slice()
            && one == other
        {
            return Err("both secrets are the same; give the old one and the new one, or only one".to_owned());
        }
        Ok(Self(secrets.into_iter().map(Secret::new).collect()))
    }

    /// Each secret.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }

    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let given = layers.get("PULSE_WEBHOOK_SECRET")?;
        if layers.get("PULSE_SOURCE_URL").is_none() {
            errors.push(format!("{}: there is no source that it could be about; set PULSE_SOURCE_URL, too", given.place));
        }
        Self::parse(&given.text).map_err(|error| errors.push(format!("{}: {error}", given.place))).ok()
    }
}

fn check(secret: &str) -> Result<(), String> {
    const MEND: &str = "make one with `openssl rand -hex 32`";
    if secret.is_empty() {
        return Err(format!("is empty; {MEND}, or leave the setting out"));
    }
    if secret.chars().any(char::is_control) {
        return Err(format!("holds a control character, which nobody can type into Gitea; {MEND}"));
    }
    if secret.len() < WebhookSecrets::SHORTEST {
        let shortest = WebhookSecrets::SHORTEST;
        return Err(format!(
            "has {} bytes; at least {shortest} are needed, because shorter ones can be guessed; {MEND}",
            secret.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::WebhookSecrets;

    const OLD: &str = "0123456789abcdef";
    const NEW: &str = "fedcba9876543210";

    #[test]
    fn one_secret_or_two_while_rotating() {
        let revealed = |text: &str| {
            let secrets = WebhookSecrets::parse(text).unwrap();
            secrets.iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(revealed(OLD), [OLD]);
        assert_eq!(revealed(&format!("{NEW}, {OLD}")), [NEW, OLD]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let said = |text: &str| WebhookSecrets::parse(text).unwrap_err();
        for (text, wrong) in [
            ("", "the secret is empty"),
            (&format!("{OLD},"), "secret 2 is empty"),
            (&format!(",{OLD}"), "secret 1 is empty"),
            ("hunter2", "the secret has 7 bytes; at least 16"),
            (&format!("{OLD},hunter2"), "secret 2 has 7 bytes"),
            (&format!("{OLD},{NEW},{OLD}x"), "3 secrets are given; at most 2"),
            (&format!("{OLD}, {OLD}"), "both secrets are the same"),
            (&format!("{OLD}\n{NEW}"), "the secret holds a control character"),
        ] {
            let said = said(text);
            assert!(said.starts_with(wrong), "{said}");
            assert!(!said.contains("hunter2") && !said.contains(OLD), "{said}");
        }
    }
}
