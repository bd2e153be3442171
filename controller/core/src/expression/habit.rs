//! Habits from other languages: spellings that rhai reads in another way, or refuses with a sentence that does not help, each
//! with what to write instead.

use super::ExpressionError;

const ABSENT: &str = "compare with `\"\"`, or ask for `steps.<id>.status`";
const PATTERN: &str = "ask a text with `.contains(\"…\")`, `.starts_with(\"…\")` or `.ends_with(\"…\")`";

/// Texts outside of quotes, what to say of them, and what to write instead. Of two that begin alike the longer stands first.
const HABITS: [(&str, &str, &str); 49] = [
    ("===", "`===` is no operator", "write `==`: it never converts"),
    ("!==", "`!==` is no operator", "write `!=`: it never converts"),
    ("=~", "`=~` is no operator: there are no patterns here", PATTERN),
    ("~=", "`~=` is no operator: there are no patterns here", PATTERN),
    ("<>", "`<>` is no operator", "write `!=`"),
    ("=>", "`=>` is no operator", "write `>=`"),
    ("=<", "`=<` is no operator", "write `<=`"),
    ("eq", "`eq` is `==`", "write `==`"),
    ("ne", "`ne` is `!=`", "write `!=`"),
    ("-eq", "`-eq` is `==`", "write `==`"),
    ("-ne", "`-ne` is `!=`", "write `!=`"),
    ("-gt", "`-gt` is `>`", "write `>`"),
    ("-ge", "`-ge` is `>=`", "write `>=`"),
    ("-lt", "`-lt` is `<`", "write `<`"),
    ("-le", "`-le` is `<=`", "write `<=`"),
    ("{{", "an expression has no braces", "write the path alone: `params.name == \"…\"`"),
    ("$", "an expression has no `$`", "write the path alone: `params.name == \"…\"`"),
    ("'", "single quotes hold a single character", "write texts in double quotes: `\"yes\"`"),
    ("`", "backticks are not supported", "write texts in double quotes: `\"yes\"`"),
    (";", "an expression is one condition, without `;`", "leave `;` out, and join conditions with `&&` or `||`"),
    ("if", "a condition stands alone, without `if`", "leave `if` out: `params.x == \"yes\" && steps.check.exitCode == 0`"),
    ("null", "there is no `null`: every value is there, or reading it is an error", ABSENT),
    ("NULL", "there is no `NULL`: every value is there, or reading it is an error", ABSENT),
    ("nil", "there is no `nil`: every value is there, or reading it is an error", ABSENT),
    ("None", "there is no `None`: every value is there, or reading it is an error", ABSENT),
    ("undefined", "there is no `undefined`", ABSENT),
    ("True", "`True` is `true`", "write `true`"),
    ("TRUE", "`TRUE` is `true`", "write `true`"),
    ("False", "`False` is `false`", "write `false`"),
    ("FALSE", "`FALSE` is `false`", "write `false`"),
    (".length", "`.length` is `.len()`", "write `.len()`"),
    (".includes", "`.includes` is `.contains`", "write `.contains(\"…\")`"),
    (".startsWith", "`.startsWith` is `.starts_with`", "write `.starts_with(\"…\")`"),
    (".endsWith", "`.endsWith` is `.ends_with`", "write `.ends_with(\"…\")`"),
    (".toLowerCase", "`.toLowerCase` is `.to_lower`", "write `.to_lower()`"),
    (".toUpperCase", "`.toUpperCase` is `.to_upper`", "write `.to_upper()`"),
    (".exit_code", "it is spelled `exitCode`", "write `.exitCode`"),
    ("parseInt", "`parseInt` is `int`", "write `int(…)`"),
    ("Number", "`Number` is `int` or `float`", "write `int(…)` or `float(…)`"),
    ("and", "`and` is `&&`", "write `&&`"),
    ("AND", "`AND` is `&&`", "write `&&`"),
    ("or", "`or` is `||`", "write `||`"),
    ("OR", "`OR` is `||`", "write `||`"),
    ("not in", "`not in` is `!` before an `in` in brackets", "write `!(… in …)`"),
    ("not", "`not` is `!`", "write `!`"),
    ("NOT", "`NOT` is `!`", "write `!`"),
    ("is not", "`is not` is `!=`", "write `!=`"),
    ("is", "`is` is `==`", "write `==`"),
    ("elif", "a condition stands alone, without `elif`", "write a `route` step, whose routes are looked at in order"),
];

