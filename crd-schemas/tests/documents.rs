//! A document knows where each value, and each part of a text, stands in its file.

use crd_schemas::manifest::{Action, Execute, Run};
use crd_schemas::{Document, Manifest, Problem, Severity, parse_file};

const HEAD: &str = "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  steps:\n    - id: a\n      type: execute\n      targets: [all, \"web\"]\n";

fn only(text: &str) -> Document {
    let mut parsed = parse_file("flows/a.yaml", text.as_bytes());
    assert_eq!(parsed.problems, [], "{text}");
    assert_eq!(parsed.documents.len(), 1, "{text}");
    parsed.documents.remove(0)
}

fn execute(document: &Document) -> &Execute {
    let Manifest::Workflow(workflow) = &document.manifest else { panic!("a workflow") };
    let Action::Execute(execute) = &workflow.spec.steps[0].action else { panic!("an execute step") };
    execute
}

fn command_of(document: &Document) -> &str {
    let Run::Command(command) = &execute(document).run else { panic!("a command") };
    command
}

/// The text between a problem's start and end.
fn shown(text: &str, problem: &Problem) -> String {
    let byte = |line: u32, column: u32| {
        let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
        start + text[start..].chars().take(column as usize - 1).map(char::len_utf8).sum::<usize>()
    };
    text[byte(problem.line, problem.column)..byte(problem.end_line, problem.end_column)].to_owned()
}

#[test]
fn a_pointer_leads_to_its_value_or_its_nearest_parent() {
    let text = format!("{HEAD}      command: echo\n      env:\n        A~/B: x\n").replace("A~/B", "AB");
    let document = only(&text);
    let cases = [
        ("/spec/steps/0/command", "echo"),
        ("/spec/steps/0/targets/1", "\"web\""),
        ("/spec/steps/0/targets/7", "["),
        ("/spec/steps/0/env", "env"),
        ("/spec/steps/0/env/AB", "x"),
        ("/spec/steps/0/retry/attempts", "id"),
        ("/spec/steps", "steps"),
        ("/nowhere", "apiVersion"),
        ("", "apiVersion"),
    ];
    for (pointer, expected) in cases {
        let problem = document.problem(pointer, Severity::Warning, "test", "x", None);
        assert_eq!(shown(&text, &problem), expected, "{pointer}");
        assert_eq!((problem.pointer.as_str(), problem.file.as_str()), (pointer, "flows/a.yaml"));
    }
    assert_eq!(document.path(), "flows/a.yaml");
    assert_eq!(document.line("/spec/steps/0/command"), 9);
}

/// Ways to write a command with `NEEDLE` in it.
const COMMANDS: [&str; 22] = [
    "NEEDLE",
    "echo é NEEDLE x",
    "'it''s a NEEDLE'",
    "'''NEEDLE'''",
    "\"a \\\"q\\\" \\u00e9 \\x41 \\U0001F680 NEEDLE\"",
    "\"tab\\tnewline\\nNEEDLE\"",
    "\"slash\\\\NEEDLE\\/\"",
    "\"joined \\\n        NEEDLE\"",
    "plain\n        over lines\n\n        NEEDLE here",
    "'single\n        quoted\n\n        NEEDLE here'",
    "|\n        echo a\n          NEEDLE\n        echo b",
    "|\n        \"NEEDLE\"",
    "|-\n        'a'\n\n\n        x NEEDLE",
    "|+\n        a\n        NEEDLE\n\n",
    "|2\n          indented\n        NEEDLE",
    "| # a comment\n        NEEDLE",
    ">\n        folded é\n        NEEDLE text\n\n        more",
    ">-\n        folded\n          kept\n          NEEDLE\n        more",
    "&anchor NEEDLE",
    "!!str NEEDLE",
    "|\n\n\n        NEEDLE",
    "|\n        for i in 1 2; do\n        \techo \"$i\"\n        done; NEEDLE",
];

#[test]
fn a_part_of_a_text_is_found_however_the_text_is_written() {
    for (command, end) in COMMANDS.iter().flat_map(|command| [(command, "\n"), (command, "\r\n")]) {
        let text = format!("{HEAD}      command: {command}\n      idempotent: true\n").replace('\n', end);
        let document = only(&text);
        let value = command_of(&document);
        let offset = value.find("NEEDLE").expect("the needle");
        let within =
            |offset, length| document.problem_within("/spec/steps/0/command", offset, length, Severity::Error, "test", "x", None);
        assert_eq!(shown(&text, &within(offset, 6)), "NEEDLE", "{text} {value:?}");
        assert_eq!(shown(&text, &within(offset + 2, 2)), "ED", "{text} {value:?}");
        let point = within(offset, 0);
        assert_eq!((point.line, point.column), (point.end_line, point.end_column));
        // Beyond the value or on a half character: some place, and no panic.
        for offset in 0..value.len() + 3 {
            within(offset, 1);
        }
    }
}

#[test]
fn every_word_of_a_block_is_found() {
    let script = "set -eu\nif [ -n \"$A\" ]; then\n  echo 'a  b'\n\n    deep\nfi\n# é comment\n";
    for header in ["|", "|+", "|-"] {
        let body: String = script.lines().map(|line| format!("          {line}\n")).collect();
        let text = format!("{HEAD}      command: {header}\n{body}");
        let document = only(&text);
        let value = command_of(&document);
        assert_eq!(value.trim_end(), script.trim_end());
        let mut offset = 0;
        for word in value.split_inclusive(char::is_whitespace) {
            let trimmed = word.trim_end();
            let problem =
                document.problem_within("/spec/steps/0/command", offset, trimmed.len(), Severity::Error, "test", "x", None);
            assert_eq!(shown(&text, &problem), trimmed, "{header} at {offset}");
            offset += word.len();
        }
    }
}

#[test]
fn an_aliased_text_is_shown_where_it_is_written() {
    let text = format!(
        "{HEAD}      command: &c echo NEEDLE\n    - id: b\n      type: execute\n      targets: [all]\n      command: *c\n"
    );
    let problem = only(&text).problem_within("/spec/steps/1/command", 5, 6, Severity::Error, "test", "x", None);
    assert_eq!((shown(&text, &problem).as_str(), problem.line), ("NEEDLE", 9));
}

#[test]
fn manifests_survive_json() {
    let text = format!(
        "{HEAD}      command: x\n      retry: {{attempts: 3}}\n      onOffline: wait 5m\n      shell: [a, b]\n      onUnknown: fail\n      when: 'true'\n---\n\
         apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {{name: a, labels: {{x: y}}, annotations: {{z: ''}}}}\nspec: {{vars: {{a: b}}, slots: 3}}\n---\n\
         apiVersion: pulse.dev/v1\nkind: Agent\nmetadata: {{name: b}}\n---\n\
         apiVersion: pulse.dev/v1\nkind: AgentGroup\nmetadata: {{name: g}}\nspec: {{agents: [a], selector: x=y}}\n---\n{HEAD}      command: y\n  params: [{{name: a, default: ''}}, {{name: b, required: true}}]\n  concurrency: {{policy: Allow}}\n"
    );
    let parsed = parse_file("all.yaml", text.as_bytes());
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.documents.len(), 5);
    for document in parsed.documents {
        let json = serde_json::to_string(&document.manifest).expect("JSON");
        assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), document.manifest, "{json}");
    }
}
