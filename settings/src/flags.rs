//! The command line's flags, made of the table.

use crate::layers::Said;
use crate::place::Place;
use crate::program::Program;
use crate::setting::{Kind, Setting, Unless};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The name of the flag that names the file.
const CONFIG: &str = "config";

/// Which of a program's settings a command has as flags.
pub trait Part: Clone + Default {
    /// Whose they are.
    const PROGRAM: &'static Program;
    /// Their names in the environment; `None`: all of them.
    const NAMES: Option<&'static [&'static str]> = None;
    /// Whether it has `--config`.
    const CONFIG: bool = true;
}

/// A flag that was given.
#[derive(Clone)]
pub struct Flag {
    setting: &'static Setting,
    text: String,
}

impl Flag {
    pub(crate) fn said(&self) -> Said {
        let place = Place::Flag(self.setting.dashed());
        Said { setting: self.setting, is_file: self.setting.secret, text: self.text.clone(), place }
    }
}

/// The flags of a command, to be flattened into clap's types.
#[derive(Clone, Default)]
pub struct Flags<P: Part> {
    config: Option<PathBuf>,
    given: Vec<Flag>,
    part: PhantomData<P>,
}

impl<P: Part> Flags<P> {
    /// Those that were given.
    pub fn given(&self) -> &[Flag] {
        &self.given
    }

    /// The file, where `--config` names one.
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    fn settings() -> impl Iterator<Item = &'static Setting> {
        let chosen = |setting: &&Setting| P::NAMES.is_none_or(|names| names.contains(&setting.env));
        P::PROGRAM.built().filter(|setting| !setting.flag.is_empty()).filter(chosen)
    }
}

impl<P: Part> std::fmt::Debug for Flags<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.given.iter().map(|flag| flag.setting.flag)).finish()
    }
}

impl<P: Part> clap::Args for Flags<P> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG).long(CONFIG).value_name("FILE").value_parser(clap::value_parser!(PathBuf));
        let command = match (P::CONFIG, P::PROGRAM.file) {
            (true, Some(usual)) => {
                let env = P::PROGRAM.file_names.first().copied().unwrap_or_default();
                command.arg(config.help(format!("A YAML file with settings [env: {env}] [default: {usual} where it exists]")))
            }
            _ => command,
        };
        command.args(Self::settings().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Part> clap::FromArgMatches for Flags<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let config = matches.try_get_one::<PathBuf>(CONFIG).ok().flatten().cloned();
        let given = Self::settings().filter_map(|setting| {
            let text = matches.try_get_one::<String>(setting.flag).ok().flatten()?.clone();
            Some(Flag { setting, text })
        });
        Ok(Self { config, given: given.collect(), part: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn arg(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.flag).long(setting.flag).action(ArgAction::Set).help(help(setting));
    match setting.kind {
        _ if setting.secret => arg.value_name("FILE"),
        Kind::Bool => arg.value_name(setting.kind.word()).num_args(0..=1).default_missing_value("true"),
        kind => arg.value_name(kind.word()),
    }
}

fn help(setting: &Setting) -> String {
    let names = match setting.secret {
        true => format!(" [a file that holds it; env: {}; itself: {}]", setting.env_of_file(), setting.env),
        false if setting.env.is_empty() => String::new(),
        false => format!(" [env: {}]", setting.env),
    };
    let unless = match setting.unless {
        Unless::Is(text) | Unless::Said(text) => format!(" [default: {text}]"),
        Unless::Nothing => String::new(),
    };
    let words = match setting.kind {
        Kind::Word(words) => format!(" [one of: {}]", words.join(", ")),
        _ => String::new(),
    };
    format!("{}{words}{names}{unless}", setting.text.trim_end_matches('.'))
}