/// Functions of other languages, and what there is instead.
const CALLS: [(&str, &str); 35] = [
    ("length", "write `.len()`"),
    ("size", "write `.len()`"),
    ("count", "write `.len()`"),
    ("includes", "write `.contains(\"…\")`"),
    ("has", "write `.contains(\"…\")`"),
    ("has_key", "write `.contains(\"…\")`"),
    ("index_of", "write `.contains(\"…\")`"),
    ("indexOf", "write `.contains(\"…\")`"),
    ("get", "write `state.<name>` or `state[\"<name>\"]`"),
    ("find", "write `.contains(\"…\")`"),
    ("startswith", "write `.starts_with(\"…\")`"),
    ("startsWith", "write `.starts_with(\"…\")`"),
    ("endswith", "write `.ends_with(\"…\")`"),
    ("endsWith", "write `.ends_with(\"…\")`"),
    ("lower", "write `.to_lower()`"),
    ("lowercase", "write `.to_lower()`"),
    ("upper", "write `.to_upper()`"),
    ("uppercase", "write `.to_upper()`"),
    ("strip", "write `.trim()`"),
    ("str", "write `string(…)`"),
    ("toString", "write `string(…)`"),
    ("to_string", "write `string(…)`"),
    ("to_int", "write `int(…)`"),
    ("parse_int", "write `int(…)`"),
    ("number", "write `int(…)` or `float(…)`"),
    ("bool", "compare the text: `… == \"true\"`; a parameter with `type: bool` is true or false itself"),
    ("empty", "write `.is_empty()`"),
    ("matches", PATTERN),
    ("test", PATTERN),
    ("success", "write `steps.<id>.status == \"succeeded\"`"),
    ("succeeded", "write `steps.<id>.status == \"succeeded\"`"),
    ("failure", "write `steps.<id>.status == \"failed\"`"),
    ("failed", "write `steps.<id>.status == \"failed\"`"),
    ("always", "let the step before have `continueOnError: true`; a step without `when` runs always"),
    ("defined", "ask the map: `state.contains(\"name\")`, or `steps.<id>.status`"),
];

/// The first habit in a text in which what stands between double quotes is blanked.
pub(super) fn habit(bare: &str) -> Option<ExpressionError> {
    let found = HABITS.iter().filter_map(|(habit, message, help)| {
        let whole = |at: &usize| stands_alone(habit, &bare[..*at], &bare[at + habit.len()..]);
        let at = bare.match_indices(habit).map(|(at, _)| at).find(whole)?;
        Some(ExpressionError::new(at, *message, (*help).to_owned()))
    });
    found.min_by_key(|error| error.offset)
}

/// What to write instead of a function of another language.
pub(super) fn call(name: &str) -> Option<&'static str> {
    CALLS.iter().find(|(called, _)| *called == name).map(|(_, help)| *help)
}

/// The habit is no part of a longer word, and no parameter or step of that name.
fn stands_alone(habit: &str, before: &str, after: &str) -> bool {
    let continues = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let begins = match habit.chars().next() {
        Some('.') => !["params", "steps", "state"].iter().any(|root| before.ends_with(root)),
        Some(first) if continues(first) => !before.ends_with(|c| continues(c) || c == '.'),
        _ => true,
    };
    let ends = !habit.ends_with(continues) || !after.starts_with(continues);
    begins && ends
}
