//! Large and hostile files are refused quickly and clearly.

use crd_schemas::{MAX_FILE_BYTES, parse_file};
use std::fmt::Write as _;
use std::time::Duration;

/// The codes found, and how long a processor worked for it. Work, unlike time, stays the same however busy the machine is.
fn codes(text: &str) -> (Vec<String>, Duration) {
    let start = worked();
    let parsed = parse_file("x.yaml", text.as_bytes());
    (parsed.problems.into_iter().map(|problem| problem.code).collect(), worked() - start)
}

/// How long processors have worked for this thread, in which all of the parser runs.
fn worked() -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts what a thread takes");
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("nanoseconds come first"))
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused_before_it_is_parsed() {
    let (found, took) = codes(&"#".repeat(MAX_FILE_BYTES + 1));
    assert_eq!(found, ["file-too-large"]);
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(codes(&"#".repeat(MAX_FILE_BYTES)).0, [] as [String; 0]);
}

#[test]
fn alias_bombs_end_within_a_tenth_of_a_second() {
    let mut lists = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    let mut maps = String::from("a: &a {x: 1, y: 2}\n");
    for (before, name) in ('a'..='y').zip('b'..='z') {
        let nine = vec![format!("*{before}"); 9].join(",");
        writeln!(lists, "{name}: &{name} [{nine}]").expect("a text");
        writeln!(maps, "{name}: &{name} {{x: *{before}, y: *{before}}}").expect("a text");
    }
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(5000), "*a,".repeat(900));
    for bomb in [lists, maps, wide] {
        // Of several tries: what shares the processor, down to its caches and its clock, can make any of them dearer, and none cheaper.
        let tries = std::array::from_fn::<_, 5, _>(|_| {
            let (found, took) = codes(&bomb);
            assert_eq!(found, ["too-complex"]);
            took
        });
        let least = tries.iter().min().expect("five tries");
        assert!(*least < Duration::from_millis(100), "{tries:?}");
    }
}

#[test]
fn deep_and_large_trees_are_refused() {
    let too_many_values = format!("a: [{}]\n", "1,".repeat(200_000));
    let too_many_documents = "---\na: b\n".repeat(2000);
    let deep_flow = format!("a: {}", "[".repeat(300_000));
    let deep_maps = format!("a: {}", "{a: ".repeat(200_000));
    let deep_block = "- ".repeat(400_000);
    for text in [too_many_values, too_many_documents, deep_flow, deep_maps, deep_block] {
        let (found, took) = codes(&text);
        assert_eq!(found, ["too-complex"], "{}", &text[..20]);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn a_file_full_of_problems_names_the_first_ones_and_counts_the_rest() {
    let fields: String = (0..40_000).map(|number| format!("field{number}: x\n")).collect();
    let (found, took) = codes(&format!("apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {{name: a}}\n{fields}"));
    assert_eq!(found.len(), 501);
    assert_eq!(found.last().map(String::as_str), Some("too-many-problems"));
    assert!(took < Duration::from_secs(5), "{took:?}");

    let (found, took) = codes(&format!("apiVersion: pulse.dev/v1\nkind: Agent\n{{{}}}", "a: x, ".repeat(40_000)));
    assert_eq!(found, ["yaml-syntax"]);
    assert!(took < Duration::from_secs(5), "{took:?}");

    let (found, took) = codes(&format!("{{{}}}", "a: x, ".repeat(40_000)));
    assert_eq!(found.len(), 501);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_large_good_file_is_read() {
    let steps: String = (0..1000)
        .map(|number| {
            format!("    - id: s{number}\n      type: execute\n      targets: [all]\n      command: |\n        echo {number}\n")
        })
        .collect();
    let text = format!("apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: w}}\nspec:\n  steps:\n{steps}");
    assert_eq!(codes(&text).0, [] as [String; 0]);
}

#[test]
fn forty_lines_of_comment_are_no_problem() {
    let text =
        format!("{}apiVersion: pulse.dev/v1\nkind: Agent\nmetadata:\n{}  name: a\n", "# x\n".repeat(400), "  # y\n".repeat(400));
    assert_eq!(codes(&text).0, [] as [String; 0]);
}

#[test]
fn near_names_are_looked_for_within_bounds() {
    let name = |number: usize| format!("{number:05}").repeat(12);
    let steps: String =
        (0..1000).map(|number| format!("    - {{id: s{0}, type: wait, duration: 1s, goto: t{0}}}\n", name(number))).collect();
    let values: Vec<String> = (0..1000).map(|number| format!("v{}", name(number))).collect();
    let values = values.join(", ");
    let params: String = (0..9)
        .map(|number| format!("    - {{name: p{number}, type: enum, values: [{values}], default: w{}}}\n", name(number)))
        .collect();
    let head = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n";
    let (found, took) = codes(&format!("{head}  params:\n{params}  steps:\n{steps}"));
    assert_eq!(found.iter().filter(|code| *code == "unknown-step").count(), 491);
    assert_eq!(found.iter().filter(|code| *code == "bad-value").count(), 9);
    println!("{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
