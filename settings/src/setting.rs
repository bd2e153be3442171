//! One row of a table: a setting with its names, and what people have to know of it.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the environment; empty for one that only the file can say.
    pub env: &'static str,
    /// Names in the environment that an older program had for it.
    pub older: &'static [&'static str],
    /// Its name in the file.
    pub key: &'static str,
    /// Its flag without the dashes; that of a secret names the file that holds it. Empty where there is none.
    pub flag: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What counts where nothing is said.
    pub unless: Unless,
    /// No list shows it, and it can be given as the path of a file that holds it.
    pub secret: bool,
    /// Of a secret, the file's path is passed on: whoever uses it reads it again when it changes.
    pub watched: bool,
    /// Of a secret that is used once: a file that is empty by then says nothing, and is no mistake.
    pub once: bool,
    /// What a change while the program runs takes.
    pub reload: Reload,
    /// The release that had it first; `None` where this one does not have it yet.
    pub since: Option<&'static str>,
    /// What it is for, in a sentence.
    pub text: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text; what it is called in `--help`.
    Text(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A time with its unit.
    Duration,
    /// A path.
    Path(&'static str),
    /// Something in PEM, or lines of host keys: the path of its file, or the text itself.
    Pem,
    /// Several, between commas; in the file also a list.
    List(&'static str),
    /// Pairs, `key=value` between commas; in the file also a map.
    Map,
}

/// What counts where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unless {
    /// This value.
    Is(&'static str),
    /// What this says.
    Said(&'static str),
    /// Nothing.
    Nothing,
}

/// What a change while the program runs takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// SIGHUP.
    Live,
    /// A restart.
    Restart,
}

impl Setting {
    /// A setting of the first release, which takes a restart.
    pub(crate) const fn new(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Self {
        Self {
            env,
            older: &[],
            key,
            flag,
            kind,
            unless: Unless::Nothing,
            secret: false,
            watched: false,
            once: false,
            reload: Reload::Restart,
            since: Some("0.1.0"),
            text,
        }
    }

    /// With this value where nothing is said.
    pub(crate) const fn or(self, value: &'static str) -> Self {
        Self { unless: Unless::Is(value), ..self }
    }

    /// With what this says where nothing is said.
    pub(crate) const fn or_else(self, said: &'static str) -> Self {
        Self { unless: Unless::Said(said), ..self }
    }

    /// It is a secret.
    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// It is a secret whose file is read again when it changes.
    pub(crate) const fn watched(self) -> Self {
        Self { secret: true, watched: true, ..self }
    }

    /// It is a secret that is used once.
    pub(crate) const fn once(self) -> Self {
        Self { secret: true, once: true, ..self }
    }

    /// SIGHUP takes it over.
    pub(crate) const fn live(self) -> Self {
        Self { reload: Reload::Live, ..self }
    }

    /// It has these names in the environment, too.
    pub(crate) const fn older(self, older: &'static [&'static str]) -> Self {
        Self { older, ..self }
    }

    /// A later release has it; until then it is refused.
    pub(crate) const fn later(self) -> Self {
        Self { since: None, ..self }
    }

    /// Whether this release has it.
    pub const fn is_built(&self) -> bool {
        self.since.is_some()
    }

    /// How the file that holds the secret is named in the environment.
    pub fn env_of_file(&self) -> String {
        format!("{}_FILE", self.env)
    }

    /// How the file that holds the secret is named in the settings' file.
    pub fn key_of_file(&self) -> String {
        format!("{}File", self.key)
    }

    /// The flag with its dashes.
    pub fn dashed(&self) -> String {
        format!("--{}", self.flag)
    }
}

impl Kind {
    /// The same in one word, for `--help`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Path(name) => name,
            Self::Word(_) => "WORD",
            Self::Bool => "BOOL",
            Self::Duration => "DURATION",
            Self::Pem => "FILE",
            Self::List(one) => one,
            Self::Map => "K=V,…",
        }
    }

    /// What stands for a value in the docs.
    pub fn placeholder(self) -> String {
        match self {
            Self::Text(name) | Self::Path(name) => name.to_owned(),
            Self::Word(words) => words.join("|"),
            Self::Bool => "true|false".to_owned(),
            Self::Duration => "DURATION".to_owned(),
            Self::Pem => "FILE".to_owned(),
            Self::List(one) => format!("{one},…"),
            Self::Map => "KEY=VALUE,…".to_owned(),
        }
    }
}
