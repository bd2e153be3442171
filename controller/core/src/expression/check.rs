//! What an expression may consist of, and whether everything it names is there. Only what is listed here passes: rhai's
//! statements, closures, maps and interpolated texts do not.

use super::chain::{Link, links};
use super::{ExpressionError, engine, habit, hint};
use crate::values::{Path, PathError, Scope, has_state};
use rhai::{AST, Expr, Position, Stmt};

/// A path that an expression reads, and the bytes between which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) path: Path,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Checks the expression; answers what it reads.
pub(super) fn check(text: &str, ast: &AST, scope: &Scope) -> Result<Vec<Use>, ExpressionError> {
    let mut check = Check { text, scope, uses: Vec::new() };
    match ast.statements() {
        [Stmt::Expr(expression)] => check.expression(expression)?,
        [Stmt::FnCall(call, position)] => check.call(&call.name, &call.args, *position)?,
        _ => {
            return Err(ExpressionError::new(
                0,
                "this is no single expression",
                "write one condition, without `;` or statements".to_owned(),
            ));
        }
    }
    Ok(check.uses)
}

/// Functions that can be asked of a map; `"x" in map` is `contains(map, "x")` to rhai.
const MAP_FUNCTIONS: [&str; 3] = ["contains", "len", "is_empty"];

/// How a step can have ended.
const STATUSES: [&str; 5] = ["succeeded", "failed", "skipped", "cancelled", "unknown"];

/// What a path can begin with.
const ROOTS: [&str; 6] = ["params", "steps", "state", "promptResponse", "execution", "git"];

struct Check<'a> {
    text: &'a str,
    scope: &'a Scope,
    uses: Vec<Use>,
}

