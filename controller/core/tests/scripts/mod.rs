//! Random shell scripts with values in them: well-formed ones, and torn ones, of pieces in any order. A variable that takes a
//! value (`taken`) is never read: what a script does with its copy of a value is its author's care.

use proptest::collection::vec;
use proptest::prelude::*;

const VALUES: [&str; 3] = ["{{ params.x }}", "{{ params.y }}", "{{params.x}}"];

fn value() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(&VALUES[..]).prop_map(str::to_owned)
}

fn plain() -> impl Strategy<Value = String> + Clone {
    let words = [
        "a.b", "-v", "1", "=", "-eq", "$w", "\"$w\"", "$#", "$$", "b=", "[1]", "\\$", "'$('", "#x", "~", "*", "{a,b}", "$'x'",
        "-n",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> + Clone {
    let harmless =
        ["echo", "printf '%s'", "cat", "env", "/bin/echo", "true", "taken=1", "set --", "! echo", "time echo", "if test -n"];
    let risky = [
        "printf",
        "test",
        "[",
        "eval",
        "command",
        "$v",
        "read",
        "export",
        "local",
        "declare",
        "unset",
        "trap",
        "let",
        "wait",
        "exit",
        ".",
        "exec",
        "printf -v u",
        "caller",
        "pushd",
        "printf '%d'",
        "printf '%(%F)T'",
        "ulimit -c",
        "test 1 -eq",
        "[ 1 -lt",
        "kill -0",
        "break",
        "getopts a",
        "enable",
        "compgen -W",
        "select taken in",
        "function",
        "alias",
        "shopt -s",
        "declare -i taken;",
        "command -v",
        "builtin",
        "RANDOM=1",
        "readonly",
        "mapfile",
        "return",
        "cd",
        "shift",
        "type",
        "hash",
        "umask",
    ];
    prop_oneof![4 => prop::sample::select(harmless.to_vec()), 1 => prop::sample::select(risky.to_vec())].prop_map(str::to_owned)
}

/// Scripts that are mostly right.
pub fn well_formed() -> impl Strategy<Value = String> {
    let word = word(value().boxed());
    let simple = (name(), vec(word.clone(), 0..4)).prop_map(|(name, words)| format!("{name} {}", words.join(" "))).boxed();
    let command = simple.prop_recursive(3, 12, 3, move |inner| compound(inner, word.clone()));
    vec(command, 1..4).prop_map(|commands| commands.join("\n"))
}

fn word(leaf: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let leaf = prop_oneof![2 => leaf, 2 => plain()].boxed();
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            6 => vec(inner.clone(), 1..3).prop_map(|parts| parts.concat()),
            6 => vec(inner.clone(), 1..3).prop_map(|parts| format!("\"{}\"", parts.join(" ").replace('"', ""))),
            6 => inner.clone().prop_map(|word| format!("$(echo {word})")),
            4 => inner.clone().prop_map(|word| format!("taken={word}")),
            2 => inner.clone().prop_map(|word| format!("<(echo {word})")),
            1 => inner.clone().prop_map(|word| format!("taken=({word})")),
            1 => inner.clone().prop_map(|word| format!("'{}'", word.replace('\'', ""))),
            1 => inner.clone().prop_map(|word| format!("`echo {}`", word.replace('`', ""))),
            1 => inner.clone().prop_map(|word| format!("${{w:-{word}}}")),
            1 => inner.clone().prop_map(|word| format!("$(({word}))")),
            1 => inner.clone().prop_map(|word| format!("a[{word}]=1")),
            1 => inner.prop_map(|word| format!("\\{word}")),
        ]
    })
    .boxed()
}

fn compound(inner: BoxedStrategy<String>, word: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let pair = (inner.clone(), inner.clone());
    prop_oneof![
        pair.clone().prop_map(|(a, b)| format!("if {a}; then {b}; fi")),
        pair.clone().prop_map(|(a, b)| format!("{{ {a}; }} && ({b})")),
        pair.clone().prop_map(|(a, b)| format!("{a} | {b} || true")),
        pair.clone().prop_map(|(a, b)| format!("f() {{ {a}; }}; f || {b}")),
        (word.clone(), inner.clone()).prop_map(|(word, a)| format!("for taken in {word}; do {a}; done")),
        (word.clone(), word.clone(), inner.clone()).prop_map(|(w, p, a)| format!("case {w} in {p}) {a};; (b|*) {a} ;; esac")),
        (plain(), plain(), inner.clone()).prop_map(|(a, b, c)| format!("[[ {a} == {b} ]] || {c}")),
        (plain(), inner.clone()).prop_map(|(a, b)| format!("(( {a} > 1 )) || {b}")),
        (word.clone(), word.clone()).prop_map(|(a, b)| format!("[[ {a} == $(({b})) ]]")),
        (inner.clone(), word.clone()).prop_map(|(a, word)| format!("{a} <<EOF\n{word}\n\"'$({a})\nEOF\n")),
        (inner.clone(), word.clone()).prop_map(|(a, word)| format!("{a} <<-'E' 2>&1\n\t{word}\n\tE\n")),
        (inner.clone(), word.clone()).prop_map(|(a, word)| format!("{a} <<<{word} >/dev/null")),
        inner.prop_map(|a| format!("true \\\n {a} # it's {a}")),
    ]
    .boxed()
}

/// Pieces in any order.
pub fn torn() -> impl Strategy<Value = String> {
    let pieces = [
        "'",
        "\"",
        "`",
        "$(",
        ")",
        "(",
        "((",
        "))",
        "$((",
        "${w:-",
        "}",
        "{",
        "[[ ",
        " ]]",
        "[ ",
        " ]",
        "\\",
        "\n",
        "\\\n",
        " ",
        " ",
        " ",
        ";",
        ";;",
        "&",
        "|",
        "<<EOF",
        "<<-'E'",
        "\nEOF\n",
        "\n\tE\n",
        "<",
        ">",
        "<(",
        "#",
        "$",
        "$'",
        "eval ",
        "echo ",
        "echo ",
        "printf %s ",
        "case ",
        " in ",
        "esac",
        "if ",
        " then ",
        " fi",
        "for taken in ",
        " do ",
        " done",
        "taken=",
        "a[",
        "]=",
        "test ",
        "-v ",
        "$v",
        "f() {",
        "function ",
        "!",
        "~",
        "*",
        "&&",
        ",",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(str::to_owned);
    vec(prop_oneof![3 => piece, 2 => value()], 1..14).prop_map(|pieces| format!("echo {}", pieces.concat()))
}
