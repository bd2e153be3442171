//! Mutated manifests: whatever the bytes, `parse_file` answers, and what it answers makes sense.
//!
//! `FUZZ_SECONDS` says how long the loop runs (2 unless said), `FUZZ_SEED` repeats a run whose seed was printed.

use crd_schemas::problem::code;
use crd_schemas::{Kind, Manifest, Severity, parse_file, schemas};
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Pieces that mean something to YAML or to a manifest.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "\n", "\r\n", "\r", "\t", " ", "  ", "- ", ": ", ":", "? ", "&a ", "*a", "!x ", "!!str ", "|\n", ">-\n", "\"", "'", "\\",
    "{", "}", "[", "]", ",", "#", "---\n", "...\n", "%YAML 1.2\n", "<<: ", "null", "~", "true", "yes", "014", "1e999", ".nan",
    "90s", "{{ params.x }}", "\u{feff}", "\u{0}", "é", "🚀", "\u{2028}", "\\u0000", "end",
    "goto: end", "{from: run, result: failed}", "[Yes, {value: No, goto: end}]", "{answer: No}", "default: ", "type: list", "-0.0",
    "1e-300", "0.1234567890123456", "9223372036854775808", "02:00", "format: regex",
];

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("the corpus").filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect()
}

static VALIDATORS: LazyLock<Vec<(Kind, jsonschema::Validator)>> = LazyLock::new(|| {
    let validator = |schema| jsonschema::draft7::new(&schema).expect("a valid schema");
    Kind::ALL.into_iter().zip(schemas().into_iter().map(|(_, schema)| validator(schema))).collect()
});

/// What holds of any file.
fn check(bytes: &[u8]) {
    let parsed = parse_file("x.yaml", bytes);
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u32 + 1;
    for problem in &parsed.problems {
        assert!(code::ALL.contains(&problem.code.as_str()), "{problem}");
        assert!(problem.line >= 1 && problem.column >= 1 && problem.end_line <= lines.max(1), "{problem} of {lines} lines");
        assert!((problem.line, problem.column) <= (problem.end_line, problem.end_column), "{problem}");
        assert!(!problem.message.is_empty() && !problem.to_string().contains('\n'), "{problem}");
    }
    for document in &parsed.documents {
        let json = serde_json::to_string(&document.manifest).expect("JSON");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), document.manifest);
        let kind = document.manifest.kind();
        let mut whole = serde_json::to_value(&document.manifest).expect("JSON");
        whole["apiVersion"] = "pulse.dev/v1".into();
        assert!(VALIDATORS.iter().any(|(of, schema)| *of == kind && schema.is_valid(&whole)), "the schema refuses {json}");
        for offset in [0, 1, 7, 1000] {
            document.problem_within("/spec/steps/0/command", offset, 3, Severity::Error, "x", "x", None);
        }
    }
}

/// Numbers that a seed decides (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn mutate(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len() + 1);
        let until = (at + dice.below(20)).min(bytes.len());
        match dice.below(6) {
            0 => bytes.insert(at, dice.below(256) as u8),
            1 => drop(bytes.drain(at..until)),
            2 => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].bytes())),
            3 => drop(bytes.splice(at..until, PIECES[dice.below(PIECES.len())].bytes())),
            4 => {
                let copied = bytes[at..until].to_vec();
                let to = dice.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copied));
            }
            _ => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }
    bytes
}

#[test]
fn no_mutated_manifest_makes_the_parser_panic() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_nanos() as u64;
    let seed = number("FUZZ_SEED").unwrap_or(now).max(1);
    println!("FUZZ_SEED={seed}");
    let corpus = corpus();
    let mut dice = Dice(seed);
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    let mut runs = 0_u64;
    while Instant::now() < end {
        let bytes = mutate(&corpus, &mut dice);
        let shown = bytes.clone();
        if std::panic::catch_unwind(|| check(&bytes)).is_err() {
            panic!("FUZZ_SEED={seed}, run {runs}:\n{}", String::from_utf8_lossy(&shown));
        }
        runs += 1;
    }
    println!("{runs} runs");
    assert!(runs > 100, "only {runs} runs");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_text_of_yaml_pieces_is_answered(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(pieces.concat().as_bytes());
    }

    #[test]
    fn any_piece_at_any_place_of_a_command_is_answered(at in 0usize..40, piece in prop::sample::select(PIECES), style in 0usize..4) {
        let mut command = String::from("echo \"a b\" 'c'  d # e é f g h i j k l m");
        let at = (0..=at.min(command.len())).rev().find(|at| command.is_char_boundary(*at)).unwrap_or(0);
        command.insert_str(at, piece);
        let written = match style {
            0 => command,
            1 => format!("'{}'", command.replace('\'', "''")),
            2 => format!("\"{}\"", command.replace('"', "\\\"")),
            _ => format!("|\n        {command}"),
        };
        check(format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  steps:\n    - id: a\n      type: execute\n      targets: [all]\n      command: {written}\n").as_bytes());
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }
}
