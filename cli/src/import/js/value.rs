//! Texts and numbers of a condition, said again. JavaScript converts between them by itself; an expression says it.

use super::condition::{Translator, is_truth};
use super::tree::{Change, Into, Node};
use super::{Answer, Untranslatable};
use crate::import::note::Level;

/// What must hold for a value to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// It is there.
    pub holds: String,
    /// It is not.
    pub fails: String,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// True or false.
    Bool,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// It stands in the condition.
    Literal,
    /// `state.…` as it is.
    State,
    /// `params.…` as it is.
    Param,
    /// An answer as it is.
    Answer,
    /// It is computed.
    Computed,
}

/// A value as an expression says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The expression.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
    /// Without these it would be `undefined` or no number, which JavaScript compares.
    pub needs: Vec<Guard>,
    /// Without these JavaScript fails, which the old PULSE took for false.
    pub throws: Vec<Guard>,
    /// It needs no brackets.
    pub tight: bool,
    /// The text of a literal.
    pub literal: Option<String>,
}

impl Value {
    fn new(text: String, kind: Kind, origin: Origin) -> Self {
        Self { text, kind, origin, needs: Vec::new(), throws: Vec::new(), tight: true, literal: None }
    }
    /// The same made of other values, which bring what they need.
    fn computed(self, of: &[&Self]) -> Self {
        let needs = of.iter().flat_map(|value| value.needs.clone()).collect();
        let throws = of.iter().flat_map(|value| value.throws.clone()).collect();
        Self { needs, throws, origin: Origin::Computed, literal: None, ..self }
    }
    /// What it says, in brackets where it needs some.
    pub fn operand(&self) -> String {
        if self.tight { self.text.clone() } else { format!("({})", self.text) }
    }
    /// Is it a number?
    pub fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Float)
    }
}

/// A text in double quotes.
pub fn quoted(text: &str) -> String {
    let mut said = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => said.extend(['\\', c]),
            '\n' => said.push_str("\\n"),
            '\t' => said.push_str("\\t"),
            '\r' => said.push_str("\\r"),
            c if c.is_control() => said.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => said.push(c),
        }
    }
    said.push('"');
    said
}

/// A number as it is written in an expression, and what it is.
fn number(number: f64) -> (String, Kind) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return (format!("{number:.0}"), Kind::Int);
    }
    (if number.fract() == 0.0 { format!("{number:.1}") } else { number.to_string() }, Kind::Float)
}

fn literal_number(of: f64) -> Value {
    let (text, kind) = number(of);
    Value { literal: Some(text.clone()), ..Value::new(text, kind, Origin::Literal) }
}

/// Names of values and steps that stand behind a dot as they are.
fn member(root: &str, name: &str) -> String {
    /// What rhai keeps for itself.
    const KEPT: &str = " true false let const if else switch do while until loop for in fn private import export as return throw break \
        continue try catch eval print debug type_of call curry this var static shared goto exit match case public protected new use \
        with is module package super thread spawn go sync async await yield default void null nil and or not undefined global ";
    if name.contains('-') || KEPT.contains(&format!(" {name} ")) {
        format!("{root}[\"{name}\"]")
    } else {
        format!("{root}.{name}")
    }
}

