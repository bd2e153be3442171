//! Compiled commands in real shells: a value comes out as it went in, or its place is refused; no shell ever parses it. The
//! witness is a file that every hostile value tries to create.

mod scripts;

use proptest::prelude::*;
use pulse_core::template::{ShellKind, Template};
use pulse_core::values::{Context, Scope};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The shells that a step may meet; bash also as a `/bin/sh`.
const SHELLS: [(ShellKind, &[&str]); 3] = [
    (ShellKind::Posix, &["/bin/sh", "-e", "-c"]),
    (ShellKind::Posix, &["/bin/bash", "--posix", "-e", "-c"]),
    (ShellKind::Bash, &["/bin/bash", "-eo", "pipefail", "-c"]),
];

fn scope() -> Scope {
    Scope { params: vec!["x".into(), "y".into()], ..Scope::default() }
}

/// A fresh folder, removed with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shell-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.0);
        assert!(removed.is_ok() || std::thread::panicking(), "the test's folder is removed: {removed:?}");
    }
}

/// What the script printed; panics when a value was parsed.
fn run(argv: &[&str], script: &Template, x: &str, y: &str) -> String {
    let context =
        Context { params: [("x".to_owned(), x.to_owned()), ("y".to_owned(), y.to_owned())].into(), ..Context::default() };
    let environment = script.environment(&context).expect("values within bounds");
    let folder = Folder::new();
    let output = Command::new(argv[0])
        .args(&argv[1..])
        .arg(&script.text)
        .current_dir(&folder.0)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(environment)
        .stdin(Stdio::null())
        .output()
        .expect("the shell starts");
    assert!(!folder.0.join("canary").exists(), "{argv:?} parsed a value\nscript:\n{}\nx: {x:?}\ny: {y:?}", script.text);
    String::from_utf8(output.stdout).expect("the values are UTF-8")
}

/// Values that do harm wherever a shell reads them.
fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "plain",
        "",
        " two  words ",
        "-n",
        "--",
        "*",
        "~",
        "{a,b}",
        "!!",
        "$(touch canary)",
        "`touch canary`",
        "; touch canary;",
        "& touch canary &",
        "| touch canary",
        "|| touch canary",
        "> canary",
        "a\ntouch canary\n",
        "'; touch canary; '",
        "\"; touch canary; \"",
        "'\"`;touch canary;$(touch canary)`\ntouch canary\n",
        "\\",
        "\\\\'\\\"",
        "$HOME ${PATH} $x $$",
        "${x:-$(touch canary)}",
        "a[$(touch canary)]",
        "$((a[$(touch canary)]))",
        "x[$(touch canary)]=1",
        "([0]=$(touch canary))",
        "($(touch canary))",
        "{{ params.y }}",
        "EOF",
        "\nEOF\ntouch canary\n",
        ")\ntouch canary;;\n",
        "# comment",
        "\t\u{b}\u{c}\r\n",
        "ü€😀\u{2028}\u{202e}",
        "%s%n%d",
        "() { :; }; touch canary",
    ]
    .map(str::to_owned)
    .into();
    values.push("$(touch canary);'\"`\\\n".repeat(60 * 1024 / 22));
    values
}

/// Scripts that print `x` between brackets, whatever its place.
const PRINTS: [&str; 16] = [
    "printf '[%s]' {{ params.x }}",
    "printf '[%s]' \"{{ params.x }}\"",
    "printf '[%s]' ''{{ params.x }}''",
    "printf '%s' \"[{{ params.x }}]\"",
    "printf '%s' [{{ params.x }}]",
    "v={{ params.x }}; printf '[%s]' \"$v\"",
    "export V={{ params.x }}; printf '[%s]' \"$V\"",
    "V={{ params.x }} sh -c 'printf \"[%s]\" \"$V\"'",
    "v=$(printf '%s.' {{ params.x }}); printf '[%s]' \"${v%.}\"",
    "v=\"$(printf '%s.' \"$(printf '%s' {{ params.x }}.)\")\"; printf '[%s]' \"${v%..}\"",
    "f() { printf '[%s]' \"$1\"; }; f {{ params.x }}",
    "for v in {{ params.x }}; do printf '[%s]' \"$v\"; done",
    "case {{ params.x }} in {{ params.x }}) printf '[%s]' {{ params.x }};; *) echo other;; esac",
    "if [ {{ params.x }} = {{ params.x }} ] && test -z {{ params.y }}; then printf '[%s]' {{ params.x }}; fi",
    "(set -- {{ params.x }}; printf '[%s]' \"$1\"); exit 0 # {{ params.x }}",
    "env printf '[%s]' \\\n  {{ params.x }}",
];

