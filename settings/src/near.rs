//! The name that somebody may have meant.

/// The nearest of these names, if one is near: a slip or two, or another case.
pub(crate) fn nearest(written: &str, names: &[String]) -> Option<String> {
    let folded = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let given = folded(written);
    let most = (given.chars().count() / 4).clamp(1, 3);
    let near = names.iter().map(|name| (strsim::damerau_levenshtein(&given, &folded(name)), name));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let names = ["PULSE_LISTEN", "PULSE_LOG", "sourceUrl"].map(str::to_owned);
        for (written, meant) in
            [("PULSE_LISTN", "PULSE_LISTEN"), ("source_url", "sourceUrl"), ("PULSE_LGO", "PULSE_LOG"), ("SourceURL", "sourceUrl")]
        {
            assert_eq!(nearest(written, &names).as_deref(), Some(meant));
        }
        assert_eq!(nearest("PULSE_SOMETHING_ELSE", &names), None);
    }
}
