//! Words of a command line as one text for a shell, which takes each of them as it is.

use crate::output::quoted;

/// The words, each quoted where it has to be.
pub(super) fn joined(words: &[String]) -> String {
    words.iter().map(|word| word_of(word)).collect::<Vec<_>>().join(" ")
}

/// `{{` would be a value of PULSE's; two braces of a program's own, such as those of `docker ps --format`, are parted by quotes.
fn word_of(word: &str) -> String {
    let shown = quoted(word);
    if word.contains("{{") { shown.replace('{', "{''") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::joined;
    use std::process::Command;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(joined(&words(&["uptime"])), "uptime");
        assert_eq!(joined(&words(&["df", "-h", "/var/log"])), "df -h /var/log");
    }

    #[test]
    fn a_shell_gives_each_word_back_and_no_template_is_left() {
        for given in [
            &["a b", "", "it's", "$HOME", "`id`", "a;b|c>d", "é", "*", "~", "line\nbreak", "-n", "\\", "\"x\""][..],
            &["{{.Names}}", "{{{{", "{{{a}}}", "x{y}", "'{{'"],
        ] {
            let line = joined(&words(given));
            assert!(!line.contains("{{"), "{line}");
            let script = format!("for word in {line}; do printf '%s\\000' \"$word\"; done");
            let output = Command::new("/bin/sh").args(["-ec", &script]).output().unwrap();
            let said: Vec<String> = String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect();
            assert_eq!(said, words(given), "{line}");
        }
    }
}