#[test]
fn a_value_is_printed_as_it_is() {
    for (shell, argv) in SHELLS {
        for script in PRINTS {
            let template =
                Template::compile_shell(script, shell, &scope()).unwrap_or_else(|errors| panic!("{script}: {errors:?}"));
            for value in hostile() {
                assert_eq!(run(argv, &template, &value, ""), format!("[{value}]"), "{argv:?} {}", template.text);
            }
        }
    }
}

#[test]
fn a_here_document_holds_a_value_as_it_is() {
    for (shell, argv) in SHELLS {
        for script in [
            "cat <<EOF\n[{{ params.x }}]\nEOF\n",
            "cat <<-END | cat\n\t[{{ params.x }}]\n\tEND\n",
            "cat <<A <<\\B <<C\n{{ params.y }}\nA\n$(\nB\n[{{ params.x }}]\nC\n",
            "printf '%s\\n' \"$(cat <<EOF\n[{{ params.x }}]\nEOF\n)\"",
            "cat <<EOF\n[$(printf '%s.' {{ params.x }} | sed '$s/[.]$//'; printf .)]\nEOF\n",
        ] {
            let template =
                Template::compile_shell(script, shell, &scope()).unwrap_or_else(|errors| panic!("{script}: {errors:?}"));
            for value in hostile() {
                let printed = run(argv, &template, &value, "").replace(".]\n", "]\n");
                assert_eq!(printed, format!("[{value}]\n"), "{argv:?} {}", template.text);
            }
        }
    }
}

#[test]
fn bash_forms_hold_a_value_as_it_is() {
    let (shell, argv) = SHELLS[2];
    for script in [
        "a=( {{ params.x }} {{ params.x }} ); printf '[%s]' \"${a[1]}\"",
        "mapfile -d '' -t a < <(printf '%s\\0' {{ params.x }}); printf '[%s]' \"${a[0]}\"",
        "IFS= read -r -d '' v <<< {{ params.x }} || true; printf '[%s]' \"${v%?}\"",
        "f() { local v; v={{ params.x }}; printf '[%s]' \"$v\"; }; f",
        "f() { local a=(1); a={{ params.x }}; printf '[%s]' \"$a\"; }; f",
        "a=(1); export a={{ params.x }}; readonly a; printf '[%s]' \"$a\"",
    ] {
        let template = Template::compile_shell(script, shell, &scope()).unwrap_or_else(|errors| panic!("{script}: {errors:?}"));
        for value in hostile() {
            assert_eq!(run(argv, &template, &value, ""), format!("[{value}]"), "{}", template.text);
        }
    }
}

/// Runs the script, if it compiles, in every shell with the values that do most harm. Says whether one took it.
fn never_parses(script: &str) -> bool {
    let values = ["'\"`;touch canary;$(touch canary)`\ntouch canary\n", "a[$(touch canary)]", "$(touch canary)", "eval"];
    let mut taken = false;
    for (shell, argv) in SHELLS {
        let Ok(template) = Template::compile_shell(script, shell, &scope()) else { continue };
        if template.bindings.is_empty() {
            continue;
        }
        taken = true;
        for (x, y) in [(values[0], values[1]), (values[1], values[0]), (values[3], values[2]), ("-v", values[1])] {
            run(argv, &template, x, y);
        }
    }
    taken
}

/// Random scripts of one kind; at least so many of them are taken, or the test would show nothing.
fn random_scripts(strategy: impl Strategy<Value = String>, cases: u32, at_least: u32) {
    let taken = AtomicU32::new(0);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&strategy, |script| {
        taken.fetch_add(u32::from(never_parses(&script)), Ordering::Relaxed);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let taken = taken.into_inner();
    assert!(taken >= at_least, "only {taken} of {cases} scripts were taken");
}

/// How many random scripts each test runs; `PULSE_TEST_CASES` raises it.
#[expect(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn cases() -> u32 {
    std::env::var("PULSE_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(250)
}

#[test]
fn no_well_formed_script_parses_a_value() {
    random_scripts(scripts::well_formed(), cases(), cases() / 8);
}

#[test]
fn no_torn_script_parses_a_value() {
    random_scripts(scripts::torn(), cases(), cases() / 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_text_compiles_or_is_refused(text in "(\\PC|\n|\\{\\{ params\\.x \\}\\}|[\"'`$(){}<>&|;#\\\\]){0,60}") {
        for shell in [ShellKind::Posix, ShellKind::Bash, ShellKind::Argv] {
            if let Err(errors) = Template::compile_shell(&text, shell, &scope()) {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(text.is_char_boundary(error.offset), "{error:?}");
                    prop_assert!(error.offset + error.length <= text.len() || error.length == 1, "{error:?}");
                }
            }
        }
    }
}
