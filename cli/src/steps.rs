//! Steps of every type as people read them: as they are declared, and as they went.

mod declared;
mod seen;

pub use declared::{declared, then};
pub use seen::{began, ended, lines};

use serde_json::Value;

/// Characters of values that are shown in one line.
const MAX_VALUES: usize = 200;

/// `used=41, mount.path=/` of what was parsed, cut to what fits a line.
pub fn values(parsed: &Value) -> String {
    let mut pairs = Vec::new();
    flat("", parsed, &mut pairs);
    let line = pairs.join(", ");
    match line.char_indices().nth(MAX_VALUES) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None if line.is_empty() => "nothing".to_owned(),
        None => line,
    }
}

fn flat(name: &str, value: &Value, pairs: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let path = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flat(&path, value, pairs);
            }
        }
        Value::Null => {}
        Value::String(text) => pairs.push(format!("{name}={text}")),
        other => pairs.push(format!("{name}={other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::values;
    use serde_json::json;

    #[test]
    fn parsed_values_fit_a_line() {
        assert_eq!(values(&json!({"disk": {"web-1": {"used": "41"}}, "free": "9"})), "disk.web-1.used=41, free=9");
        assert_eq!(values(&json!({})), "nothing");
        assert_eq!(values(&json!({"a": "é".repeat(300)})).chars().count(), 202);
    }
}
