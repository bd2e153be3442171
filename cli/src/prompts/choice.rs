//! Which option a person means. A guess is never made: what fits two options is refused.

use crate::failure::Failure;
use crate::output::quoted;

/// The option that was said: by its exact text, by the number that is shown before it, or by its text in small or capital letters
/// where only one is so.
pub fn choose<'a>(options: &'a [String], said: &str) -> Result<&'a str, Failure> {
    let said = said.trim();
    if let Some(exact) = options.iter().find(|option| option.trim() == said) {
        return Ok(exact);
    }
    let numbered = said.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?));
    if let Some(numbered) = numbered {
        return Ok(numbered);
    }
    let small = said.to_lowercase();
    let alike: Vec<&String> = options.iter().filter(|option| option.trim().to_lowercase() == small).collect();
    match alike.as_slice() {
        [one] => Ok(one),
        [] => {
            let each: Vec<String> = numbers(options).map(|(number, option)| format!("{number} {option:?}")).collect();
            let help = format!("the options are {}; say the number or the text", each.join(", "));
            Err(Failure::new(format!("{said:?} is none of the options")).with_help(help))
        }
        several => {
            let each: Vec<String> = several.iter().map(|option| format!("{option:?}")).collect();
            let help = "write it as it stands there, or say its number";
            Err(Failure::new(format!("{said:?} can be {}", each.join(" or "))).with_help(help))
        }
    }
}

/// The numbers that can be said, as a cue shows them.
pub fn range(count: usize) -> String {
    if count == 1 { "1".to_owned() } else { format!("1 to {count}") }
}

/// Options with the numbers that are shown before them.
pub(super) fn numbers(options: &[String]) -> impl Iterator<Item = (usize, &String)> {
    options.iter().enumerate().map(|(place, option)| (place + 1, option))
}

/// What can be written in a shell to choose: the options themselves while they are few and short, else their numbers.
pub fn choices(options: &[String]) -> String {
    const FEW: usize = 60;
    let each: Vec<String> = options.iter().map(|option| quoted(option)).collect();
    let line = each.join("|");
    let plain = !options.iter().any(|option| option.chars().any(char::is_control));
    if plain && line.chars().count() <= FEW { line } else { format!("NUMBER   ({})", range(options.len())) }
}

#[cfg(test)]
mod tests {
    use super::{choices, choose};

    fn options(options: &[&str]) -> Vec<String> {
        options.iter().map(|option| (*option).to_owned()).collect()
    }

    #[test]
    fn an_option_is_said_by_text_number_or_letters_of_another_case() {
        let yes_no = options(&["Yes", "No", "Check again"]);
        let said = |said| choose(&yes_no, said).map_err(|failure| failure.to_string());
        assert_eq!(
            ["Yes", " yes ", "1", "2", "CHECK AGAIN", "3"].map(said).map(Result::unwrap),
            ["Yes", "Yes", "Yes", "No", "Check again", "Check again"]
        );
        for wrong in ["Ye", "0", "4", "", "-1"] {
            assert!(said(wrong).unwrap_err().contains("1 \"Yes\", 2 \"No\", 3 \"Check again\""), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let alike = options(&["yes", "YES", "2", "1"]);
        let said = |said| choose(&alike, said).map_err(|failure| failure.to_string());
        assert_eq!(said("YES").unwrap(), "YES");
        assert_eq!(said("1").unwrap(), "1", "a text comes before a number");
        assert_eq!(said("4").unwrap(), "1");
        assert!(said("Yes").unwrap_err().contains("\"Yes\" can be \"yes\" or \"YES\""));
    }

    #[test]
    fn choices_can_be_pasted() {
        assert_eq!(choices(&options(&["Yes", "Check again"])), "Yes|'Check again'");
        assert_eq!(choices(&options(&["x".repeat(50).as_str(), "y".repeat(50).as_str()])), "NUMBER   (1 to 2)");
        assert_eq!(choices(&options(&["a\nb"])), "NUMBER   (1)");
    }
}
