//! Parts of paths and queries.

/// A part of a path or query, percent-encoded.
pub fn encode(part: &str) -> String {
    let mut encoded = String::new();
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// A query of the parts that were given.
pub fn query(parts: &[(&str, Option<&str>)]) -> String {
    let given: Vec<String> = parts.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode((*value)?)))).collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::{encode, query};

    #[test]
    fn names_and_numbers_of_executions_fit_into_a_path() {
        assert_eq!(encode("system-update#812"), "system-update%23812");
        assert_eq!(encode("a/../b?x=1&é"), "a%2F..%2Fb%3Fx%3D1%26%C3%A9");
        assert_eq!(query(&[("step", Some("a b")), ("agent", None), ("from", Some("7"))]), "?step=a%20b&from=7");
        assert_eq!(query(&[("step", None)]), "");
    }
}
