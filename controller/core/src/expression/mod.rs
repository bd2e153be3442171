//! `when` and `if`: rhai on a raw engine, without modules, files, clock, eval, loops, functions or statements. Checked when the
//! commit is checked; evaluated on a [`Context`].

mod chain;
mod check;
mod engine;
mod habit;
mod hint;
mod mend;
mod scope;

use crate::values::{Context, Scope};
use std::collections::BTreeSet;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    ast: rhai::AST,
    uses: Vec<check::Use>,
    stdout_of: BTreeSet<String>,
}

/// Why a text is no expression here, or why one has no result now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Where, in bytes from the text's beginning.
    pub offset: usize,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// It is part of the language, but this release does not have it yet.
    pub unsupported: bool,
}

impl ExpressionError {
    fn new(offset: usize, message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Self { offset, message: message.into(), help: help.into(), unsupported: false }
    }
}

impl Expression {
    /// Compiles a text and checks everything it names.
    pub fn compile(text: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        if let Some(error) = hint::before_parsing(text, scope) {
            return Err(error);
        }
        let ast = engine::ENGINE.compile_expression(text).map_err(|error| hint::syntax(text, &error))?;
        let uses = check::check(text, &ast, scope)?;
        let stdout_of = uses.iter().filter_map(|used| used.path.stdout_of().map(str::to_owned)).collect();
        Ok(Self { text: text.to_owned(), ast, uses, stdout_of })
    }

    /// The result. Anything but true or false is an error.
    pub fn evaluate(&self, context: &Context) -> Result<bool, ExpressionError> {
        let mut scope = scope::of(context, &self.uses);
        let result = engine::ENGINE.eval_ast_with_scope::<rhai::Dynamic>(&mut scope, &self.ast);
        let value = result.map_err(|error| self.explain(context, &error))?;
        value.as_bool().map_err(|kind| {
            ExpressionError::new(0, format!("the result is {}, neither true nor false", engine::said(kind)), mend::compared(kind))
        })
    }

    /// The error of an evaluation. Where it stands at a path that has no value now, the path says why.
    fn explain(&self, context: &Context, error: &rhai::EvalAltResult) -> ExpressionError {
        use rhai::EvalAltResult::{ErrorDotExpr, ErrorIndexNotFound, ErrorPropertyNotFound, ErrorVariableNotFound};
        let found = mend::evaluation(&self.text, error, &self.uses);
        let absent =
            matches!(error, ErrorPropertyNotFound(..) | ErrorIndexNotFound(..) | ErrorVariableNotFound(..) | ErrorDotExpr(..));
        let mut missing = self.uses.iter().filter_map(|used| Some((used, context.why_missing(&used.path)?)));
        match missing.find(|(used, _)| absent && (used.from..=used.to).contains(&found.offset)) {
            Some((used, reason)) => ExpressionError::new(used.from, format!("`{}` has no value: {reason}", used.path), None),
            None => found,
        }
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Ids of the steps whose stdout it uses.
    pub fn stdout_of(&self) -> &BTreeSet<String> {
        &self.stdout_of
    }
}

impl PartialEq for Expression {
    /// The text says it all: compiling is a pure function of it.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Expression {}

#[cfg(test)]
mod newcomer_tests;
#[cfg(test)]
mod tests;