impl Check<'_> {
    fn error(&self, position: Position, message: impl Into<String>, help: impl Into<String>) -> ExpressionError {
        ExpressionError::new(hint::offset(self.text, position), message, help.into())
    }

    fn path_error(&self, position: Position, error: PathError) -> ExpressionError {
        let found = ExpressionError::new(hint::offset(self.text, position), error.message, error.help);
        ExpressionError { unsupported: error.unsupported, ..found }
    }

    fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expr>) -> Result<(), ExpressionError> {
        expressions.into_iter().try_for_each(|expression| self.expression(expression))
    }

    fn expression(&mut self, expression: &Expr) -> Result<(), ExpressionError> {
        match expression {
            Expr::BoolConstant(..) | Expr::IntegerConstant(..) | Expr::FloatConstant(..) | Expr::StringConstant(..) => Ok(()),
            Expr::Array(items, _) => self.all(items.iter()),
            Expr::And(operands, _) | Expr::Or(operands, _) => self.all(operands.iter()),
            Expr::FnCall(call, position) => self.call(&call.name, &call.args, *position),
            Expr::Variable(variable, _, position) if variable.1 == "promptResponse" => {
                self.path(&variable.1, *position, &[], false).map(drop)
            }
            Expr::Variable(variable, _, position) => Err(self.root_alone(&variable.1, *position)),
            Expr::Dot(..) | Expr::Index(..) => self.chain(expression),
            other => Err(self.error(
                other.position(),
                "this has no place in an expression",
                "use texts, numbers, true, false, lists, comparisons, `&&`, `||`, `!` and functions",
            )),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], position: Position) -> Result<(), ExpressionError> {
        let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !operator && !engine::FUNCTIONS.contains(&name) {
            let known = || format!("there are {}", crate::values::listed(engine::FUNCTIONS.into_iter()));
            let help = habit::call(name).map_or_else(known, str::to_owned);
            return Err(self.error(position, format!("there is no function `{name}`"), help));
        }
        if operator && !engine::OPERATORS.contains(&name) {
            let known = crate::values::listed(engine::OPERATORS.into_iter());
            return Err(self.error(
                position,
                format!("there is no operator `{name}`"),
                format!("there are {known}, `&&` and `||`"),
            ));
        }
        match arguments {
            [first, rest @ ..] if MAP_FUNCTIONS.contains(&name) && self.map(first)? => self.all(rest),
            all => self.all(all),
        }
    }

    /// Whether it is `state` or `steps.<id>.agents`, of which something is asked; checked when it is.
    fn map(&mut self, expression: &Expr) -> Result<bool, ExpressionError> {
        if let Expr::Variable(variable, _, position) = expression {
            return if variable.1 == "state" { self.state(*position).map(|()| true) } else { Ok(false) };
        }
        let (base, links) = links(expression);
        match (base, links.as_slice()) {
            (Expr::Variable(root, _, position), [_, Link::Name("agents", _) | Link::Index(Expr::StringConstant(..))])
                if root.1 == "steps" =>
            {
                self.path(&root.1, *position, &links, true).map(|_| true)
            }
            _ => Ok(false),
        }
    }

    /// `state` as a whole, of which something is asked.
    fn state(&self, position: Position) -> Result<(), ExpressionError> {
        has_state(self.scope).map_err(|error| self.path_error(position, error))
    }

    /// A path, or functions called on a value.
    fn chain(&mut self, expression: &Expr) -> Result<(), ExpressionError> {
        let (base, links) = links(expression);
        let mut rest = links.as_slice();
        match base {
            Expr::Variable(variable, _, position) => rest = self.path(&variable.1, *position, &links, false)?,
            other => self.expression(other)?,
        }
        for link in rest {
            match link {
                Link::Call(call, position) => self.call(&call.name, &call.args, *position)?,
                Link::Name(name, position) => {
                    return Err(self.error(
                        *position,
                        format!("a value has no `{name}`"),
                        format!("a function is called so: `.{name}()`"),
                    ));
                }
                Link::Index(index) => return Err(self.error(index.position(), "a value has no parts", "leave the brackets out")),
            }
        }
        Ok(())
    }

    /// Checks the path that begins with a root; answers what follows it. `is_asked`: a function takes it as a map.
    fn path<'l, 'e>(
        &mut self,
        root: &str,
        position: Position,
        links: &'l [Link<'e>],
        is_asked: bool,
    ) -> Result<&'l [Link<'e>], ExpressionError> {
        if !ROOTS.contains(&root) {
            return Err(self.root_alone(root, position));
        }
        let mut names = vec![root.to_owned()];
        for link in links {
            match link {
                Link::Name(name, _) => names.push((*name).to_owned()),
                Link::Index(Expr::StringConstant(name, _)) => names.push(name.to_string()),
                Link::Index(index) if root == "params" && names.len() > 1 => {
                    let help = "ask a list with `.contains(\"…\")`, `\"…\" in …` or `.len()`";
                    return Err(self.error(index.position(), format!("`{}` has no parts", names.join(".")), help));
                }
                Link::Index(index) => {
                    return Err(self.error(index.position(), "brackets hold a fixed text here", "write `[\"name\"]`"));
                }
                Link::Call(..) => break,
            }
        }
        let rest = &links[names.len() - 1..];
        if root == "state" && names.len() == 1 && !rest.is_empty() {
            return self.state(position).map(|()| rest);
        }
        // What a map of agents is asked: how many there are, and whether one is among them.
        let asks_agents = names.len() == 3 && root == "steps" && names[2] == "agents" && (is_asked || !rest.is_empty());
        let asks_agents = asks_agents && self.scope.of_kind("execute").any(|id| id == names[1]);
        let whole = names.join(".");
        let asked = if asks_agents { format!("steps.{}.status", names[1]) } else { whole };
        let path = Path::parse(&asked, self.scope).map_err(|error| self.unknown(&names, self.path_error(position, error)))?;
        if let [root, step, agents, name @ .., field] = names.as_slice()
            && root == "steps"
            && name.len() > 1
        {
            let name = name.join(".");
            let said = format!("`.{agents}.{name}` is read as several names, because a name behind a dot has no dot itself");
            return Err(self.error(position, said, format!("write `steps.{step}.{agents}[\"{name}\"].{field}`")));
        }
        // A name with a dot is one name to a path and two to rhai.
        let may_have_dots = root == "state" || (root == "steps" && names.len() == 5);
        if names.iter().skip(1).any(|name| name.contains('.')) && !may_have_dots {
            return Err(self.error(position, format!("`{asked}` names nothing"), "a name in brackets stands for one name"));
        }
        let end = links[..names.len() - 1].last().map_or(position, Link::position);
        let (from, to) = (hint::offset(self.text, position), hint::offset(self.text, end));
        self.uses.push(Use { path, from, to });
        Ok(rest)
    }

    /// The error with a mend in the words of expressions.
    fn unknown(&self, names: &[String], error: ExpressionError) -> ExpressionError {
        let is_command = |id: &String| self.scope.of_kind("execute").any(|step| step == id);
        let function = |called: &str| engine::FUNCTIONS.contains(&called).then(|| format!("write `.{called}()`"));
        let help = match names {
            [root, id, status] if root == "steps" && STATUSES.contains(&status.as_str()) && self.scope.step(id).is_some() => {
                format!("write `steps.{id}.status == \"{status}\"`")
            }
            [root, _, agents, called] if root == "steps" && agents == "agents" && habit::call(called).is_some() => {
                habit::call(called).unwrap_or_default().to_owned()
            }
            [.., called] if names.len() > 1 && names[0] != "state" && function(called).is_some() => {
                function(called).unwrap_or_default()
            }
            [root, id, agents] if root == "steps" && agents == "agents" && is_command(id) => format!(
                "write `steps.{id}.agents[\"<name>\"].<field>`, the field one of `status`, `exitCode`, `stdout`, or ask the map: `.len()`, `.contains(\"<name>\")`"
            ),
            [root, id, agents, ..] if root == "steps" && agents == "agents" && is_command(id) => {
                format!("write `steps.{id}.agents[\"<name>\"].<field>`, the field one of `status`, `exitCode`, `stdout`")
            }
            _ => return error,
        };
        ExpressionError { help: Some(help), ..error }
    }

    fn root_alone(&self, root: &str, position: Position) -> ExpressionError {
        if root == "agent" {
            return self.error(
                position,
                "`agent` is not known here: a condition is evaluated once for the step, before its targets",
                "use `targets`",
            );
        }
        let error = match Path::parse(root, self.scope) {
            Err(error) => error,
            // No root alone is a path, so this is never reached; the error would be the same.
            Ok(path) => PathError { message: format!("`{path}` is no value"), help: None, unsupported: false },
        };
        let error = self.path_error(position, error);
        let quoted = || {
            if self.scope.params.iter().any(|param| param == root) {
                return format!("write `params.{root}`, or `\"{root}\"` where a text is meant");
            }
            if self.scope.step(root).is_some() {
                return format!("write `steps.{root}.status`, or `\"{root}\"` where a text is meant");
            }
            let roots = crate::values::listed(ROOTS.into_iter());
            format!("a text stands in double quotes: `\"{root}\"`; paths begin with {roots}")
        };
        let known = ROOTS.contains(&root) || error.unsupported;
        if known { error } else { ExpressionError { help: Some(quoted()), ..error } }
    }
}
