//! Comparisons. JavaScript compares unlike values and what is not there; an expression says how.

use super::Untranslatable;
use super::condition::{Said, Translator};
use super::tree::{Comparison, Node, Nothing};
use super::truth::{Binds, Truth};
use super::value::{Guard, Kind, Origin, Value};
use crate::import::note::Level;

impl Translator<'_> {
    /// One comparison.
    pub fn compare(&mut self, comparison: Comparison, left: &Node, right: &Node, last_word: bool) -> Said {
        match (left, right) {
            (Node::TypeOf(value), Node::Text(kind)) | (Node::Text(kind), Node::TypeOf(value)) => {
                self.type_of(comparison, value, kind)
            }
            (Node::TypeOf(_), _) | (_, Node::TypeOf(_)) => {
                Err(Untranslatable::new("`typeof` is compared with something else than a text", "write the condition by hand"))
            }
            (Node::Nothing(nothing), value) | (value, Node::Nothing(nothing)) => self.is_missing(comparison, value, *nothing),
            _ => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.compare_values(comparison, left, right, last_word)
            }
        }
    }

    fn type_of(&mut self, comparison: Comparison, value: &Node, kind: &str) -> Said {
        let asks_for_absence = match kind {
            "undefined" => !comparison.is_negative(),
            "string" => comparison.is_negative(),
            _ => {
                return Err(Untranslatable::new(
                    format!("values are texts, so their type is never '{kind}'"),
                    "ask for the value itself, such as `int(state.name) > 0`",
                ));
            }
        };
        if !comparison.is_equality() {
            return Err(Untranslatable::new("types have no order", "compare with `===`"));
        }
        let asked = if asks_for_absence { Comparison::Same } else { Comparison::NotSame };
        self.is_missing(asked, value, Nothing::Undefined)
    }

    /// Whether a value is not there.
    fn is_missing(&mut self, comparison: Comparison, value: &Node, nothing: Nothing) -> Said {
        let help = "write `state.contains(\"name\")` or `!state.contains(\"name\")` by hand";
        if !comparison.is_equality() {
            return Err(Untranslatable::new("`undefined` and `null` have no order", help));
        }
        let negative = comparison.is_negative();
        let value = self.value(value)?;
        match value.origin {
            Origin::State if nothing == Nothing::Null && comparison.is_strict() => {
                self.remark(Level::Check, "a value of `state` is a text or not there, and never `null`; where absence was meant, write `!state.contains(\"name\")`");
                Ok(Truth::constant(negative))
            }
            Origin::State | Origin::Answer => {
                let missing = value.needs.first().map(|guard| if negative { &guard.holds } else { &guard.fails });
                if missing.is_none() {
                    self.remark(Level::Note, "here the prompt has always been answered: one that nobody answers fails its step");
                }
                Ok(missing.map_or_else(|| Truth::constant(negative), |text| Truth::new(text, Binds::Comparison)))
            }
            Origin::Param => {
                self.remark(Level::Note, "a parameter that is not given is the empty text");
                let sign = if negative { "!=" } else { "==" };
                Ok(Truth::new(format!("{} {sign} \"\"", value.text), Binds::Comparison))
            }
            Origin::Literal | Origin::Computed => Err(Untranslatable::new("only a value as it is can be missing", help)),
        }
    }

    fn compare_values(&mut self, comparison: Comparison, left: Value, right: Value, last_word: bool) -> Said {
        let sign = comparison.sign();
        let plain = |left: &Value, right: &Value| Truth::new(format!("{} {sign} {}", side(left), side(right)), Binds::Comparison);
        let truth = match (left.kind, right.kind) {
            (Kind::Bool, Kind::Bool) => plain(&left, &right),
            (Kind::Bool, _) => return self.compare_bool(comparison, &right, &left),
            (_, Kind::Bool) => return self.compare_bool(comparison, &left, &right),
            (Kind::Text, Kind::Text) => return Ok(self.compare_texts(comparison, &left, &right, last_word)),
            (Kind::Text, _) | (_, Kind::Text) if comparison.is_strict() => {
                let text = if left.kind == Kind::Text { &left } else { &right };
                if text.origin != Origin::Param {
                    self.remark(Level::Check, "a text is never the same as a number, so this is as constant as it was in the old PULSE; where the number was meant, write `int(…) == 1`");
                    let throws = self.unknown(left.throws.iter().chain(&right.throws));
                    let constant = Truth::constant(comparison.is_negative());
                    return Ok(if last_word { constant.guarded(&throws) } else { constant });
                }
                self.remark(Level::Note, "parameters are texts now, so the number of one is compared");
                self.compare_numbers(comparison, &left, &right)?
            }
            (Kind::Text, _) | (_, Kind::Text) => self.compare_numbers(comparison, &left, &right)?,
            _ => plain(&left, &right),
        };
        Ok(self.with_guards(truth, comparison, &[&left, &right], last_word))
    }

    /// A text and a number: the text's number is compared. To JavaScript the empty text is 0.
    fn compare_numbers(&mut self, comparison: Comparison, left: &Value, right: &Value) -> Said {
        let zero = [left, right].iter().any(|side| side.literal.as_deref() == Some("0"));
        let text = [left, right].into_iter().find(|side| side.kind == Kind::Text && side.literal.is_none());
        let (a, b) = (self.as_number(left.clone(), right.kind)?, self.as_number(right.clone(), left.kind)?);
        let truth = Truth::new(format!("{} {} {}", a.operand(), comparison.sign(), b.operand()), Binds::Comparison);
        let Some(text) = text.filter(|_| zero && comparison.is_equality()) else { return Ok(truth) };
        let empty = |sign| Truth::new(format!("{}.trim() {sign} \"\"", text.operand()), Binds::Comparison);
        Ok(if comparison.is_negative() { empty("!=").and(&truth) } else { empty("==").or(&truth) })
    }

    fn compare_texts(&mut self, comparison: Comparison, left: &Value, right: &Value, last_word: bool) -> Truth {
        if !comparison.is_equality() && left.origin != Origin::Literal && right.origin != Origin::Literal {
            self.remark(Level::Check, "both sides are texts and are compared as texts, as in the old PULSE: \"9\" comes after \"10\"; where numbers were meant, write `int(…)` around both");
        } else if !comparison.is_equality() {
            self.remark(Level::Note, "texts are compared as texts, as in the old PULSE: \"9\" comes after \"10\"");
        }
        let plain = |sign| Truth::new(format!("{} {sign} {}", side(left), side(right)), Binds::Comparison);
        let (of_left, of_right) = (self.unknown(left.needs.iter()), self.unknown(right.needs.iter()));
        if comparison.is_equality() && left == right && left.throws.is_empty() {
            return Truth::constant(!comparison.is_negative());
        }
        if comparison.is_equality() && !of_left.is_empty() && !of_right.is_empty() && of_left != of_right {
            // Two values that are both not there are the same.
            let both = plain("==").guarded(&of_right).guarded(&of_left);
            let absent = |guards: &[Guard]| {
                Truth::new(guards.iter().map(|guard| guard.fails.as_str()).collect::<Vec<_>>().join(" || "), Binds::Or)
            };
            let neither = absent(&of_left).and(&absent(&of_right));
            let same = both.or(&neither);
            return if comparison.is_negative() { same.not() } else { same };
        }
        self.with_guards(plain(comparison.sign()), comparison, &[left, right], last_word)
    }

    /// What is not there equals nothing and has no order.
    fn with_guards(&self, truth: Truth, comparison: Comparison, sides: &[&Value], last_word: bool) -> Truth {
        let needs = self.unknown(sides.iter().flat_map(|side| &side.needs));
        let truth = if comparison.is_negative() { truth.unless(&needs) } else { truth.guarded(&needs) };
        let throws = if last_word { self.unknown(sides.iter().flat_map(|side| &side.throws)) } else { Vec::new() };
        truth.guarded(&throws)
    }

    fn compare_bool(&mut self, comparison: Comparison, value: &Value, truth: &Value) -> Said {
        let literal = matches!(truth.text.as_str(), "true" | "false");
        match (&value.origin, value.kind) {
            (Origin::Param, _) if literal && comparison.is_equality() => {
                self.remark(Level::Note, "parameters are texts now, so `true` is compared as a text");
                Ok(Truth::new(format!("{} {} \"{}\"", value.text, comparison.sign(), truth.text), Binds::Comparison))
            }
            (_, Kind::Text) if comparison.is_strict() => {
                self.remark(Level::Check, "a text is never the same as `true` or `false`, so this is as constant as it was in the old PULSE; where the text was meant, write `== \"true\"`");
                Ok(Truth::constant(comparison.is_negative()))
            }
            _ => Err(Untranslatable::new(
                "a value is compared with true or false, which JavaScript makes numbers of",
                "compare with a text: `state.name == \"true\"`",
            )),
        }
    }
}

/// A side of a comparison, which binds less tightly than sums.
fn side(value: &Value) -> String {
    if value.kind == Kind::Bool { value.operand() } else { value.text.clone() }
}
