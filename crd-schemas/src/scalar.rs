//! From a byte of a scalar's value to the byte of the source that wrote it, through quotes, escapes, folding and indentation.
//!
//! Value and source have the same characters in the same order, apart from white space, which folding and indentation change.
//! So both are walked side by side: a run of white space answers to a run of white space, any other character to itself.

use crate::tree::Span;

/// The bytes of `text` that wrote `value[offset..offset + length]`; `None` where value and source do not answer to each other.
pub fn locate(text: &str, scalar: Span, value: &str, offset: usize, length: usize) -> Option<Span> {
    let written = written(text, scalar)?;
    let start = place(&written, value, offset)?;
    let last = value.get(offset..)?.char_indices().take_while(|(at, _)| *at < length).last();
    let end = match last {
        Some((at, _)) => place(&written, value, offset + at).map(|byte| byte + char_len(text, byte))?,
        None => start,
    };
    Some(Span { start, end: end.max(start) })
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes, on one or more lines.
    Plain,
    /// `'…'`.
    SingleQuoted,
    /// `"…"`, with escapes.
    DoubleQuoted,
    /// `|` or `>`.
    Block,
}

/// How the scalar at these bytes is written.
pub fn style(text: &str, scalar: Span) -> Style {
    if follows_block_header(text, scalar.start) {
        return Style::Block;
    }
    match text.as_bytes().get(scalar.start) {
        Some(b'"') => Style::DoubleQuoted,
        Some(b'\'') => Style::SingleQuoted,
        _ => Style::Plain,
    }
}

/// Is there nothing but white space between this byte and a line that ends in `|` or `>` with indicators?
fn follows_block_header(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let above = before.trim_end();
    if !before[above.len()..].contains('\n') {
        return false;
    }
    let line = above.rsplit('\n').next().unwrap_or_default();
    let line = line.find(" #").map_or(line, |comment| &line[..comment]).trim_end();
    let header = line.trim_end_matches(|c: char| c == '-' || c == '+' || c.is_ascii_digit());
    let Some(owner) = header.strip_suffix(['|', '>']) else { return false };
    let last = owner.split_whitespace().last().unwrap_or_default();
    owner.ends_with([' ', '\t']) && (last.ends_with(':') || last == "-" || last.starts_with(['&', '!']))
}

/// The characters that a scalar's source stands for, each with its byte.
fn written(text: &str, scalar: Span) -> Option<Vec<(char, usize)>> {
    let inside = text.get(scalar.start..scalar.end)?;
    let chars =
        |from: usize, to: usize| inside.get(from..to).map(move |part| part.char_indices().map(move |(at, c)| (c, from + at)));
    let found: Vec<(char, usize)> = match style(text, scalar) {
        Style::Plain | Style::Block => chars(0, inside.len())?.collect(),
        Style::SingleQuoted => {
            let mut quoted: Vec<_> = chars(1, inside.len().checked_sub(1)?)?.collect();
            let mut after_quote = false;
            quoted.retain(|(c, _)| {
                after_quote = *c == '\'' && !after_quote;
                *c != '\'' || after_quote
            });
            quoted
        }
        Style::DoubleQuoted => unescaped(inside.get(1..inside.len().checked_sub(1)?)?),
    };
    Some(found.into_iter().map(|(c, at)| (c, scalar.start + at)).collect())
}

/// The characters of a double-quoted scalar's inside; bytes count from the opening quote.
fn unescaped(inside: &str) -> Vec<(char, usize)> {
    let mut found = Vec::new();
    let mut rest = inside.char_indices();
    while let Some((at, c)) = rest.next() {
        if c != '\\' {
            found.push((c, at + 1));
            continue;
        }
        let Some((_, escape)) = rest.next() else { break };
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '\n' | '\r' => continue,
            _ => 0,
        };
        let number: String = rest.by_ref().take(digits).map(|(_, c)| c).collect();
        let meant = match escape {
            'n' | 'r' | 't' | '\t' | 'v' | 'f' | 'N' | '_' | 'L' | 'P' | ' ' => ' ',
            'x' | 'u' | 'U' => u32::from_str_radix(&number, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'),
            other => other,
        };
        found.push((meant, at + 1));
    }
    found
}

/// The byte of the source that wrote the value's byte `offset`.
fn place(written: &[(char, usize)], value: &str, offset: usize) -> Option<usize> {
    let value: Vec<(char, usize)> = value.char_indices().map(|(at, c)| (c, at)).chain([('\0', value.len())]).collect();
    let (mut here, mut there) = (0, 0);
    loop {
        let value_run = run(&value, here);
        let written_run = run(written, there);
        if offset < value[value_run].1 {
            // Inside white space: counted from its end, because indentation is added at the start.
            let asked = value.partition_point(|(_, at)| *at <= offset) - 1;
            let at = written_run.saturating_sub(value_run - asked).max(there);
            return written.get(at).or(written.last()).map(|(_, byte)| *byte);
        }
        if value_run + 1 == value.len() {
            return written
                .get(written_run)
                .map(|(_, byte)| *byte)
                .or_else(|| written.last().map(|(c, byte)| byte + c.len_utf8()));
        }
        let (c, byte) = written.get(written_run)?;
        if *c != value[value_run].0 {
            return None;
        }
        if value.get(value_run + 1).is_some_and(|(_, next)| offset < *next) {
            return Some(*byte);
        }
        (here, there) = (value_run + 1, written_run + 1);
    }
}

/// The first index from `at` on that is no white space.
fn run(chars: &[(char, usize)], at: usize) -> usize {
    at + chars[at.min(chars.len())..].iter().take_while(|(c, _)| c.is_whitespace() || *c == '\u{85}').count()
}

fn char_len(text: &str, byte: usize) -> usize {
    text.get(byte..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}
