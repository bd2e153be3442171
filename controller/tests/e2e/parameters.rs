//! A hostile value in every place where a value may stand: it comes out byte for byte, and is never executed.

use crate::harness::{Engine, Scene, attempts, errors, on_both, step, with};
use serde_json::{Value, json};
use std::path::Path;

on_both! {
    a_hostile_value_comes_out_unchanged_in_every_place
    a_value_where_a_shell_would_parse_it_is_refused_before_anything_runs
}

/// Everything a shell gives a meaning to, each aimed at making the canary, in at most 60 KiB.
fn hostile(canary: &Path) -> String {
    let canary = canary.display();
    let mut text = format!(
        "$(touch {canary}) `touch {canary}` ; touch {canary} & touch {canary} | touch {canary} || touch {canary}\n\
         && touch {canary}\n\" ; touch {canary} ; \"' ; touch {canary} ; ' \\\" \\' \\\\ \\\n${{IFS}} $PATH $$ $? $! $0 $* $@ $# $-\n\
         * ? [a-z] {{a,b}} ~ ~root !! !x ^a^b # no comment <(touch {canary}) >(touch {canary}) > {canary} >> {canary} < /etc/passwd\n\
         $((1+1)) $[1+1] a=b -n -e -- --help %s %n %x \\n \\t \\0 \\x41 \\c \tTAB\r\x07\x1b[31mred\x1b[0m\u{85}\u{a0}\u{2028}é漢🙂\n\
         EOF\nEND\n{{{{ params.evil }}}} {{{{ not.a.path }}}} %}} }}}}\n  leading, trailing  \n\n"
    );
    let line = format!("';touch {canary};'\";touch {canary};\"$(touch {canary})`touch {canary}`\\\n");
    while text.len() + line.len() + 1 < 60 * 1024 {
        text += &line;
    }
    // Command substitution takes newlines at the end away; a value does not lose them.
    text + "\n"
}

/// Each step writes the value exactly once, between two marks.
fn places() -> Vec<Value> {
    let print = |text: &str| format!("printf '<%s>' {text}");
    let plain = |id: &str, command: String| step(id, &["a1"], &command);
    let of_shell = |id: &str, shell: &str, command: String| with(plain(id, command), json!({ "shell": shell }));
    let document = "cat <<EOF\n<{{ params.evil }}>\nEOF".to_owned();
    let in_env = with(plain("env", print("\"$EVIL\"")), json!({ "env": { "EVIL": "{{ params.evil }}" } }));
    let argv = json!(["/usr/bin/env", "sh", "-c"]);
    vec![
        plain("unquoted", print("{{ params.evil }}")),
        plain("quoted", print("\"{{ params.evil }}\"")),
        plain("within-quotes", print("\"a{{ params.evil }}z\"")),
        plain("within-a-word", print("a{{ params.evil }}z")),
        plain("in-an-assignment", format!("x={{{{ params.evil }}}}; {}", print("\"$x\""))),
        plain("in-a-group", format!("if true; then ( {{ {}; }} ); fi", print("{{ params.evil }}"))),
        plain("here-document", document.clone()),
        of_shell("bash-unquoted", "bash", print("{{ params.evil }}")),
        of_shell("bash-quoted", "bash", print("\"{{ params.evil }}\"")),
        of_shell("bash-here-document", "bash", document),
        in_env,
        plain("declared", print("\"$PULSE_PARAM_EVIL\"")),
        with(plain("argv", print("\"$EVIL\"")), json!({ "shell": argv, "env": { "EVIL": "{{ params.evil }}" } })),
    ]
}

fn a_hostile_value_comes_out_unchanged_in_every_place(engine: Engine) {
    let mut scene = Scene::on(engine, "parameters: hostile, 60 KiB");
    scene.write_workflow("evil", &json!({ "params": [{ "name": "evil", "required": true }], "steps": places() }));
    scene.set_up(&["a1"], 5);
    let canary = scene.path("canary");
    let value = hostile(&canary);
    assert!(value.len() > 59 * 1024 && value.len() <= 60 * 1024);
    let api = scene.controller.api();
    let id = api.start(&json!({ "workflow": "evil", "params": { "evil": value } }));
    let execution = api.wait_ended(&id);
    let errors: Vec<String> = attempts(&execution).iter().map(|attempt| api.output(&id, attempt, "stderr")).collect();
    assert_eq!(execution["status"], "succeeded", "{errors:?}");
    let all = attempts(&execution);
    assert_eq!(all.len(), places().len());
    for attempt in &all {
        let expected = match attempt.step.as_str() {
            "within-quotes" | "within-a-word" => format!("<a{value}z>"),
            "here-document" | "bash-here-document" => format!("<{value}>\n"),
            _ => format!("<{value}>"),
        };
        let found = api.whole_output(&id, attempt, "stdout");
        assert!(found == expected, "step {}: {}", attempt.step, first_difference(&expected, &found));
    }
    assert!(!canary.exists(), "the value was executed");
}

fn first_difference(expected: &str, found: &str) -> String {
    let place = expected.bytes().zip(found.bytes()).position(|(a, b)| a != b).unwrap_or(expected.len().min(found.len()));
    let part = |text: &str| String::from_utf8_lossy(&text.as_bytes()[place..text.len().min(place + 40)]).into_owned();
    let (lengths, wanted, got) = ((expected.len(), found.len()), part(expected), part(found));
    format!("they differ at byte {place} (lengths {lengths:?}): {wanted:?}, found {got:?}")
}

fn a_value_where_a_shell_would_parse_it_is_refused_before_anything_runs(engine: Engine) {
    let mut scene = Scene::on(engine, "parameters: refused places");
    scene.write_workflow("good", &json!({ "steps": [step("only", &["a1"], "true")] }));
    scene.set_up(&["a1"], 5);
    let refused = ["echo '{{ params.x }}'", "eval {{ params.x }}", "echo `echo {{ params.x }}`", "echo $(( {{ params.x }} ))"];
    for (number, command) in refused.into_iter().enumerate() {
        let spec = json!({ "params": [{ "name": "x", "default": "1" }], "steps": [step("only", &["a1"], command)] });
        scene.write_workflow("bad", &spec);
        let sync = scene.controller.api().post("/api/v1/syncs", &json!({}));
        assert_eq!(sync["outcome"], "refused", "{number} {command}: {sync:#}");
        let found: Vec<_> = errors(&sync).into_iter().map(|(file, _, code)| (file, code)).collect();
        assert_eq!(found, [("bad.yaml".to_owned(), "bad-template".to_owned())], "{sync:#}");
    }
    assert_eq!(scene.run("good")["status"], "succeeded", "what is live stays live");
}
