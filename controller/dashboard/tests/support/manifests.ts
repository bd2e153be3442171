/** What the tests' controllers serve. */

export const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script> \u202Egnp.exe javascript:alert(3) ]]> &lt;b&gt;';

const workflow = (name: string, spec: string, extra = '') => `apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata:\n  name: ${name}\n  labels: {team: infra}\n${extra}spec:\n${spec}`;

export const FILES: Record<string, string> = {
  'hello.yaml': workflow(
    'hello',
    `  description: Say hello.
  params:
    - {name: name, type: string, pattern: '[A-Za-z ]+', maxLength: 20, default: World, description: Whom to greet.}
    - {name: count, type: int, min: 1, max: 9, default: 2}
  steps:
    - id: greet
      type: execute
      targets: [all]
      command: echo "Hello," {{ params.name }}
`,
  ),
  'differ.yaml': workflow(
    'differ',
    `  description: Three servers say the same, and one does not.
  concurrency: {policy: Allow}
  steps:
    - id: look
      type: execute
      targets: [all]
      command: |
        echo "kernel 6.1.0"
        echo "disk ok"
        if [ "$PULSE_AGENT" = "db-1" ]; then printf '\\033[31mERROR\\033[0m: disk is full\\n' >&2; exit 3; fi
        echo "load fine"
`,
  ),
  'ask.yaml': workflow(
    'ask',
    `  description: Look, ask, act.
  concurrency: {policy: Allow}
  params:
    - {name: ticket, type: string, default: OPS-1}
  steps:
    - id: look
      name: Look
      type: execute
      targets: [all]
      command: |
        if [ "$PULSE_AGENT" = "db-1" ]; then echo "7 packages"; else echo "12 packages"; fi
    - id: approve
      type: prompt
      message: "{{ params.ticket }}: install the updates?"
      options: ["Yes", {value: "No", goto: end}]
      timeout: 1h
      onTimeout: {answer: "No"}
    - id: act
      type: execute
      targets: [all]
      command: echo installed
`,
  ),
  'long.yaml': workflow(
    'long',
    `  description: Runs until somebody ends it.
  concurrency: {policy: Allow}
  steps:
    - id: tick
      type: execute
      targets: [web-1]
      command: |
        i=0; while true; do i=$((i+1)); echo "tick $i"; sleep 0.2; done
`,
  ),
  'big.yaml': workflow(
    'big',
    `  description: Writes a lot.
  steps:
    - id: write
      type: execute
      targets: [web-1]
      command: |
        seq 1 30000 | sed 's/^/line /'; echo "fatal: the last line" ; seq 1 5
`,
  ),
  'hostile.yaml': workflow(
    'hostile',
    `  description: ${JSON.stringify(HOSTILE)}
  params:
    - {name: text, type: string, default: ${JSON.stringify(HOSTILE)}, description: ${JSON.stringify(HOSTILE)}}
  steps:
    - id: write
      type: execute
      targets: [web-1]
      command: |
        printf '%s\\n' {{ params.text }}
        printf '\\033]0;title\\007\\033]8;;javascript:alert(4)\\007click\\033]8;;\\007 \\033[31mred\\033[0m \\033]52;c;ZXZpbA==\\007 \\033[2J\\033[H\\033[?1049h<b>bold</b>\\n'
        printf 'bidi \\342\\200\\256 txt.exe\\n'
    - id: ask
      type: prompt
      message: "{{ params.text }}"
      options: [${JSON.stringify(HOSTILE)}, "Stop"]
`,
    `  annotations: {note: ${JSON.stringify(HOSTILE)}}\n`,
  ),
  'route.yaml': workflow(
    'route',
    `  description: Goes where a value leads.
  steps:
    - {id: check, type: execute, targets: [web-1], command: echo "DISK=91"}
    - {id: read, type: parse}
    - id: choose
      type: route
      routes:
        - {if: int(state.disk) >= 90, goto: clean, label: full}
        - {default: true, goto: fine, label: room}
    - {id: clean, type: execute, targets: [web-1], command: echo cleaned, goto: end}
    - {id: fine, type: execute, targets: [web-1], command: echo fine}
`,
  ),
  'nightly.yaml': `apiVersion: pulse.dev/v1
kind: Schedule
metadata: {name: nightly}
spec:
  description: Every night.
  cron: "30 2 * * *"
  timeZone: Asia/Tokyo
  workflow: hello
  params: {name: Night}
`,
};

export const AGENTS: Record<string, string> = { 'web-1': 'role=web,env=prod', 'web-2': 'role=web,env=prod', 'web-3': 'role=web,env=dev', 'db-1': 'role=db,env=prod' };
