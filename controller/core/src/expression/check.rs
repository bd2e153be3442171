//! What an expression may consist of, and whether everything it names is there.

use super::{ExpressionError, hint};
use crate::values::Scope;
use rhai::{AST, ASTNode, Expr};
use std::collections::BTreeSet;

/// Checks the expression; answers the steps whose stdout it uses.
pub(super) fn check(text: &str, ast: &AST, _scope: &Scope) -> Result<BTreeSet<String>, ExpressionError> {
    let mut error = None;
    ast.walk(&mut |path: &[ASTNode]| {
        if let Some(ASTNode::Expr(Expr::Variable(variable, _, position))) = path.last()
            && !["params", "steps", "execution", "git"].contains(&variable.1.as_str())
        {
            let message = format!("`{}` names nothing", variable.1);
            error = Some(ExpressionError::new(hint::offset(text, *position), message, None));
        }
        error.is_none()
    });
    error.map_or(Ok(BTreeSet::new()), Err)
}
