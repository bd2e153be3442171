//! Tokens to a tree, by JavaScript's precedence. What a condition of the old PULSE could not name is refused here.

use super::Untranslatable;
use super::token::{Token, tokens};
use super::tree::{Change, Comparison, Into, Node, Nothing, Question};

/// How deep a condition may be nested.
const MAX_DEPTH: usize = 24;
/// How many tokens it may have; an operator's chain is a tree as deep as it is long.
const MAX_TOKENS: usize = 400;

type Parsed = Result<Node, Untranslatable>;

/// The tree of a condition.
pub fn parse(text: &str) -> Parsed {
    let tokens = tokens(text)?;
    if tokens.len() > MAX_TOKENS {
        let help = "split it into several steps, or compute it in a command";
        return Err(Untranslatable::new(format!("the condition has more than {MAX_TOKENS} parts"), help));
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    if tokens.is_empty() {
        return Err(Untranslatable::new(
            "the condition is empty, which the old PULSE took for false",
            "leave `condition` out, or say `false`",
        ));
    }
    let tree = parser.choice()?;
    while parser.take(";") {}
    match parser.tokens.get(parser.at) {
        None => Ok(tree),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

const COMPARISONS: [(&str, Comparison); 8] = [
    ("===", Comparison::Same),
    ("!==", Comparison::NotSame),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }
    fn expect(&mut self, sign: &str) -> Result<(), Untranslatable> {
        if self.take(sign) { Ok(()) } else { Err(unexpected(self.peek())) }
    }
    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Untranslatable::new("the condition is nested too deeply", "split it into several steps"));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn choice(&mut self) -> Parsed {
        self.deeper(|parser| {
            let condition = parser.any()?;
            if !parser.take("?") {
                return Ok(condition);
            }
            let yes = parser.choice()?;
            parser.expect(":")?;
            let no = parser.choice()?;
            Ok(Node::Choice(condition.into(), yes.into(), no.into()))
        })
    }
    fn any(&mut self) -> Parsed {
        let mut left = self.all()?;
        while self.take("||") {
            left = Node::Or(left.into(), self.all()?.into());
        }
        Ok(left)
    }
    fn all(&mut self) -> Parsed {
        let mut left = self.comparison(0)?;
        while self.take("&&") {
            left = Node::And(left.into(), self.comparison(0)?.into());
        }
        Ok(left)
    }
    /// Equality at level 0, order at level 1, which binds tighter.
    fn comparison(&mut self, level: usize) -> Parsed {
        let mut left = if level == 0 { self.comparison(1)? } else { self.sum()? };
        let signs = if level == 0 { &COMPARISONS[..4] } else { &COMPARISONS[4..] };
        while let Some((_, comparison)) = signs.iter().find(|(sign, _)| self.take(sign)) {
            let right = if level == 0 { self.comparison(1)? } else { self.sum()? };
            left = Node::Compare(*comparison, left.into(), right.into());
        }
        Ok(left)
    }
    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Some((_, sign)) = [("+", '+'), ("-", '-')].into_iter().find(|(sign, _)| self.take(sign)) {
            left = Node::Calculate(sign, left.into(), self.product()?.into());
        }
        Ok(left)
    }
    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        while let Some((_, sign)) = [("*", '*'), ("/", '/'), ("%", '%')].into_iter().find(|(sign, _)| self.take(sign)) {
            left = Node::Calculate(sign, left.into(), self.unary()?.into());
        }
        Ok(left)
    }
    fn unary(&mut self) -> Parsed {
        self.deeper(|parser| {
            if parser.take("!") {
                return Ok(Node::Not(parser.unary()?.into()));
            }
            if parser.take("-") {
                return Ok(Node::Negative(parser.unary()?.into()));
            }
            if parser.take("+") {
                return Ok(Node::Convert(Into::Number, parser.unary()?.into()));
            }
            if matches!(parser.peek(), Some(Token::Word(word)) if word == "typeof") {
                parser.at += 1;
                return Ok(Node::TypeOf(parser.unary()?.into()));
            }
            let value = parser.primary()?;
            parser.members(value)
        })
    }

    fn primary(&mut self) -> Parsed {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Ok(Node::Text(text)),
            Some(Token::Number(number)) => Ok(Node::Number(number)),
            Some(Token::Pattern) => Err(Untranslatable::new(
                "an expression has no regular expressions",
                "write `starts_with`, `ends_with` or `contains` by hand, such as `state.host.starts_with(\"web-\")`, or let a `parse` step with `format: regex` read the value",
            )),
            Some(Token::Sign("(")) => {
                let inner = self.choice()?;
                self.expect(")").map(|()| inner)
            }
            Some(Token::Word(word)) => self.word(&word),
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn word(&mut self, word: &str) -> Parsed {
        match word {
            "true" | "false" => Ok(Node::Bool(word == "true")),
            "undefined" => Ok(Node::Nothing(Nothing::Undefined)),
            "null" => Ok(Node::Nothing(Nothing::Null)),
            "promptResponse" => Ok(Node::Answer),
            "state" => self.name(word).and_then(state),
            "params" => self.name(word).map(Node::Param),
            "Number" | "parseFloat" => self.call(word, Into::Number),
            "parseInt" => self.call(word, Into::Whole),
            "String" => self.call(word, Into::Text),
            "Boolean" => self.call(word, Into::Bool),
            _ => Err(Untranslatable::new(
                format!("`{word}` is no name that a condition knows, so the old PULSE took the condition for false"),
                format!("write `state.{word}`, `params.{word}` or `promptResponse`, whichever is meant, or leave the step out"),
            )),
        }
    }

    /// `.name` or `['name']` behind `state` and `params`.
    fn name(&mut self, root: &str) -> Result<String, Untranslatable> {
        let whole =
            || Untranslatable::new(format!("`{root}` as a whole is no text"), format!("name a value in it: `{root}.name`"));
        if self.take("[") {
            let Some(Token::Text(name)) = self.peek().cloned() else {
                return Err(Untranslatable::new(
                    "a name that is computed cannot be translated",
                    format!("write a fixed one: `{root}.name`"),
                ));
            };
            self.at += 1;
            return self.expect("]").map(|()| name);
        }
        match (self.take("."), self.peek().cloned()) {
            (true, Some(Token::Word(name))) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(whole()),
        }
    }

    fn call(&mut self, name: &str, into: Into) -> Parsed {
        if !self.take("(") {
            return Err(Untranslatable::new(
                format!("`{name}` without brackets is no value"),
                format!("write `{name}(state.name)`"),
            ));
        }
        let value = self.choice()?;
        let decimal = self.take(",") && into == Into::Whole && matches!(self.peek(), Some(Token::Number(10.0)));
        self.at += usize::from(decimal);
        self.expect(")")?;
        Ok(Node::Convert(into, value.into()))
    }

    /// What is asked of a value: `.trim()`, `.length`, `.includes('a')`.
    fn members(&mut self, mut value: Node) -> Parsed {
        loop {
            if self.take(".") {
                let Some(Token::Word(name)) = self.peek().cloned() else { return Err(unexpected(self.peek())) };
                self.at += 1;
                value = self.member(value, &name)?;
            } else if matches!(self.peek(), Some(Token::Sign("(" | "["))) {
                return Err(Untranslatable::new("a value can neither be called nor indexed", "write the condition by hand"));
            } else {
                return Ok(value);
            }
        }
    }

    fn member(&mut self, value: Node, name: &str) -> Parsed {
        if name == "length" {
            return Ok(Node::Length(value.into()));
        }
        let question = match name {
            "includes" => Some(Question::Contains),
            "startsWith" => Some(Question::StartsWith),
            "endsWith" => Some(Question::EndsWith),
            _ => None,
        };
        let change = match name {
            "trim" => Some(Change::Trim),
            "toLowerCase" => Some(Change::Lower),
            "toUpperCase" => Some(Change::Upper),
            _ => None,
        };
        if question.is_none() && change.is_none() {
            return Err(no_member(name));
        }
        self.expect("(")?;
        let asked = match question {
            Some(question) => Node::Asks(question, value.into(), self.choice()?.into()),
            None => change.map_or_else(|| Err(no_member(name)), |change| Ok(Node::Changes(change, value.into())))?,
        };
        self.expect(")").map(|()| asked)
    }
}

