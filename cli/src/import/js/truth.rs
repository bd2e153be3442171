//! Expressions that are true or false, joined with the brackets that they need.

use super::value::Guard;

/// How tightly an expression's outermost operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binds {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Comparison,
    /// Nothing binds tighter.
    Tight,
}

/// An expression that is true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The expression.
    pub text: String,
    /// How tightly it binds.
    pub binds: Binds,
}

impl Truth {
    /// An expression that binds so.
    pub fn new(text: impl Into<String>, binds: Binds) -> Self {
        Self { text: text.into(), binds }
    }
    /// Always so.
    pub fn constant(truth: bool) -> Self {
        Self::new(truth.to_string(), Binds::Tight)
    }
    /// Beside an operator that binds so.
    fn within(&self, binds: Binds) -> String {
        if self.binds >= binds { self.text.clone() } else { format!("({})", self.text) }
    }
    /// The opposite.
    pub fn not(&self) -> Self {
        Self::new(format!("!{}", self.within(Binds::Tight)), Binds::Tight)
    }
    /// Both.
    pub fn and(&self, other: &Self) -> Self {
        Self::new(format!("{} && {}", self.within(Binds::And), other.within(Binds::And)), Binds::And)
    }
    /// Either.
    pub fn or(&self, other: &Self) -> Self {
        Self::new(format!("{} || {}", self.within(Binds::Or), other.within(Binds::Or)), Binds::Or)
    }
    /// Only where everything is there.
    pub fn guarded(self, guards: &[Guard]) -> Self {
        guards.iter().rev().fold(self, |truth, guard| Self::new(guard.holds.clone(), Binds::Comparison).and(&truth))
    }
    /// Also where something is not there.
    pub fn unless(self, guards: &[Guard]) -> Self {
        guards.iter().rev().fold(self, |truth, guard| Self::new(guard.fails.clone(), Binds::Comparison).or(&truth))
    }
}
