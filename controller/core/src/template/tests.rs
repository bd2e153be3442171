//! What a text becomes; what is refused, with the mend. That a real shell agrees is tests/template_shell.rs.

use super::*;
use crate::values::EarlierStep;

fn scope() -> Scope {
    Scope {
        params: vec!["x".into(), "y".into()],
        earlier_steps: vec![EarlierStep::new("check", "execute")],
        in_target: true,
        ..Scope::default()
    }
}

fn compile(text: &str, shell: ShellKind) -> String {
    match Template::compile_shell(text, shell, &scope()) {
        Ok(template) => template.text,
        Err(errors) => {
            let said = errors.iter().map(|error| {
                let place = &text[error.offset..(error.offset + error.length).min(text.len())];
                format!(
                    "refused at {} {place:?}: {}\n    mend: {}",
                    error.offset,
                    error.message,
                    error.help.as_deref().unwrap_or("-")
                )
            });
            said.collect::<Vec<_>>().join("\n  ")
        }
    }
}

fn table(texts: &[&str], shell: ShellKind) -> String {
    texts.iter().map(|text| format!("{text}\n  {}\n", compile(text, shell))).collect()
}

#[test]
fn text_is_joined_with_values_and_values_are_not_looked_at() {
    let context = Context { params: [("x".to_owned(), "{{ params.x }} $(id)".to_owned())].into(), ..Context::default() };
    let template = Template::compile_text("a {{params.x}} b {{ \"{{.State}}\" }} }} {{ execution.number }}", &scope());
    let rendered = template.map(|template| template.render(&context));
    assert_eq!(rendered, Ok(Ok("a {{ params.x }} $(id) b {{.State}} }} 0".to_owned())));
}

#[test]
fn a_value_becomes_a_reference() {
    let texts = [
        "apt-get install -y {{ params.x }}",
        "apt-get install -y pkg={{ params.x }}-1 {{params.y}}{{params.x}}",
        "echo \"a {{ params.x }} b\" 'it''s' {{ steps.check.stdout }} {{ agent.labels.role }} {{ steps.check.stdout }}",
        "x={{ params.x }}; export PATH={{ params.x }}:$PATH",
        "cat <<EOF\n{{ params.x }} \"$HOME\" '{{ params.y }}'\nEOF\necho {{ params.x }}",
        "cat <<-'A' <<B\n\t\\$( ' \n\tA\n{{ params.x }}\nB\n",
        "y=$(printf '%s' {{ params.x }} | tr a b) && echo \"$(cat \"{{ params.y }}\")\"",
        "case {{ params.x }} in\n  (a|{{ params.y }}) echo {{ params.x }};;\n  *) exit 1\nesac",
        "if [ {{ params.x }} = yes ] && ! test -n {{ params.y }}; then echo {{ params.x }}; fi # about {{ params.x }}",
        "for f in {{ params.x }}; do grep -q {{ params.y }} \"$f\" || exit $((2 + 1)); done < {{ params.x }}",
        "f() { echo \"$1\"; }; f {{ params.x }}; (cd /tmp && ls {{ params.y }}) > \"/tmp/{{ params.x }}\" 2>&1",
        "docker inspect -f '{{ \"{{.State.Status}}\" }}' {{ params.x }}",
        "/opt/{{ params.x }}/bin/run; ./{{ params.y }} a",
        "env {{ params.x }} \\\n  --flag",
        "ls ${HOME:-/root} `pwd` $'a' {{ params.x }} \"${#HOME}\"",
        "command -v {{ params.x }}",
    ];
    insta::assert_snapshot!(table(&texts, ShellKind::Posix));
}

#[test]
fn bash_knows_more() {
    let texts = [
        "read -r a <<< {{ params.x }}",
        "a=( {{ params.x }} b ); diff <(echo {{ params.x }}) <(echo {{ params.y }}) &> /dev/null",
        "((i++)) || true; for ((i=0; i<3; i++)); do echo {{ params.x }}; done",
        "[[ $a == b* && ( -n $c ) ]] && echo {{ params.x }}",
        "function f { echo {{ params.x }}; }",
        "echo $'it\\'s' {{ params.x }}",
    ];
    insta::assert_snapshot!(table(&texts, ShellKind::Bash));
}