impl Translator<'_> {
    /// A value of any kind.
    pub fn value(&mut self, node: &Node) -> Result<Value, Untranslatable> {
        match node {
            Node::Text(text) => {
                Ok(Value { literal: Some(text.clone()), ..Value::new(quoted(text), Kind::Text, Origin::Literal) })
            }
            Node::Number(of) => Ok(literal_number(*of)),
            Node::State(name) => {
                let holds = format!("state.contains(\"{name}\")");
                let needs = vec![Guard { fails: format!("!{holds}"), holds }];
                Ok(Value { needs, ..Value::new(member("state", name), Kind::Text, Origin::State) })
            }
            Node::Param(name) => {
                let help = "name a parameter that the definition declares under `params`";
                let name = self.names.param(name).map_err(|message| Untranslatable::new(message, help))?;
                Ok(Value::new(member("params", &name), Kind::Text, Origin::Param))
            }
            Node::Answer => self.answer(),
            Node::Negative(inner) => self.negative(inner),
            Node::Convert(into, inner) => self.convert(*into, inner),
            Node::Calculate(sign, left, right) => self.calculate(*sign, left, right),
            Node::Changes(change, inner) => {
                let function = match change {
                    Change::Trim => "trim",
                    Change::Lower => "to_lower",
                    Change::Upper => "to_upper",
                };
                let text = self.receiver(inner)?;
                Ok(Value { text: format!("{}.{function}()", text.operand()), ..text })
            }
            Node::Length(inner) => {
                let text = self.receiver(inner)?;
                Ok(Value { text: format!("{}.len()", text.operand()), kind: Kind::Int, ..text })
            }
            truth if is_truth(truth) => {
                let text = self.truth(truth, false)?.text;
                Ok(Value { tight: false, ..Value::new(text, Kind::Bool, Origin::Computed) })
            }
            Node::Nothing(_) | Node::TypeOf(_) => Err(Untranslatable::new(
                "`undefined`, `null` and `typeof` can be compared with a value only",
                "write `state.contains(\"name\")` or `!state.contains(\"name\")`",
            )),
            _ => Err(Untranslatable::new(
                "here `||`, `&&` or `? :` chooses between values, which an expression cannot",
                "join whole conditions: `(a && b) || (!a && c)`",
            )),
        }
    }

    fn answer(&mut self) -> Result<Value, Untranslatable> {
        let help = "leave the condition out, or put the `prompt` step before this one";
        let Answer { step, optional } = self.names.answer().map_err(|message| Untranslatable::new(message, help))?;
        let step = member("steps", &step);
        let guard = Guard { holds: format!("{step}.status == \"succeeded\""), fails: format!("{step}.status != \"succeeded\"") };
        let needs = if optional { vec![guard] } else { Vec::new() };
        Ok(Value { needs, ..Value::new(format!("{step}.answer"), Kind::Text, Origin::Answer) })
    }

    /// A text of which something is asked: without it JavaScript fails.
    pub fn receiver(&mut self, node: &Node) -> Result<Value, Untranslatable> {
        let value = self.value(node)?;
        if value.kind != Kind::Text {
            return Err(Untranslatable::new("a number is asked what only a text has", "write `String(…)` around it"));
        }
        let throws = [value.throws.clone(), value.needs.clone()].concat();
        Ok(Value { needs: Vec::new(), throws, origin: Origin::Computed, literal: None, ..value })
    }

    /// A number; a text is converted, to a whole one beside a whole one.
    pub fn as_number(&mut self, value: Value, beside: Kind) -> Result<Value, Untranslatable> {
        let (function, kind) = if beside == Kind::Int { ("int", Kind::Int) } else { ("float", Kind::Float) };
        match (value.kind, &value.literal) {
            (Kind::Int | Kind::Float, _) => Ok(value),
            (Kind::Text, Some(literal)) => {
                literal.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(literal_number).ok_or_else(|| {
                    Untranslatable::new(
                        format!("the text '{literal}' is no number, so comparing it with one is never true"),
                        "compare texts with texts, and numbers with numbers",
                    )
                })
            }
            (Kind::Text, None) => {
                Ok(Value { text: format!("{function}({})", value.text), kind, tight: true, origin: Origin::Computed, ..value })
            }
            (Kind::Bool, _) => Err(Untranslatable::new("true or false is used as a number", "write the condition by hand")),
        }
    }

    fn negative(&mut self, inner: &Node) -> Result<Value, Untranslatable> {
        let value = self.value(inner)?;
        let value = self.as_number(value, Kind::Float)?;
        let literal = value.literal.as_ref().map(|literal| format!("-{literal}"));
        let text = format!("-{}", value.operand());
        let origin = if literal.is_some() { Origin::Literal } else { Origin::Computed };
        Ok(Value { tight: false, literal, text, origin, ..value })
    }

    fn convert(&mut self, into: Into, inner: &Node) -> Result<Value, Untranslatable> {
        if into == Into::Bool {
            let text = self.truth(inner, false)?.text;
            return Ok(Value { tight: false, ..Value::new(text, Kind::Bool, Origin::Computed) });
        }
        let value = self.value(inner)?;
        match into {
            Into::Number => self.as_number(value, Kind::Float),
            // What is not there becomes a word in JavaScript; here it is an error.
            Into::Text if value.kind == Kind::Text => Ok(Value { origin: Origin::Computed, needs: Vec::new(), ..value }),
            Into::Text => {
                Ok(Value { throws: value.throws, ..Value::new(format!("string({})", value.text), Kind::Text, Origin::Computed) })
            }
            _ if value.kind == Kind::Text && value.literal.is_none() => {
                self.remark(
                    Level::Note,
                    "`int(…)` takes whole numbers only, where `parseInt` also read the 85 of \"85%\" and \"85.5\"",
                );
                self.as_number(value, Kind::Int)
            }
            _ if value.kind == Kind::Float => {
                Ok(Value { text: format!("int({})", value.text), kind: Kind::Int, tight: true, ..value.clone() }
                    .computed(&[&value]))
            }
            _ => self.as_number(value, Kind::Int),
        }
    }

    fn calculate(&mut self, sign: char, left: &Node, right: &Node) -> Result<Value, Untranslatable> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        if sign == '+' && (left.kind == Kind::Text || right.kind == Kind::Text) {
            return self.join(&left, &right);
        }
        let beside = if left.kind == Kind::Int || right.kind == Kind::Int { Kind::Int } else { Kind::Float };
        // JavaScript's division is one of numbers with a point.
        let beside = if sign == '/' { Kind::Float } else { beside };
        let (left, right) = (self.as_number(left, beside)?, self.as_number(right, beside)?);
        let float = |value: &Value| format!("float({})", value.text);
        let (a, b) = if sign == '/' { (float(&left), float(&right)) } else { (left.operand(), right.operand()) };
        let kind = if sign != '/' && left.kind == Kind::Int && right.kind == Kind::Int { Kind::Int } else { Kind::Float };
        Ok(Value { tight: false, ..Value::new(format!("{a} {sign} {b}"), kind, Origin::Computed) }.computed(&[&left, &right]))
    }

    /// `+` beside a text joins texts.
    fn join(&mut self, left: &Value, right: &Value) -> Result<Value, Untranslatable> {
        let part = |value: &Value| match (&value.literal, value.kind) {
            (Some(literal), _) => Ok(quoted(literal)),
            (None, Kind::Text) => Ok(value.operand()),
            (None, Kind::Int | Kind::Float) => Ok(format!("string({})", value.text)),
            (None, Kind::Bool) => Err(Untranslatable::new("true or false is joined with a text", "write the condition by hand")),
        };
        if left.is_number() || right.is_number() {
            self.remark(Level::Check, "`+` beside a text joins texts, as it did in the old PULSE: 85 + 1 is \"851\"; where a sum was meant, write `int(…) + 1`");
        }
        let text = format!("{} + {}", part(left)?, part(right)?);
        let joined = Value { tight: false, ..Value::new(text, Kind::Text, Origin::Computed) }.computed(&[left, right]);
        // Beside a number what is not there is no number, either; beside a text it becomes a word, which here is an error.
        let sum = |number: &Value| number.is_number() && number.needs.is_empty();
        let needs = if sum(left) || sum(right) { joined.needs } else { Vec::new() };
        Ok(Value { needs, ..joined })
    }
}
