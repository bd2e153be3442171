//! One simple command: which of its words is its name, and what that does with its arguments. A shell's builtins may parse or
//! evaluate them again; programs do not concern the shell.

use super::refusal::Refusal;
use super::scan::{Lost, Place, Scan, Scanner};
use super::word::{Word, is_name};

/// Words of a command so far.
#[derive(Debug, Default)]
pub(super) struct Command {
    words: Vec<Word>,
    /// It stands behind `fi`, `done`, `}`, `)`: only redirections may follow.
    closed: bool,
    /// Where it began.
    at: usize,
    /// Here-documents that were waiting before it.
    waiting: usize,
}

/// Builtins that parse, evaluate or name variables by any of their arguments.
const PARSING: [&str; 20] = [
    ".",
    "bind",
    "compgen",
    "complete",
    "compopt",
    "declare",
    "enable",
    "eval",
    "fc",
    "getopts",
    "history",
    "let",
    "mapfile",
    "read",
    "readarray",
    "source",
    "trap",
    "typeset",
    "unset",
    "wait",
];

/// Variables whose values a shell evaluates.
const EVALUATED: [&str; 17] = [
    "BASHPID",
    "BASH_ALIASES",
    "BASH_CMDS",
    "BASH_ENV",
    "ENV",
    "HISTCMD",
    "LINENO",
    "OPTIND",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "RANDOM",
    "SECONDS",
    "SRANDOM",
];

/// Whether a shell evaluates the value of an environment variable of this name.
pub(crate) fn evaluated_by_shells(name: &str) -> bool {
    EVALUATED.contains(&name) || name.starts_with("BASH_FUNC_")
}

/// Words that run what follows them as a command of the same shell.
const PREFIXES: [&str; 4] = ["command", "builtin", "exec", "time"];

impl Command {
    /// A command that begins here.
    pub(super) fn new(scanner: &Scanner) -> Self {
        let waiting = scanner.pending.last().map_or(0, Vec::len);
        Self { words: Vec::new(), closed: false, at: scanner.at, waiting }
    }

    /// What follows the end of a compound command.
    pub(super) fn closed(scanner: &Scanner) -> Self {
        Self { closed: true, ..Self::new(scanner) }
    }

    pub(super) fn push(&mut self, word: Word) {
        self.words.push(word);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && !self.closed
    }

    /// One plain word, which `()` makes a function's name.
    pub(super) fn is_function_name(&self) -> bool {
        matches!(self.words.as_slice(), [word] if word.literal().is_some() && word.assigns().is_none() && !word.redirection && !word.quoted)
    }

