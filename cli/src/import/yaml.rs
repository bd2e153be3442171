//! A small printer of YAML, for manifests that people read and change: comments, block scalars for commands, short lists and maps
//! on one line.

/// The widest line that comments and short maps take.
const WIDTH: usize = 120;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// A text, quoted where it has to be.
    Text(String),
    /// What is written as it stands: numbers, `true`, durations.
    Word(String),
    /// A list of short values on one line.
    List(Vec<Yaml>),
    /// A short map on one line.
    Short(Vec<(String, Yaml)>),
    /// A map on lines of its own.
    Map(Vec<(String, Yaml)>),
    /// A list on lines of its own, each item below its comments.
    Items(Vec<(Vec<String>, Yaml)>),
}

impl Yaml {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
    /// A number, a duration, `true`.
    pub fn word(word: impl ToString) -> Self {
        Self::Word(word.to_string())
    }
}

/// A document: its first lines as comments, and its map.
pub fn document(first: &str, comments: &[String], entries: &[(String, Yaml)]) -> String {
    let mut out = format!("{first}\n");
    comment(&mut out, comments, "");
    map(&mut out, entries, 0);
    out
}

fn comment(out: &mut String, comments: &[String], indent: &str) {
    for text in comments {
        let (mut line, mut begins) = (format!("{indent}# import:"), true);
        for word in text.split_whitespace() {
            if !begins && line.chars().count() + 1 + word.chars().count() > WIDTH {
                out.push_str(&line);
                line = format!("\n{indent}#  ");
            }
            begins = false;
            line.push(' ');
            line.push_str(&crate::output::escape::visible(word));
        }
        out.push_str(&line);
        out.push('\n');
    }
}

fn map(out: &mut String, entries: &[(String, Yaml)], indent: usize) {
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 || !out.ends_with("- ") {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&scalar(key, true));
        out.push(':');
        entry(out, value, indent);
    }
}

fn entry(out: &mut String, value: &Yaml, indent: usize) {
    match value {
        Yaml::Map(entries) => {
            out.push('\n');
            map(out, entries, indent + 2);
        }
        Yaml::Items(items) => {
            out.push('\n');
            let before = " ".repeat(indent + 2);
            for (comments, item) in items {
                comment(out, comments, &before);
                out.push_str(&before);
                out.push_str("- ");
                match item {
                    Yaml::Map(entries) => map(out, entries, indent + 4),
                    other => {
                        out.push_str(&inline(other));
                        out.push('\n');
                    }
                }
            }
        }
        Yaml::Text(text) if is_block(text) => block(out, text, indent + 2),
        Yaml::Text(text) => {
            out.push(' ');
            out.push_str(&scalar(text, false));
            out.push('\n');
        }
        other => {
            out.push(' ');
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
}

fn inline(value: &Yaml) -> String {
    let pairs = |entries: &[(String, Yaml)]| {
        entries.iter().map(|(key, value)| format!("{}: {}", scalar(key, true), inline(value))).collect::<Vec<_>>().join(", ")
    };
    match value {
        Yaml::Text(text) => scalar(text, true),
        Yaml::Word(word) => word.clone(),
        Yaml::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Yaml::Items(items) => format!("[{}]", items.iter().map(|(_, item)| inline(item)).collect::<Vec<_>>().join(", ")),
        Yaml::Short(entries) | Yaml::Map(entries) => format!("{{{}}}", pairs(entries)),
    }
}

/// Several lines that a block scalar can hold as they are.
fn is_block(text: &str) -> bool {
    let printable = text.chars().all(|c| matches!(c, '\n' | '\t') || (!c.is_control() && !is_special(c)));
    let lines_end = text.lines().all(|line| line.is_empty() || !line.trim().is_empty());
    text.trim_end_matches('\n').contains('\n') && printable && lines_end && !text.starts_with([' ', '\t', '\n'])
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    out.push_str(match ends {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent));
            out.push_str(line);
        }
        out.push('\n');
    }
    out.push_str(&"\n".repeat(ends.saturating_sub(1)));
}

