//! The tables agree with themselves.

use super::{AGENT, CLI, CONTROLLER};
use crate::setting::Setting;
use std::collections::BTreeSet;

#[test]
fn every_name_is_one_setting_s_and_is_made_of_the_key() {
    for program in [&CONTROLLER, &AGENT, &CLI] {
        let mut seen = BTreeSet::new();
        for setting in program.all() {
            let flag = (!setting.flag.is_empty()).then(|| setting.dashed());
            let env = (!setting.env.is_empty()).then(|| setting.env.to_owned());
            let older = setting.older.iter().map(|older| (*older).to_owned());
            for name in flag.into_iter().chain(env).chain(older).chain([setting.key.to_owned()]) {
                assert!(seen.insert(name.clone()), "{}: {name} is twice", program.name);
            }
            assert_eq!(flag_of(setting), setting.flag, "{}: the flag of {}", program.name, setting.key);
            assert!(setting.text.ends_with('.'), "{}: {} is no sentence", program.name, setting.key);
        }
    }
}

/// Kebab case of the key; a secret's flag names its file.
fn flag_of(setting: &Setting) -> String {
    if setting.flag.is_empty() {
        return String::new();
    }
    let kebab = setting.key.chars().flat_map(|c| if c.is_uppercase() { vec!['-', c.to_ascii_lowercase()] } else { vec![c] });
    let kebab: String = kebab.collect();
    if setting.secret { format!("{kebab}-file") } else { kebab }
}

#[test]
fn a_key_is_the_same_kind_in_every_file() {
    for setting in CONTROLLER.all() {
        let other = AGENT.all().find(|other| other.key == setting.key);
        let several = |setting: &Setting| matches!(setting.kind, crate::Kind::List(_) | crate::Kind::Map);
        assert!(other.is_none_or(|other| several(other) == several(setting)), "{}", setting.key);
    }
}
