//! JavaScript's tokens, as far as conditions have them.

use super::Untranslatable;
use std::iter::Peekable;
use std::str::CharIndices;

/// The longest condition, in bytes.
const MAX_BYTES: usize = 4096;

/// Signs, longer ones first.
const SIGNS: [&str; 21] =
    ["===", "!==", "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", "."];
/// Signs of lesser use.
const MORE_SIGNS: [&str; 4] = [",", "?", ":", ";"];

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or a keyword.
    Word(String),
    /// A text, without its quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A regular expression.
    Pattern,
    /// An operator or a bracket.
    Sign(&'static str),
}

/// The tokens of a condition.
pub fn tokens(text: &str) -> Result<Vec<Token>, Untranslatable> {
    if text.len() > MAX_BYTES {
        let message = format!("the condition has {} bytes; at most {MAX_BYTES} are read", text.len());
        return Err(Untranslatable::new(message, "split it into several steps, or compute it in a command"));
    }
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(at, c)) = chars.peek() {
        let token = match c {
            c if c.is_whitespace() => {
                chars.next();
                continue;
            }
            '\'' | '"' | '`' => quoted(&mut chars)?,
            c if c.is_ascii_digit() => number(&text[at..], &mut chars)?,
            c if c.is_alphabetic() || matches!(c, '_' | '$') => word(&mut chars),
            '/' if !ends_value(tokens.last()) => pattern(&mut chars)?,
            _ => sign(&text[at..], c, &mut chars)?,
        };
        tokens.push(token);
    }
    Ok(tokens)
}

/// After a value `/` divides; elsewhere it begins a regular expression.
fn ends_value(token: Option<&Token>) -> bool {
    match token {
        Some(Token::Sign(sign)) => matches!(*sign, ")" | "]"),
        Some(Token::Word(word)) => word != "typeof",
        Some(Token::Text(_) | Token::Number(_) | Token::Pattern) => true,
        None => false,
    }
}

type Chars<'a> = Peekable<CharIndices<'a>>;

fn take_while(chars: &mut Chars<'_>, accept: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some((_, c)) = chars.next_if(|(_, c)| accept(*c)) {
        taken.push(c);
    }
    taken
}

fn word(chars: &mut Chars<'_>) -> Token {
    Token::Word(take_while(chars, |c| c.is_alphanumeric() || matches!(c, '_' | '$')))
}

fn number(rest: &str, chars: &mut Chars<'_>) -> Result<Token, Untranslatable> {
    let written = take_while(chars, |c| c.is_ascii_alphanumeric() || c == '.');
    let plain = written.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && !(written.len() > 1 && written.starts_with('0') && !written.starts_with("0."));
    match written.parse() {
        Ok(number) if plain => Ok(Token::Number(number)),
        _ => {
            let shown: String = rest.chars().take(20).collect();
            Err(Untranslatable::new(
                format!("`{shown}` is no number that can be translated"),
                "write it in decimal, such as `80` or `0.5`",
            ))
        }
    }
}

fn pattern(chars: &mut Chars<'_>) -> Result<Token, Untranslatable> {
    chars.next();
    let (mut escaped, mut class) = (false, false);
    for (_, c) in chars.by_ref() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '/' if !class => {
                take_while(chars, |c| c.is_ascii_alphabetic());
                return Ok(Token::Pattern);
            }
            _ => {}
        }
    }
    Err(Untranslatable::new("a `/` begins a regular expression that never ends", "write the condition by hand"))
}

fn sign(rest: &str, c: char, chars: &mut Chars<'_>) -> Result<Token, Untranslatable> {
    if rest.starts_with("--") || rest.starts_with("++") {
        return Err(Untranslatable::new(format!("`{c}{c}` would change a value"), "write `+ 1` or `- 1`"));
    }
    let Some(sign) = SIGNS.into_iter().chain(MORE_SIGNS).find(|sign| rest.starts_with(sign)) else {
        let help = match c {
            '=' => "`=` would assign; compare with `===`",
            '{' | '}' => "a condition has no statements and no `{{ … }}`: name the value alone, such as `params.name`",
            _ => "write the condition by hand",
        };
        return Err(Untranslatable::new(format!("`{c}` has no place in a condition"), help));
    };
    chars.nth(sign.len() - 1);
    Ok(Token::Sign(sign))
}

fn quoted(chars: &mut Chars<'_>) -> Result<Token, Untranslatable> {
    let Some((_, quote)) = chars.next() else { return Ok(Token::Text(String::new())) };
    let mut text = String::new();
    while let Some((_, c)) = chars.next() {
        match c {
            c if c == quote => return Ok(Token::Text(text)),
            '\\' => text.extend(escape(chars)?),
            '$' if quote == '`' && chars.peek().is_some_and(|(_, c)| *c == '{') => {
                return Err(Untranslatable::new(
                    "a text with `${…}` in it is put together when it runs",
                    "join the parts with `+`",
                ));
            }
            c => text.push(c),
        }
    }
    Err(Untranslatable::new(format!("a text begins with {quote} and never ends"), "close the quotes"))
}

/// What stands behind a backslash; nothing for a line that goes on.
fn escape(chars: &mut Chars<'_>) -> Result<Option<char>, Untranslatable> {
    let refused = || Untranslatable::new("a text holds an escape that cannot be translated", "write the character itself");
    let hex = |chars: &mut Chars<'_>, digits: usize| {
        let code: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
        u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits).and_then(char::from_u32).ok_or_else(refused)
    };
    Ok(Some(match chars.next().ok_or_else(refused)?.1 {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'x' => hex(chars, 2)?,
        'u' => hex(chars, 4)?,
        '\n' => return Ok(None),
        c if c.is_ascii_alphanumeric() => return Err(refused()),
        c => c,
    }))
}
