//! Every value as it counts, with where it comes from. No secret is shown.

use crate::layers::Layers;
use crate::place::Place;
use crate::setting::{Kind, Reload, Setting, Unless};
use serde_json::{Value, json};

/// What stands for a secret.
const REDACTED: &str = "[redacted]";
/// Characters of a value that a table shows.
const WIDEST: usize = 60;

/// A setting as it counts.
#[derive(Debug, Clone)]
pub struct Effective {
    /// Which.
    pub setting: &'static Setting,
    /// The value, as far as it may be seen; `None`: nothing counts.
    pub value: Option<String>,
    /// What counts, in words, where nothing is said and the default is no value.
    pub otherwise: Option<&'static str>,
    /// Where it comes from.
    pub place: Place,
    /// The file that holds the secret.
    pub held_in: Option<String>,
}

impl Layers {
    /// Every setting as it counts.
    pub fn effective(&self) -> Vec<Effective> {
        self.program().built().map(|setting| self.one(setting)).collect()
    }

    fn one(&self, setting: &'static Setting) -> Effective {
        let otherwise = if let Unless::Said(said) = setting.unless { Some(said) } else { None };
        match self.of_key(setting.key) {
            None => Effective { setting, value: None, otherwise, place: Place::Default, held_in: None },
            Some(given) => Effective {
                setting,
                value: Some(shown(setting, &given.text)),
                otherwise: None,
                place: given.place.clone(),
                held_in: given.held_in.as_ref().map(|path| path.display().to_string()),
            },
        }
    }
}

/// A value that may be seen by whoever may see the settings.
fn shown(setting: &Setting, text: &str) -> String {
    match setting.kind {
        _ if setting.secret => REDACTED.to_owned(),
        Kind::Pem if text.contains('\n') || text.starts_with("-----") => format!("its text, {} bytes", text.len()),
        // A URL may hold a password, though it should not.
        _ => without_password(text),
    }
}

fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{scheme}://{user}:{REDACTED}@{host}{}", &rest[authority.len()..]),
        None => text.to_owned(),
    }
}

impl Effective {
    /// Where it comes from, for people.
    pub fn origin(&self) -> String {
        let place = match self.place.within() {
            Some(within) => format!("{} {within}", self.place.origin()),
            None => self.place.origin().to_owned(),
        };
        match &self.held_in {
            Some(path) => format!("{place} (in {path})"),
            None => place,
        }
    }

    /// Whether SIGHUP takes a change over.
    pub const fn is_live(&self) -> bool {
        matches!(self.setting.reload, Reload::Live)
    }
}

/// A table for people.
pub fn table(all: &[Effective]) -> String {
    let row = |one: &Effective| {
        let value = one.value.clone().or_else(|| one.otherwise.map(|said| format!("({said})")));
        let value = value.map_or_else(|| "-".to_owned(), |value| cut(&value));
        [one.setting.key.to_owned(), value, one.origin()]
    };
    let head = ["SETTING", "VALUE", "ORIGIN"].map(str::to_owned);
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(all.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (first, second) = (width(0), width(1));
    rows.iter().map(|[key, value, origin]| format!("{key:first$}  {value:second$}  {origin}\n")).collect()
}

/// One line, not too long.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= WIDEST { line } else { line.chars().take(WIDEST - 1).chain(['…']).collect() }
}

/// The same for programs.
pub fn json(all: &[Effective], warnings: &[String]) -> Value {
    let one = |one: &Effective| {
        json!({
            "name": one.setting.key,
            "environment": Some(one.setting.env).filter(|env| !env.is_empty()),
            "value": one.value,
            "otherwise": one.otherwise,
            "origin": one.place.origin(),
            "place": one.place.within(),
            "heldIn": one.held_in,
            "secret": one.setting.secret,
            "live": one.is_live(),
        })
    };
    json!({ "settings": all.iter().map(one).collect::<Vec<_>>(), "warnings": warnings })
}
