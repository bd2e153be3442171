//! What an ID token, and what the issuer says beside it, make of a person. Pure.

use super::super::headers::is_name;
use crate::config;
use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims};
use pulse_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;
/// Groups of one person, and characters of what people call them.
const GROUPS: usize = 1000;
const SHOWN: usize = 255;

/// The claims that the standard does not name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    #[serde(flatten)]
    all: Map<String, Value>,
}
impl AdditionalClaims for Extra {}

/// A person for whom the issuer vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What the issuer calls them for ever.
    pub subject: String,
    /// Their name.
    pub name: String,
    /// What people call them.
    pub display_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// Their groups.
    pub groups: BTreeSet<String>,
}

/// Claims that make no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says it")]
pub enum WrongClaims {
    #[error("the issuer's claim `{0}` holds no name; PULSE_OIDC_USER_CLAIM says which claim does")]
    Name(String),
    #[error("the issuer's claim `{0}` is no list of groups; PULSE_OIDC_GROUPS_CLAIM says which claim is")]
    Groups(String),
    #[error("the ID token does not count yet")]
    NotYet,
    #[error("the claims cannot be read: {0}")]
    Unreadable(String),
}

/// The claims of an ID token whose signature, issuer, audience, nonce and end have been checked.
pub(super) fn of_token(claims: &IdTokenClaims<Extra, CoreGenderClaim>) -> Result<Map<String, Value>, WrongClaims> {
    as_map(claims)
}

/// Claims as a map.
pub(super) fn as_map<T: Serialize>(claims: &T) -> Result<Map<String, Value>, WrongClaims> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => Ok(map.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        Ok(_) => Err(WrongClaims::Unreadable("they are no object".to_owned())),
        Err(error) => Err(WrongClaims::Unreadable(error.to_string())),
    }
}

/// `nbf` and `iat` lie not in the future.
pub(super) fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), WrongClaims> {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
    let latest = (now.0 / 1_000_000 + LEEWAY) as f64;
    let is_future = ["nbf", "iat"].into_iter().filter_map(seconds).any(|at| at > latest);
    if is_future { Err(WrongClaims::NotYet) } else { Ok(()) }
}

impl Person {
    /// The person that the claims name. Groups are a list of texts, or one text; without any claim nobody has a group.
    pub(crate) fn of(subject: &str, claims: &Map<String, Value>, settings: &config::Oidc) -> Result<Self, WrongClaims> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let name = text(&settings.user_claim).filter(|name| is_name(name));
        let name = name.ok_or_else(|| WrongClaims::Name(settings.user_claim.clone()))?.to_owned();
        let groups =
            groups(claims.get(&settings.groups_claim)).ok_or_else(|| WrongClaims::Groups(settings.groups_claim.clone()))?;
        let shown = |name: &str| text(name).map(|text| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect());
        Ok(Self { subject: subject.to_owned(), name, display_name: shown("name"), email: shown("email"), groups })
    }
}

fn groups(claim: Option<&Value>) -> Option<BTreeSet<String>> {
    let texts: Vec<&str> = match claim {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let groups: BTreeSet<String> = texts.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
    (groups.len() <= GROUPS && groups.iter().all(|group| is_name(group))).then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::{Person, WrongClaims, check_times};
    use crate::config::Oidc;
    use pulse_core::Timestamp;
    use serde_json::{Map, Value, json};

    fn settings() -> Oidc {
        Oidc {
            issuer: "https://auth.example".into(),
            client_id: "pulse".into(),
            client_secret: None,
            scopes: Vec::new(),
            groups_claim: "groups".into(),
            user_claim: "preferred_username".into(),
            name: "x".into(),
            ca: None,
        }
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_person_is_made_of_claims() {
        let of = |value: Value| Person::of("s1", &map(value), &settings());
        let anna = of(json!({"preferred_username": "anna", "name": "Anna", "groups": ["dba", "employee"]})).unwrap();
        assert_eq!((anna.name.as_str(), anna.subject.as_str(), anna.groups.len()), ("anna", "s1", 2));
        assert!(of(json!({"preferred_username": "anna"})).unwrap().groups.is_empty());
        assert_eq!(of(json!({"preferred_username": "anna", "groups": "admin"})).unwrap().groups.len(), 1);
        for wrong in [json!({"admin": true}), json!([1]), json!(["a,b"]), json!([["admin"]]), json!(7)] {
            let refused = of(json!({"preferred_username": "anna", "groups": wrong}));
            assert_eq!(refused, Err(WrongClaims::Groups("groups".into())));
        }
        for wrong in [json!(""), json!(7), json!(null), json!("a,b"), json!("a\u{0}b"), json!("x".repeat(200))] {
            assert_eq!(of(json!({"preferred_username": wrong})), Err(WrongClaims::Name("preferred_username".into())));
        }
    }

    #[test]
    fn what_does_not_count_yet_counts_not() {
        let now = Timestamp(1_000 * 1_000_000);
        assert!(check_times(&map(json!({"nbf": 1_050, "iat": 1_000})), now).is_ok());
        assert_eq!(check_times(&map(json!({"nbf": 1_100})), now), Err(WrongClaims::NotYet));
        assert_eq!(check_times(&map(json!({"iat": 2_000})), now), Err(WrongClaims::NotYet));
    }
}
