//! "Did you mean …?"

/// The nearest name, if one is near.
pub fn suggest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, names).map(|name| format!("did you mean `{name}`?"))
}

/// The nearest name: another case, or at most a third of its letters wrong.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > 64 {
        return None;
    }
    let folded = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let written = folded(written);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, &folded(name)), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1) && *distance < written.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let names = ["execute", "prompt", "maxParallel"];
        for (written, meant) in
            [("exectue", Some("execute")), ("Execute", Some("execute")), ("max_parallel", Some("maxParallel"))]
        {
            assert_eq!(nearest(written, names), meant, "{written}");
        }
        for written in ["", "x", "banana", &"execute".repeat(20)] {
            assert_eq!(nearest(written, names), None, "{written}");
        }
    }
}
