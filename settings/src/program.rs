//! A program with its table.

use crate::setting::Setting;

/// A program that can be told things.
#[derive(Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its settings, in groups.
    pub settings: &'static [&'static [Setting]],
    /// The file that is read where none is named and this one exists; none where the program has no file.
    pub file: Option<&'static str>,
    /// Names of the environment that name the file.
    pub file_names: &'static [&'static str],
    /// Other names of the environment that mean something to it, or to a program beside it. A `*` at the end stands for any rest.
    pub others: &'static [&'static str],
}

impl Program {
    /// Every setting, also those of a later release.
    pub fn all(&self) -> impl Iterator<Item = &'static Setting> + use<> {
        self.settings.iter().copied().flatten()
    }

    /// The settings that this release has.
    pub fn built(&self) -> impl Iterator<Item = &'static Setting> + use<> {
        self.all().filter(|setting| setting.is_built())
    }

    /// The setting of this name in the environment.
    pub fn named(&self, env: &str) -> Option<&'static Setting> {
        self.all().find(|setting| setting.env == env && !env.is_empty())
    }

    /// The setting of a name in the environment, and whether the name is that of the file that holds the secret.
    pub(crate) fn of_env(&self, name: &str) -> Option<(&'static Setting, bool)> {
        self.all().filter(|setting| !setting.env.is_empty()).find_map(|setting| {
            let is_plain = setting.env == name || setting.older.contains(&name);
            let is_file = || setting.secret && setting.env_of_file() == name;
            if is_plain { Some((setting, false)) } else { is_file().then_some((setting, true)) }
        })
    }

    /// The setting of a key of the file, and whether the key is that of the file that holds the secret.
    pub(crate) fn of_key(&self, key: &str) -> Option<(&'static Setting, bool)> {
        self.all().find_map(|setting| {
            let is_file = || setting.secret && setting.key_of_file() == key;
            if setting.key == key { Some((setting, false)) } else { is_file().then_some((setting, true)) }
        })
    }

    /// Every key that the file may have.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.built().flat_map(|setting| with_file(setting, setting.key.to_owned(), Setting::key_of_file)).collect()
    }

    /// Every name of the environment.
    pub(crate) fn names(&self) -> Vec<String> {
        let own = self.built().filter(|setting| !setting.env.is_empty());
        let own = own.flat_map(|setting| with_file(setting, setting.env.to_owned(), Setting::env_of_file));
        own.chain(self.file_names.iter().map(|name| (*name).to_owned())).collect()
    }

    /// Whether a name of the environment that is no setting means something all the same.
    pub(crate) fn is_others(&self, name: &str) -> bool {
        let fits = |other: &str| other.strip_suffix('*').map_or(name == other, |begin| name.starts_with(begin));
        self.file_names.contains(&name) || self.others.iter().any(|other| fits(other))
    }
}

fn with_file(setting: &Setting, plain: String, of_file: fn(&Setting) -> String) -> impl Iterator<Item = String> {
    let file = setting.secret.then(|| of_file(setting));
    std::iter::once(plain).chain(file)
}
