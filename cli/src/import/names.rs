//! Names of manifests, steps and parameters, made of the names that people gave them.

/// A name that fits a rule, and differs from those that are taken: `Nightly Backup!` is `nightly-backup`.
fn fitting(old: &str, between: char, most: usize, otherwise: &str, taken: impl Fn(&str) -> bool) -> String {
    let keeps = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || (between == '-' && otherwise == STEP && c == '_');
    let mut name = String::new();
    for c in old.chars().map(|c| c.to_ascii_lowercase()) {
        if keeps(c) {
            name.push(c);
        } else if !name.ends_with(between) && !name.is_empty() {
            name.push(between);
        }
    }
    name.truncate(most);
    let name = name.trim_end_matches(between);
    let name = if name.is_empty() { otherwise } else { name };
    let numbered = (2..).map(|number| {
        let ending = format!("{between}{number}");
        let kept: String = name.chars().take(most - ending.len()).collect();
        format!("{}{ending}", kept.trim_end_matches(between))
    });
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

const STEP: &str = "step";

/// A manifest's name (RFC 1123).
pub fn manifest(old: &str, taken: impl Fn(&str) -> bool) -> String {
    fitting(old, '-', 63, "workflow", taken)
}

/// A step's id: it begins with a letter and is not `end`.
pub fn step(old: &str, number: usize, taken: impl Fn(&str) -> bool) -> String {
    let begins = old.chars().find(|c| c.is_ascii_alphanumeric()).is_some_and(|c| c.is_ascii_alphabetic());
    let old = match old {
        "" => format!("step-{number}"),
        _ if !begins => format!("step-{old}"),
        _ => old.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned(),
    };
    fitting(&old, '-', 63, STEP, |name| name == "end" || taken(name))
}

/// A parameter's name: it begins with a letter.
pub fn param(old: &str, taken: impl Fn(&str) -> bool) -> String {
    let begins = old.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let old = if begins { old.to_owned() } else { format!("p_{old}") };
    fitting(&old, '_', 40, "param", taken)
}

/// An agent's or a group's name.
pub fn target(old: &str) -> String {
    old.split('.').map(|part| fitting(part, '-', 63, "agent", |_| false)).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::{manifest, param, step, target};

    #[test]
    fn names_fit_their_rules_and_differ() {
        assert_eq!(manifest("Nightly Backup (DB)!", |_| false), "nightly-backup-db");
        assert_eq!(manifest("Ünïcode  ", |_| false), "n-code");
        assert_eq!(manifest("漢字", |_| false), "workflow");
        assert_eq!(manifest("a", |name| matches!(name, "a" | "a-2")), "a-3");
        assert_eq!(manifest(&"x".repeat(80), |name| name.len() == 63 && !name.ends_with("-2")).len(), 63);
        assert_eq!(
            (step("Check disk", 1, |_| false), step("check_disk", 1, |_| false)),
            ("check-disk".into(), "check_disk".into())
        );
        assert_eq!(
            [step("", 3, |_| false), step("1st try", 1, |_| false), step("End", 1, |_| false)],
            ["step-3", "step-1st-try", "end-2"]
        );
        assert_eq!([step("_x", 1, |_| false), step("!?", 1, |_| false)], ["x", "step"]);
        assert_eq!(
            [param("ServerName", |_| false), param("a-b", |_| false), param("_x", |_| false)],
            ["servername", "a_b", "p_x"]
        );
        assert_eq!([target("Web 01"), target("db.example.org")], ["web-01", "db.example.org"]);
    }
}