/// Line and paragraph separators, marks of byte order, and what turns text.
fn is_special(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text on one line: plain where it means itself, else in the quotes that need no escapes, else with escapes.
fn scalar(text: &str, flow: bool) -> String {
    if is_plain(text, flow) {
        text.to_owned()
    } else if text.contains(['"', '\\']) && !text.chars().any(|c| c.is_control() || is_special(c)) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        let mut quoted = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                '\r' => quoted.push_str("\\r"),
                c if c.is_control() || is_special(c) => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => quoted.push(c),
            }
        }
        quoted.push('"');
        quoted
    }
}

fn is_plain(text: &str, flow: bool) -> bool {
    let first = text.chars().next();
    let begins = first.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '_' | '$' | '(') && !flow);
    let fits = |c: char| match flow {
        true => c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'),
        false => !c.is_control() && !is_special(c),
    };
    let reads_otherwise =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    begins
        && text.chars().all(fits)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !reads_otherwise
}

#[cfg(test)]
mod tests {
    use super::{Yaml, document};
    use serde_json::Value;

    fn reads_back(text: &str) -> String {
        let yaml = document(
            "# first",
            &[],
            &[("a".into(), Yaml::Map(vec![("b".into(), Yaml::text(text))])), ("c".into(), Yaml::List(vec![Yaml::text(text)]))],
        );
        let value: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{text:?}: {error}\n{yaml}"));
        assert_eq!((value["a"]["b"].as_str(), value["c"][0].as_str()), (Some(text), Some(text)), "{yaml}");
        yaml
    }

    #[test]
    fn every_text_reads_back_as_it_was() {
        for text in [
            "",
            " ",
            "a",
            "a b",
            "yes",
            "No",
            "true",
            "null",
            "~",
            "1",
            "1e3",
            "0x1",
            "- a",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "'",
            "\"",
            "\\",
            "it's \"so\"",
            "!a",
            "&a",
            "*a",
            "{a}",
            "[a]",
            "{{ params.x }}",
            "echo {{ params.x }} | wc -l",
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            "\na",
            " a\nb",
            "a\n  b\n",
            "a\n\n\nb",
            "a\n   \nb",
            "a \nb",
            "a\r\nb",
            "a\tb",
            "\ta\nb",
            "a\n\tb",
            "\u{1b}[2J",
            "é 漢",
            "a\u{2028}b",
            "a\u{85}b",
            "---",
            "...",
            "%a",
            "@a",
            "`a`",
            "a, b",
            "=",
            "<<",
            "2001-01-01",
            "12:30",
            "?",
            "| a",
            "> a",
            "a\n#b\n",
            "\u{202e}abc",
            "a\nb \n",
        ] {
            reads_back(text);
        }
    }

    #[test]
    fn commands_stay_readable() {
        assert!(reads_back("df -P / | awk '{print $5}'").contains("b: df -P / | awk '{print $5}'\n"));
        assert!(reads_back("set +e\necho \"a\"; b\n").contains("b: |\n    set +e\n    echo \"a\"; b\n"));
        assert!(reads_back("steps.a.answer == \"Yes\"").contains("b: steps.a.answer == \"Yes\"\n"));
    }

    #[test]
    fn comments_are_wrapped_and_cannot_leave_their_line() {
        let long = format!("{}\n\u{1b}[2J end", "word ".repeat(60));
        let yaml = document(
            "# first",
            &[long],
            &[("a".into(), Yaml::Items(vec![(vec!["x\ny: z".into()], Yaml::Map(vec![("b".into(), Yaml::word(1))]))]))],
        );
        assert!(yaml.lines().all(|line| line.chars().count() <= super::WIDTH), "{yaml}");
        assert!(yaml.contains("  # import: x y: z\n  - b: 1\n") && !yaml.contains('\u{1b}'), "{yaml}");
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), serde_json::json!({"a": [{"b": 1}]}));
    }
}
