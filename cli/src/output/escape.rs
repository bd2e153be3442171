//! Text of others made harmless for a terminal: control characters become visible, so that no output can move the cursor,
//! change a title, hide a line or turn the direction of text.

/// The text with every control character, except the tab, written as an escape.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push('\t'),
            '\r' => shown.push_str("\\r"),
            '\n' => shown.push_str("\\n"),
            '\u{1b}' => shown.push_str("\\e"),
            other if other.is_control() && other.is_ascii() => shown.push_str(&format!("\\x{:02x}", u32::from(other))),
            other if other.is_control() || turns_text(other) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
            other => shown.push(other),
        }
    }
    shown
}

/// Characters that change the direction in which a terminal shows text, or that no one sees and that break lines.
fn turns_text(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_sequences_become_text() {
        assert_eq!(visible("a\u{1b}[31mred\u{7}"), "a\\e[31mred\\x07");
        assert_eq!(visible("50%\r100%"), "50%\\r100%");
        assert_eq!(visible("\u{9b}2J \u{202e}abc"), "\\u{9b}2J \\u{202e}abc");
        assert_eq!(visible("one\ntwo\tthree é 漢"), "one\\ntwo\tthree é 漢");
    }
}
