//! The commands that stand in a block of shell text, word by word; as much of a shell as the pages use. No test lives here.

/// What begins a line and is no program.
const BEFORE: [&str; 9] = ["until", "while", "if", "then", "do", "else", "sudo", "env", "exec"];

/// Every simple command with its words: without quotes, comments, redirections and variables that are set before it.
pub fn commands(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::default();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (reader.quote, c) {
            (Some(quote), c) if c == quote => reader.quote = None,
            (Some('"'), '$') if characters.peek() == Some(&'(') => reader.nest(&mut characters),
            (Some(_), c) => reader.push(c),
            (None, '\\') => match characters.next() {
                Some('\n') => reader.end_word(),
                next => next.into_iter().for_each(|c| reader.push(c)),
            },
            (None, '\'' | '"') => reader.open(c),
            (None, '#') if reader.word.is_none() => while characters.next_if(|c| *c != '\n').is_some() {},
            (None, '$') if characters.peek() == Some(&'(') => reader.nest(&mut characters),
            (None, '\n' | ';' | '|' | '&' | '(' | ')' | '{' | '}') => reader.end_command(),
            (None, c) if c.is_whitespace() => reader.end_word(),
            (None, c) => reader.push(c),
        }
    }
    reader.end_command();
    reader.commands
}

#[derive(Default)]
struct Reader {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    quote: Option<char>,
}

impl Reader {
    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn open(&mut self, quote: char) {
        self.quote = Some(quote);
        self.word.get_or_insert_default();
    }

    /// A command within another one is one of its own; what it says is part of a word.
    fn nest(&mut self, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        let (mut depth, mut inner) = (0, String::new());
        for c in characters.by_ref() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 {
                break;
            }
            inner.push(c);
        }
        self.commands.extend(commands(inner.trim_start_matches('(')));
        self.push('$');
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        let mut words = std::mem::take(&mut self.words);
        let is_set =
            |word: &str| word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        while words.first().is_some_and(|word| BEFORE.contains(&word.as_str()) || is_set(word)) {
            words.remove(0);
        }
        if let Some(place) = words.iter().position(|word| word.trim_start_matches('2').starts_with(['>', '<'])) {
            words.truncate(place);
        }
        if !words.is_empty() {
            self.commands.push(words);
        }
    }
}