/// What people write every day must not be refused out of caution.
#[test]
fn everyday_scripts_are_taken() {
    let script = r##"#!/bin/sh
set -eu
tmp=$(mktemp); trap "rm -f $tmp" EXIT
# It's {{ params.x }}'s turn
for pkg in $(echo {{ params.x }} | tr , ' '); do
  if ! dpkg -s "$pkg" >/dev/null 2>&1; then
    apt-get install -y "$pkg={{ params.y }}" || { echo "no $pkg for {{ params.x }}" >&2; exit 1; }
  fi
done
cat > /etc/app.conf <<EOF
name={{ params.x }}
home=${HOME:-/root} user=$(id -un) 5\$ "quoted" 'single'
EOF
while read -r line; do
  echo "$line: {{ params.y }}"
done < /etc/hosts
[ -n "$(command -v curl)" ] && [ "$#" -gt 0 ] && [ {{ params.x }} != no ]
awk -v v={{ params.x }} '{ print v, $1 }' /etc/passwd
find / -name "*.{{ params.x }}" -exec ls -l {} \; | head -n $((1 + 2))
systemctl restart {{ params.x }}.service || journalctl -u {{ params.x }} -n 50
case "$1" in start|stop) ;; *) echo "usage: {{ params.x }}" ;; esac
test -f /etc/os-release && . /etc/os-release
curl -fsS "https://example.org/{{ params.x }}?a=1&b=2" | jq -r '.a[] | select(.b == "c")'
rsync -a --exclude='*.tmp' ./ "deploy@{{ params.y }}:/srv/{{ params.x }}/"
sed -i "s/^name=.*/name=fixed/" /etc/app.conf && echo "${tmp##*/} ${#tmp} $$ $? $!"
docker run --rm -e NAME={{ params.x }} -v "$PWD":/w image:{{ params.y }} \
  sh -c 'echo "$NAME"'
log() { printf '%s %s\n' "$(date +%F)" "$*"; }
log "done {{ params.x }}" &
wait
"##;
    let bash = r##"files=(/etc/*.conf)
