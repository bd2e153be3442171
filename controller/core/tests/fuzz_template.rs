//! Torn scripts and expressions: whatever the text, the compilers answer, and their errors point into it.
//!
//! `FUZZ_SECONDS` says how long the loop runs (2 unless said), `FUZZ_SEED` repeats a run whose seed was printed.

use pulse_core::expression::Expression;
use pulse_core::template::{ShellKind, Template};
use pulse_core::values::{Context, EarlierStep, Scope};
use std::time::{Duration, Instant, SystemTime};

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

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
    fn text(&mut self) -> String {
        (0..=self.roll(40)).map(|_| PIECES[self.roll(PIECES.len())]).collect()
    }
}

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
#[expect(clippy::disallowed_methods, reason = "the run's length and seed come from outside, and its end is real time")]
fn no_text_makes_the_compilers_panic() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let seed = number("FUZZ_SEED").unwrap_or_else(clock) | 1;
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    println!("FUZZ_SEED={seed}");
    let (mut dice, mut runs) = (Dice(seed), 0_u64);
    while Instant::now() < end {
        for _ in 0..100 {
            let text = dice.text();
            let outcome = std::panic::catch_unwind(|| check(&text));
            assert!(outcome.is_ok(), "FUZZ_SEED={seed}, run {runs}: {text:?}");
            runs += 1;
        }
    }
    println!("{runs} texts");
}
