//! A condition as a tree. It holds nothing but what can be translated.

/// An expression of JavaScript.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `'text'`
    Text(String),
    /// `80`
    Number(f64),
    /// `true`
    Bool(bool),
    /// `undefined`, `null`
    Nothing(Nothing),
    /// `state.<name>`
    State(String),
    /// `params.<name>`
    Param(String),
    /// `promptResponse`
    Answer,
    /// `!x`
    Not(Box<Node>),
    /// `-x`
    Negative(Box<Node>),
    /// `+x`, `Number(x)`, `parseInt(x)`, `String(x)`, `Boolean(x)`
    Convert(Into, Box<Node>),
    /// `typeof x`
    TypeOf(Box<Node>),
    /// `a && b`
    And(Box<Node>, Box<Node>),
    /// `a || b`
    Or(Box<Node>, Box<Node>),
    /// `c ? a : b`
    Choice(Box<Node>, Box<Node>, Box<Node>),
    /// `a === b`
    Compare(Comparison, Box<Node>, Box<Node>),
    /// `a + b`
    Calculate(char, Box<Node>, Box<Node>),
    /// `text.includes(part)`
    Asks(Question, Box<Node>, Box<Node>),
    /// `text.trim()`
    Changes(Change, Box<Node>),
    /// `text.length`
    Length(Box<Node>),
}

/// A value that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// Never set.
    Undefined,
    /// Set to nothing.
    Null,
}

/// What a function makes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// `Number(x)`, `parseFloat(x)`, `+x`
    Number,
    /// `parseInt(x)`
    Whole,
    /// `String(x)`
    Text,
    /// `Boolean(x)`
    Bool,
}

/// A comparing operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `===`
    Same,
    /// `!==`
    NotSame,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// The operator of an expression.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Same | Self::Equal => "==",
            Self::NotSame | Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
    /// It asks for equality, or for its opposite.
    pub const fn is_equality(self) -> bool {
        matches!(self, Self::Same | Self::NotSame | Self::Equal | Self::NotEqual)
    }
    /// It asks for the opposite of equality.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotSame | Self::NotEqual)
    }
    /// It never converts.
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::Same | Self::NotSame)
    }
}

/// A question about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// `includes`
    Contains,
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
}

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `trim`
    Trim,
    /// `toLowerCase`
    Lower,
    /// `toUpperCase`
    Upper,
}