for ((i = 0; i < ${#files[@]}; i++)); do
  [[ -f ${files[i]} && ${files[i]} =~ ^/etc/(a|b) ]] || continue
  grep -H {{ params.x }} "${files[$i]}" || true
done
mapfile -t lines < <(journalctl -u {{ params.x }})
(( ${#lines[@]} > 0 )) || exit 1
"##;
    for (script, shell) in [(script, ShellKind::Posix), (script, ShellKind::Bash), (bash, ShellKind::Bash)] {
        let compiled = compile(script, shell);
        assert!(!compiled.contains("refused at"), "{compiled}");
    }
}

#[test]
fn what_a_shell_would_parse_is_refused() {
    let texts = [
        "echo '{{ params.x }}'",
        "cat <<'EOF'\n{{ params.x }}\nEOF",
        "cat <<{{ params.x }}\nEOF",
        "echo $(( {{ params.x }} + 1 ))",
        "echo $(( $(echo {{ params.x }}) + 1 ))",
        "(( {{ params.x }} > 1 ))",
        "[[ {{ params.x }} -eq 1 ]]",
        "echo `cat {{ params.x }}`",
        "echo \"${HOME:-{{ params.x }}}\"",
        "a[{{ params.x }}]=1",
        "echo \\{{ params.x }} \"\\{{ params.y }}\"",
        "echo ${{ params.x }} \"${{ params.y }}\"",
        "{{ params.x }} {{ params.y }}",
        "command {{ params.x }}",
        "$SUDO {{ params.x }}",
        "eval echo {{ params.x }}",
        "command e'va'l \"echo {{ params.x }}\"",
        "$SUDO eval {{ params.x }}",
        "trap \"rm {{ params.x }}\" EXIT",
        "let n={{ params.x }}",
        "declare n={{ params.x }}",
        "export {{ params.x }}",
        "local v={{ params.x }}",
        "unset {{ params.x }}",
        "read {{ params.x }}",
        "printf {{ params.x }} {{ params.y }}",
        "printf \"{{ params.x }}\\n\"",
        "[ -v {{ params.x }} ]",
        "[ {{ params.x }} {{ params.y }} ]",
        "PS4={{ params.x }} true",
        "RANDOM={{ params.x }}",
        "for PS4 in {{ params.x }}; do true; done",
        "function {{ params.x }} { true; }",
        ". {{ params.x }}",
        "echo a >& {{ params.x }}",
    ];
    insta::assert_snapshot!(table(&texts, ShellKind::Bash));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let texts = [
        "echo {{ params.x }} 'open",
        "echo {{ params.x }} \"open",
        "echo {{ params.x }} $(open",
        "cat <<EOF\n{{ params.x }}",
        "x=$(cat <<EOF)\n{{ params.x }}\nEOF\n",
        "cat <<EOF \"a\nb\"\n{{ params.x }}\nEOF\n",
        "cat <<EOF\na\\\nEOF\necho {{ params.x }}\nEOF\n",
        "shopt -s extglob; echo {{ params.x }}",
        "alias e=eval; e {{ params.x }}",
        "declare -i n; n={{ params.x }}",
        "echo $[ 1 ] {{ params.x }}",
        "(\\\n( y = {{ params.x }} ))",
        "if true; th\\\nen eval {{ params.x }}; fi",
        "{eval,-} {{ params.x }}",
        "[ {-v,{{ params.x }}} ]",
        ". /dev/stdin <<EOF\n{{ params.x }}\nEOF\n",
        "((echo a); echo {{ params.x }})",
        "echo {{ params.x }}\r\n",
        "case {{ params.x }} of",
        "echo {{ params.x }} ;; b",
        "echo @(a|b) {{ params.x }}",
        "cat &> f {{ params.x }}",
    ];
    insta::assert_snapshot!(table(&texts, ShellKind::Posix));
}

#[test]
fn a_script_without_values_is_left_as_it_is() {
    for text in ["echo 'open", "eval \"$x\" \\", "cat <<EOF", "$((", "docker inspect -f '{{ \"{{.State}}\" }}'"] {
        let expected = text.replace("{{ \"{{.State}}\" }}", "{{.State}}");
        assert_eq!(compile(text, ShellKind::Posix), expected);
        assert_eq!(compile(text, ShellKind::Argv), expected);
    }
}

#[test]
fn items_that_are_no_paths_are_refused() {
    let texts = [
        "docker inspect -f {{.State.Status}} x",
        "{{ json .Config \"a\" }}",
        "{{ params.x",
        "{{ \"a\" b }}",
        "{{ \"open }}",
        "{{}}",
        "{{ params.z }} {{ steps.later.stdout }}",
        "{{ state.disk }}",
        "{{ params.x == 1 }}",
        "a\0b",
    ];
    insta::assert_snapshot!(table(&texts, ShellKind::Posix));
    insta::assert_snapshot!(compile("print({{ params.x }})", ShellKind::Argv));
}

#[test]
fn values_have_bounds() {
    let value = |length: usize| "x".repeat(length);
    let scope = Scope { params: (0..9).map(|n| format!("p{n}")).collect(), ..Scope::default() };
    let text = scope.params.iter().map(|name| format!("{{{{ params.{name} }}}} ")).collect::<String>();
    let context =
        |length| Context { params: scope.params.iter().map(|n| (n.clone(), value(length))).collect(), ..Context::default() };
    let shell = Template::compile_shell(&format!("echo {text}"), ShellKind::Posix, &scope).expect("a template");
    let plain = Template::compile_text(&text, &scope).expect("a template");
    assert_eq!(shell.environment(&context(10)).map(|environment| environment.len()), Ok(9));
    for length in [MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1] {
        assert!(shell.environment(&context(length)).is_err());
        assert!(plain.render(&context(length)).is_err());
    }
}
