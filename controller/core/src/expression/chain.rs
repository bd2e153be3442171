//! `a.b["c"].d()` as rhai's parser leaves it, nested to the right, made a base and its links.

use rhai::{ASTFlags, Expr, FnCallExpr, Position};

/// One link of a chain.
#[derive(Debug)]
pub(super) enum Link<'a> {
    /// `.name`
    Name(&'a str, Position),
    /// `[…]`
    Index(&'a Expr),
    /// `.name(…)`
    Call(&'a FnCallExpr, Position),
}

impl Link<'_> {
    /// Where it stands.
    pub(super) fn position(&self) -> Position {
        match self {
            Self::Name(_, position) | Self::Call(_, position) => *position,
            Self::Index(index) => index.position(),
        }
    }
}

/// The base of a chain and its links, in order.
pub(super) fn links(expression: &Expr) -> (&Expr, Vec<Link<'_>>) {
    let mut links = Vec::new();
    let base = match expression {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => &pair.lhs,
        other => return (other, links),
    };
    let mut rest = expression;
    while let Expr::Dot(pair, flags, _) | Expr::Index(pair, flags, _) = rest {
        let index = matches!(rest, Expr::Index(..));
        let ends = flags.contains(ASTFlags::BREAK);
        match &pair.rhs {
            Expr::Dot(next, ..) | Expr::Index(next, ..) if !ends => {
                links.push(link(&next.lhs, index));
                rest = &pair.rhs;
            }
            last => {
                links.push(link(last, index));
                break;
            }
        }
    }
    (base, links)
}

fn link(expression: &Expr, index: bool) -> Link<'_> {
    match expression {
        Expr::Property(property, position) if !index => Link::Name(&property.2, *position),
        Expr::MethodCall(call, position) if !index => Link::Call(call, *position),
        other => Link::Index(other),
    }
}
