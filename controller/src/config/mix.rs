//! The settings of a controller that runs, when they are read again: what may change is taken over, the rest stays as it was. Pure.

use super::{Config, ConfigError, Origin, Tls};
use pulse_settings::{Reload, Setting, changes};

/// What reading again came to: the keys of what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Taken over.
    pub taken: Vec<&'static str>,
    /// Left until a restart.
    pub left: Vec<&'static str>,
}

impl Config {
    /// These settings, with what may change while they run of `whole`, which is right by itself.
    ///
    /// # Errors
    ///
    /// What is wrong where the new stands beside what stays.
    pub fn take_over(&self, whole: &Self) -> Result<(Self, Outcome), ConfigError> {
        let changed = changes(&self.layers, &whole.layers);
        let is_left =
            |key: &str| changed.iter().any(|change| change.setting.key == key && change.setting.reload == Reload::Restart);
        let moved = ["sourceUrl", "sourceBranch", "sourcePath"].into_iter().any(is_left);
        let is_live = |setting: &Setting| match setting.key {
            // To begin or end TLS is another listener; another certificate is none.
            "tlsCert" | "tlsKey" => is_given(&self.tls) && is_given(&whole.tls),
            // They belong to the source that is there, not to the one that a restart brings.
            key if is_of_source(key) => !moved,
            _ => setting.reload == Reload::Live,
        };
        let mut mixed = Self::of(self.layers.with(&whole.layers, is_live), Vec::new())?;
        mixed.warnings.clone_from(&whole.warnings);
        let (taken, left): (Vec<_>, Vec<_>) = changed.iter().map(|change| change.setting).partition(|setting| is_live(setting));
        let keys = |all: Vec<&Setting>| all.into_iter().map(|setting| setting.key).collect::<Vec<_>>();
        let mut outcome = Outcome { taken: keys(taken), left: keys(left) };
        outcome.taken.extend(self.read_anew(&mixed));
        Ok((mixed, outcome))
    }

    /// The same files with another content.
    fn read_anew(&self, now: &Self) -> Vec<&'static str> {
        let oidc = |config: &Self| config.people.oidc.as_ref().map(|oidc| oidc.ca.clone());
        let remote = |config: &Self| match config.source.as_ref().map(|source| &source.origin) {
            Some(Origin::Git(remote)) => Some((remote.ca.clone(), remote.known_hosts.clone())),
            _ => None,
        };
        let same =
            |key: &str| self.layers.of_key(key).map(|given| &given.text) == now.layers.of_key(key).map(|given| &given.text);
        let (before, after) = (remote(self).unwrap_or_default(), remote(now).unwrap_or_default());
        let all =
            [("oidcCa", oidc(self) != oidc(now)), ("sourceCa", before.0 != after.0), ("sourceKnownHosts", before.1 != after.1)];
        all.into_iter().filter(|(key, differs)| *differs && same(key)).map(|(key, _)| key).collect()
    }
}

const fn is_given(tls: &Tls) -> bool {
    matches!(tls, Tls::Given { .. })
}

/// What means something only beside the source.
fn is_of_source(key: &str) -> bool {
    key == "webhookSecret" || (key.starts_with("source") && !matches!(key, "sourceUrl" | "sourceBranch" | "sourcePath"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use super::Outcome;
    use std::path::Path;

    fn written(folder: &Path, text: &str) -> crate::config::Config {
        let file = folder.join("controller.yaml");
        std::fs::write(&file, text).unwrap();
        load(&["--config", file.to_str().unwrap()], &[]).unwrap()
    }

    #[test]
    fn what_is_live_is_taken_over_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let before = written(folder.path(), "listen: 127.0.0.1:1\nlog: info\nrateLimit: 5/s\n");
        let whole = written(folder.path(), "listen: 127.0.0.1:2\nlog: debug\nadminGroups: [root, wheel]\n");
        let (now, outcome) = before.take_over(&whole).unwrap();
        assert_eq!(outcome, Outcome { taken: vec!["rateLimit", "adminGroups", "log"], left: vec!["listen"] });
        assert_eq!((now.listen.address.port(), now.log.filter.as_str(), now.limits.principals), (1, "debug", None));
        assert_eq!(now.take_over(&whole).unwrap().1, Outcome { taken: vec![], left: vec!["listen"] }, "it waits still");
    }

    #[test]
    fn what_belongs_to_another_source_waits_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let text =
            |folder: &Path, secret: &str| format!("sourceUrl: {}\nsourcePoll: 5s\nwebhookSecret: {secret}\n", folder.display());
        let before = written(folder.path(), &text(folder.path(), "0123456789abcdef"));
        let moved = written(folder.path(), &text(other.path(), "fedcba9876543210"));
        let (now, outcome) = before.take_over(&moved).unwrap();
        assert_eq!(outcome.left, ["webhookSecret", "sourceUrl"]);
        assert_eq!(now.webhook_secrets, before.webhook_secrets);
        let (_, added) = written(folder.path(), "log: info\n").take_over(&before).unwrap();
        assert_eq!((added.taken.len(), added.left.len()), (0, 3), "{added:?}");
    }

    #[test]
    fn what_cannot_stand_beside_what_stays_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let before = written(folder.path(), "log: info\n");
        let whole = written(folder.path(), "insecureHttp: true\noidcIssuer: http://login.example\noidcClientId: x\nlog: debug\n");
        let refused = before.take_over(&whole).unwrap_err().to_string();
        assert!(refused.contains("oidcIssuer") && refused.contains("https://"), "{refused}");
    }

    #[test]
    fn a_file_that_says_something_else_now_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let pem = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
        let text = format!("oidcIssuer: https://x\noidcClientId: x\noidcCa: {}\n", ca.display());
        std::fs::write(&ca, pem()).unwrap();
        let before = written(folder.path(), &text);
        std::fs::write(&ca, pem()).unwrap();
        assert_eq!(before.take_over(&written(folder.path(), &text)).unwrap().1.taken, ["oidcCa"]);
    }
}