    /// The keyword that a word is when it comes next; empty when it is none.
    pub(super) fn keyword<'a>(&self, word: &'a Word) -> &'a str {
        let for_without_list = matches!(self.words.as_slice(), [first, _] if first.is("for") || first.is("select"));
        match word.raw.as_str() {
            "do" if for_without_list => "do",
            // Behind `)` or `fi`, `done`, `}` a keyword may follow without a separator: `if (a) then`, `{ { a; } }`.
            keyword if self.words.iter().all(|word| word.redirection && self.closed) => keyword,
            _ => "",
        }
    }

    /// Applies the rules; refuses values or loses the script.
    pub(super) fn finish(self, scanner: &mut Scanner) -> Scan {
        if self.closed && self.words.iter().any(|word| !word.redirection) {
            return Err(Lost { at: self.at, what: "a word behind the end of a group" });
        }
        let words: Vec<&Word> = self.words.iter().filter(|word| !word.redirection).collect();
        let assignments = words.iter().take_while(|word| word.assigns().is_some()).count();
        let (assignments, words) = words.split_at(assignments);
        for word in assignments {
            refuse_evaluated(scanner, word);
        }
        let words = self.skip_prefixes(scanner, words)?;
        let Some((name, arguments)) = words.split_first() else { return Ok(()) };
        match name.literal() {
            Some(name) => self.builtin(scanner, name, arguments),
            None => Ok(()),
        }
    }

    /// Skips what may stand before a command's name, or may expand to nothing; refuses a value in the place of the name.
    fn skip_prefixes<'a, 'w>(&self, scanner: &mut Scanner, mut words: &'a [&'w Word]) -> Scan<&'a [&'w Word]> {
        let mut behind_prefix = false;
        while let Some((word, rest)) = words.split_first() {
            let prefix = word.literal().is_some_and(|text| PREFIXES.contains(&text));
            let option = behind_prefix && word.literal().is_some_and(|text| text.starts_with('-'));
            if option && word.text.contains(['v', 'V']) {
                // `command -v` only looks a name up.
                return Ok(&[]);
            }
            if makes_words(word)
                || (word.raw.contains(['*', '?', '[']) && !matches!(word.raw.as_str(), "[" | "[[") && !names_a_program(word))
            {
                return Err(Lost { at: self.at, what: "a command's name with braces or wildcards" });
            }
            if !word.values.is_empty() && !names_a_program(word) {
                refuse(scanner, word, &Refusal::CommandName);
            }
            if !(prefix || option || may_vanish(word) || (behind_prefix && word.assigns().is_some())) {
                return Ok(words);
            }
            behind_prefix |= prefix;
            words = rest;
        }
        Ok(words)
    }

    fn builtin(&self, scanner: &mut Scanner, name: &str, arguments: &[&Word]) -> Scan {
        let counts_words = matches!(name, "export" | "readonly" | "local" | "declare" | "typeset" | "printf" | "test" | "[");
        if counts_words && arguments.iter().any(|word| makes_words(word)) {
            return Err(Lost { at: self.at, what: "braces that bash makes several words of" });
        }
        match name {
            "export" | "readonly" | "local" | "declare" | "typeset" => self.declaration(scanner, name, arguments)?,
            "printf" => printf(scanner, arguments),
            "test" | "[" => test(scanner, arguments),
            "for" | "select" => {
                let evaluated = arguments.first().is_some_and(|word| EVALUATED.contains(&word.text.as_str()));
                let variable = arguments.first().map_or("", |word| word.text.as_str()).to_owned();
                if !arguments.first().is_some_and(|word| word.literal().is_some_and(is_name)) || evaluated {
                    refuse_all(scanner, arguments, &Refusal::Special(variable));
                }
            }
            "." | "source" => self.sourced(arguments)?,
            "alias" | "shopt" => return Err(Lost { at: self.at, what: "`alias` and `shopt` change how the rest is read" }),
            _ => {}
        }
        if PARSING.contains(&name) {
            let refusal = Refusal::Builtin(name.to_owned());
            refuse_all(scanner, arguments, &refusal);
            if matches!(name, "." | "source") {
                self.refuse_input(scanner, &refusal);
            }
        }
        Ok(())
    }

    /// What the shell sources may read commands from its input.
    fn refuse_input(&self, scanner: &mut Scanner, refusal: &Refusal) {
        let redirections: Vec<&Word> = self.words.iter().filter(|word| word.redirection).collect();
        refuse_all(scanner, &redirections, refusal);
        for document in scanner.pending.last_mut().into_iter().flatten().skip(self.waiting) {
            document.refusal = Some(refusal.clone());
        }
    }

    /// `export name=…` takes a value as it is; options can make it evaluate what is assigned, then and later.
    fn declaration(&self, scanner: &mut Scanner, name: &str, arguments: &[&Word]) -> Scan {
        let options = arguments.iter().filter(|word| word.text.starts_with(['-', '+']));
        if !matches!(name, "export" | "readonly") && options.clone().any(|word| word.text.contains(['i', 'n'])) {
            return Err(Lost { at: self.at, what: "a variable that evaluates what is assigned to it (`-i`, `-n`)" });
        }
        // bash takes `local a="(…)"` for an array, and evaluates it, where `a` is one already.
        let plain = options.count() == 0 && matches!(name, "export" | "readonly");
        for word in arguments {
            if !plain || word.assigns().is_none() {
                refuse(scanner, word, &Refusal::Declaration(name.to_owned()));
            }
            refuse_evaluated(scanner, word);
        }
        Ok(())
    }

    /// The shell itself reads that file: from a device it may be the step's own text.
    fn sourced(&self, arguments: &[&Word]) -> Scan {
        let file = arguments.first();
        let device = file.is_some_and(|word| {
            let devices = ["/dev", "/proc", "//"];
            devices.iter().any(|device| word.text.starts_with(device)) || word.raw.contains("<(")
        });
        if device { Err(Lost { at: self.at, what: "the shell reads commands from a device or a pipe" }) } else { Ok(()) }
    }
}

/// A path is a program, never a builtin or a keyword.
fn names_a_program(word: &Word) -> bool {
    word.text.contains('/')
}

/// `{a,b}` and `{1..3}`, which bash makes several words of; `${…}` is something else.
fn makes_words(word: &Word) -> bool {
    let braces = word.raw.replace("${", "").contains('{');
    braces && (word.raw.contains(',') || word.raw.contains(".."))
}

/// Without quotes, an expansion may leave no word at all; so may `"$@"`.
fn may_vanish(word: &Word) -> bool {
    word.dynamic && word.values.is_empty() && (!word.quoted || word.raw.contains('@')) && !names_a_program(word)
}

/// printf's first argument is its format, or with bash the option to assign to a variable.
fn printf(scanner: &mut Scanner, arguments: &[&Word]) {
    let format = arguments.iter().find(|word| !word.is("--"));
    let plain = format.is_some_and(|word| word.values.is_empty() && !word.text.starts_with('-') && !may_vanish(word));
    if !plain {
        refuse_all(scanner, arguments, &Refusal::PrintfFormat);
    }
}

/// `-v NAME` evaluates a subscript in NAME. A value may only follow a literal word that is no such operator.
fn test(scanner: &mut Scanner, arguments: &[&Word]) {
    let mut literal_before = true;
    for word in arguments {
        if !literal_before {
            refuse(scanner, word, &Refusal::Test);
        }
        literal_before = word.literal().is_some_and(|text| !matches!(text, "-v" | "-R"));
    }
}

fn refuse_evaluated(scanner: &mut Scanner, word: &Word) {
    if let Some(name) = word.assigns().filter(|name| EVALUATED.contains(name)) {
        refuse(scanner, word, &Refusal::Special(name.to_owned()));
    }
}

fn refuse_all(scanner: &mut Scanner, words: &[&Word], refusal: &Refusal) {
    words.iter().for_each(|word| refuse(scanner, word, refusal));
}

/// Refuses a word's values, unless they are refused already.
fn refuse(scanner: &mut Scanner, word: &Word, refusal: &Refusal) {
    for index in &word.values {
        if let Some(place @ (Place::Bare | Place::Quoted)) = scanner.places.get_mut(*index) {
            *place = Place::Refused(refusal.clone());
        }
    }
}
