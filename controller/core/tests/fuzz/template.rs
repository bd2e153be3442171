//! Torn scripts and expressions: whatever the text, the compilers answer, and their errors point into it.

use super::fuzz;
use pulse_core::expression::Expression;
use pulse_core::template::{ShellKind, Template};
use pulse_core::values::{Context, EarlierStep, Scope};

/// Pieces that mean something to a shell, to a template or to an expression.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "{{ params.x }}", "{{ params.y }}", "{{ steps.a.stdout }}", "{{ agent.labels.role }}", "{{ \"{{\" }}", "{{", "}}", "{{ . }}",
    "'", "\"", "`", "\\", "$", "$(", ")", "$((", "))", "((", "${", "}", "[[", "]]", "<<E", "<<-'E'", "\nE\n", "\n\tE\n", ";", "&", "|",
    "case x in", "esac", ";;", "if ", "then ", "fi ", "for v in ", "do ", "done ", "eval ", "echo ", "export ", "local a=", "#", "\n",
    " ", "\t", "\\\n", "~", "*", "é", "🚀", "\u{2028}", "\r", "\u{7f}", "steps.a.status", "steps[\"a\"]",
    "{{ state.a.b }}", "{{ promptResponse }}", "{{ steps.p.answer }}", "state", ".a", "[\"a.b\"]", "promptResponse", " in ", "steps.p.answer",
    " == ", " === ", "&&", "||", "!",
    "int(", "1", "9999999999999999999", "0.5", ".len()", "params.x", "()", "#{", "|x|", "=>", "'x'", "null", "? :", "\u{0}",
];

fn scope() -> Scope {
    let earlier_steps = [("a", "execute"), ("p", "prompt"), ("r", "parse")].map(|(id, kind)| EarlierStep::new(id, kind)).into();
    Scope { params: vec!["x".into(), "y".into()], earlier_steps, in_target: true, ..Scope::default() }
}

fn check(text: &str) {
    let scope = scope();
    for shell in [ShellKind::Posix, ShellKind::Bash, ShellKind::Argv] {
        match Template::compile_shell(text, shell, &scope) {
            Ok(template) => assert!(!template.has_values() || shell != ShellKind::Argv, "a value in an argv command: {text:?}"),
            Err(errors) => {
                assert!(!errors.is_empty(), "refused without a reason: {text:?}");
                for error in errors {
                    assert!(error.offset <= text.len(), "{error:?} points behind {text:?}");
                }
            }
        }
    }
    drop(Template::compile_text(text, &scope).map(|template| template.render(&Context::default())));
    match Expression::compile(text, &scope) {
        Ok(expression) => drop(expression.evaluate(&Context::default())),
        Err(error) => assert!(error.offset <= text.len(), "{error:?} points behind {text:?}"),
    }
}

#[test]
fn no_text_makes_the_compilers_panic() {
    fuzz(PIECES, 40, check);
}
