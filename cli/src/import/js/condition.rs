//! Truth of a condition, said again. JavaScript takes any value for true or false and compares what is not there; an expression
//! says both.

use super::tree::{Node, Question};
use super::truth::{Binds, Truth};
use super::value::{Guard, Kind, Value};
use super::{Names, Translated, Untranslatable};
use crate::import::note::Level;

/// Is it true or false by itself?
pub fn is_truth(node: &Node) -> bool {
    match node {
        Node::Bool(_) | Node::Not(_) | Node::Compare(..) | Node::Asks(..) => true,
        Node::And(left, right) | Node::Or(left, right) => is_truth(left) && is_truth(right),
        _ => false,
    }
}

/// Translates one condition.
pub struct Translator<'a> {
    /// What it can name.
    pub names: &'a mut dyn Names,
    remarks: Vec<(Level, &'static str)>,
    /// What is known to be there, because it was asked for on the left of an `&&`.
    known: Vec<Guard>,
}

/// The condition as an expression.
pub fn translate(tree: &Node, names: &mut dyn Names) -> Result<Translated, Untranslatable> {
    let mut translator = Translator { names, remarks: Vec::new(), known: Vec::new() };
    let truth = translator.truth(tree, true)?;
    Ok(Translated { text: truth.text, remarks: translator.remarks })
}

/// A condition, or why it cannot be said.
pub type Said = Result<Truth, Untranslatable>;

impl Translator<'_> {
    /// Adds a remark, once.
    pub fn remark(&mut self, level: Level, text: &'static str) {
        if !self.remarks.contains(&(level, text)) {
            self.remarks.push((level, text));
        }
    }

    /// A condition. `last_word`: where it is false or fails, the whole is false, so what would make JavaScript fail can be asked for.
    pub fn truth(&mut self, node: &Node, last_word: bool) -> Said {
        match node {
            Node::Bool(truth) => Ok(Truth::constant(*truth)),
            Node::Nothing(_) => Ok(Truth::constant(false)),
            Node::Text(text) => Ok(Truth::constant(!text.is_empty())),
            Node::Number(number) => Ok(Truth::constant(*number != 0.0)),
            Node::Not(inner) => self.not(inner),
            Node::And(left, right) => {
                let known = self.known.len();
                let left_truth = self.truth(left, last_word)?;
                self.learn(left);
                let right = self.truth(right, last_word);
                self.known.truncate(known);
                Ok(left_truth.and(&right?))
            }
            Node::Or(left, right) => Ok(self.truth(left, false)?.or(&self.truth(right, false)?)),
            Node::Choice(condition, yes, no) => {
                let (condition, yes, no) = (self.truth(condition, false)?, self.truth(yes, false)?, self.truth(no, false)?);
                Ok(condition.and(&yes).or(&condition.not().and(&no)))
            }
            Node::Compare(comparison, left, right) => self.compare(*comparison, left, right, last_word),
            Node::Asks(question, text, part) => self.asks(*question, text, part, last_word),
            _ => {
                let value = self.value(node)?;
                let guards = self.guards(&value, last_word);
                Ok(is_something(&value).guarded(&guards))
            }
        }
    }

    /// What a true condition says about what is there.
    fn learn(&mut self, node: &Node) {
        match node {
            Node::And(left, right) => {
                self.learn(left);
                self.learn(right);
            }
            // Two values that are both not there are equal, too.
            Node::Compare(comparison, left, right)
                if !comparison.is_equality()
                    || (!comparison.is_negative()
                        && [left, right].iter().any(|side| matches!(***side, Node::Text(_) | Node::Number(_)))) =>
            {
                self.learn(left);
                self.learn(right);
            }
            Node::State(_) | Node::Answer => {
                if let Ok(value) = self.value(node) {
                    self.known.extend(value.needs);
                }
            }
            _ => {}
        }
    }

    /// What is not yet known of a value to be there.
    fn guards(&self, value: &Value, last_word: bool) -> Vec<Guard> {
        let throws = if last_word { value.throws.as_slice() } else { &[] };
        self.unknown(throws.iter().chain(&value.needs))
    }

    /// Those of some guards that are not known to hold, each once.
    pub fn unknown<'g>(&self, guards: impl Iterator<Item = &'g Guard>) -> Vec<Guard> {
        let mut unknown: Vec<Guard> = Vec::new();
        for guard in guards.filter(|guard| !self.known.contains(guard)) {
            if !unknown.contains(guard) {
                unknown.push(guard.clone());
            }
        }
        unknown
    }

    fn not(&mut self, inner: &Node) -> Said {
        match inner {
            Node::Not(twice) => self.truth(twice, false),
            Node::State(_) | Node::Param(_) | Node::Answer => {
                let value = self.value(inner)?;
                let guards = self.unknown(value.needs.iter());
                Ok(Truth::new(format!("{} == \"\"", value.text), Binds::Comparison).unless(&guards))
            }
            other => Ok(self.truth(other, false)?.not()),
        }
    }

    fn asks(&mut self, question: Question, text: &Node, part: &Node, last_word: bool) -> Said {
        let function = match question {
            Question::Contains => "contains",
            Question::StartsWith => "starts_with",
            Question::EndsWith => "ends_with",
        };
        let (text, part) = (self.receiver(text)?, self.value(part)?);
        if part.kind != Kind::Text {
            return Err(Untranslatable::new("a text is asked for something that is no text", "write the part in quotes"));
        }
        let guards = if last_word { self.unknown(text.throws.iter()) } else { Vec::new() };
        Ok(Truth::new(format!("{}.{function}({})", text.operand(), part.text), Binds::Tight).guarded(&guards))
    }
}

/// The value is taken for true.
fn is_something(value: &Value) -> Truth {
    match value.kind {
        Kind::Text => Truth::new(format!("{} != \"\"", value.text), Binds::Comparison),
        Kind::Int => Truth::new(format!("{} != 0", value.text), Binds::Comparison),
        Kind::Float => Truth::new(format!("{} != 0.0", value.text), Binds::Comparison),
        Kind::Bool => Truth::new(value.text.clone(), if value.tight { Binds::Tight } else { Binds::Or }),
    }
}