fn no_member(name: &str) -> Untranslatable {
    Untranslatable::new(
        format!("values are texts, and of a text `{name}` cannot be translated"),
        "there are `includes`, `startsWith`, `endsWith`, `trim`, `toLowerCase`, `toUpperCase` and `length`; write the rest by hand",
    )
}

/// A name that a `parse` step can have written. Names of JavaScript's own lead out of the state.
fn state(name: String) -> Parsed {
    let readable = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if name == "constructor" {
        let help = "write the condition by hand; if a command writes `CONSTRUCTOR=…`, give that another name";
        return Err(Untranslatable::new("`constructor` leads to JavaScript's own functions", help));
    }
    if !readable {
        let help = "a `parse` step stores `DISK_PCT=85` as `state.disk_pct`; write the name so";
        return Err(Untranslatable::new(format!("no `parse` step can have written `state.{name}`"), help));
    }
    Ok(Node::State(name))
}

fn unexpected(token: Option<&Token>) -> Untranslatable {
    let message = match token {
        None => "the condition ends too early".to_owned(),
        Some(Token::Sign(sign)) => format!("`{sign}` has no place here"),
        Some(Token::Word(word)) => format!("`{word}` has no place here"),
        Some(Token::Text(_)) => "a text has no place here".to_owned(),
        Some(Token::Number(number)) => format!("`{number}` has no place here"),
        Some(Token::Pattern) => "a regular expression has no place here".to_owned(),
    };
    Untranslatable::new(
        message,
        "a condition is one comparison, or several joined with `&&`, `||` and `!`; write anything else by hand",
    )
}
