//! Parameters of a start: from a file, and from the command line, which goes before it.

use crate::failure::Failure;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// A larger file is refused; the values of an execution have far less room.
const MAX_BYTES: u64 = 1024 * 1024;

/// All of them. A value of the command line is a text, and one of a file what it is there.
pub(super) fn gathered(given: &[(String, String)], file: Option<&Path>) -> Result<Map<String, Value>, Failure> {
    let mut from_line = Map::new();
    for (name, value) in given {
        if from_line.insert(name.clone(), Value::from(value.as_str())).is_some() {
            return Err(Failure::new(format!("parameter `{name}` is given twice")).with_help("give it once"));
        }
    }
    let mut params = file.map_or_else(|| Ok(Map::new()), of_file)?;
    params.extend(from_line);
    Ok(params)
}

fn of_file(path: &Path) -> Result<Map<String, Value>, Failure> {
    let (shown, text) = if path == Path::new("-") {
        ("stdin".to_owned(), read(std::io::stdin()))
    } else {
        (path.display().to_string(), std::fs::File::open(path).and_then(read))
    };
    let text = text.map_err(|error| {
        Failure::new(format!("cannot read parameters from {shown}: {error}"))
            .with_help("name a YAML or JSON file, or - for stdin")
    })?;
    parse(&text).map_err(|why| {
        Failure::new(format!("{shown} holds no parameters: {why}")).with_help("write one `name: value` a line, or a JSON object")
    })
}

fn read(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

/// JSON is YAML, too.
fn parse(text: &str) -> Result<Map<String, Value>, String> {
    match serde_saphyr::from_str::<Value>(text).map_err(|error| error.to_string())? {
        Value::Object(params) => Ok(params),
        Value::Null => Ok(Map::new()),
        _ => Err("it is no map of names to values".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{gathered, parse};
    use serde_json::{Value, json};

    #[test]
    fn a_file_holds_values_of_their_types() {
        let yaml = "count: 3\nlist: [a, b]\nsure: true\nname: \"5\"\n";
        assert_eq!(Value::Object(parse(yaml).unwrap()), json!({"count": 3, "list": ["a", "b"], "sure": true, "name": "5"}));
        assert_eq!(Value::Object(parse("{\"count\": 3}").unwrap()), json!({"count": 3}));
        assert!(parse("").unwrap().is_empty());
        assert!(parse("- a\n").unwrap_err().contains("no map"));
        assert!(parse("a: 1\na: 2\n").is_err(), "twice");
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.yaml");
        std::fs::write(&path, "a: 1\nb: 2\n").unwrap();
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        let all = gathered(&pairs(&[("b", "x"), ("c", "[1]")]), Some(&path)).unwrap();
        assert_eq!(Value::Object(all), json!({"a": 1, "b": "x", "c": "[1]"}));
        assert!(gathered(&pairs(&[("b", "x"), ("b", "y")]), None).unwrap_err().to_string().contains("`b` is given twice"));
        let missing = gathered(&[], Some(&folder.path().join("none"))).unwrap_err().to_string();
        assert!(missing.contains("cannot read parameters from") && missing.contains("none"), "{missing}");
        std::fs::write(&path, "x".repeat(1024 * 1024 + 1)).unwrap();
        assert!(gathered(&[], Some(&path)).unwrap_err().to_string().contains("larger than 1 MiB"));
    }
}
