//! Manifests for benchmarks: workflows of three steps and, each tenth, an agent.

/// Where a manifest stands, a hundred to a folder.
pub fn path(index: usize) -> String {
    format!("ops/{:03}/{index:05}.yaml", index / 100)
}

/// Its name.
pub fn name(index: usize) -> String {
    let kind = if is_agent(index) { "agent" } else { "workflow" };
    format!("{kind}-{index:05}")
}

/// Whether it is an agent.
pub fn is_agent(index: usize) -> bool {
    index % 10 == 9
}

/// Its text, another one in each round.
pub fn text(index: usize, round: usize) -> String {
    if is_agent(index) { agent(index, round) } else { workflow(index, round) }
}

fn agent(index: usize, round: usize) -> String {
    format!(
        "apiVersion: pulse.dev/v1\nkind: Agent\nmetadata:\n  name: {}\n  labels: {{role: web, round: r{round}}}\n",
        name(index)
    )
}

fn workflow(index: usize, round: usize) -> String {
    format!(
        "apiVersion: pulse.dev/v1
kind: Workflow
metadata:
  name: {}
  labels: {{team: infra}}
spec:
  description: Update the package list, look, upgrade; round {round}.
  params:
    - {{name: ticket, type: string, required: true}}
  steps:
    - id: refresh
      type: execute
      targets: [all]
      command: apt-get update
      timeout: 10m
      retry: {{attempts: 3}}
    - id: look
      type: execute
      targets: [\"role=web\"]
      command: echo {{{{ params.ticket }}}} && apt-get --just-print upgrade
    - id: upgrade
      type: execute
      when: steps.refresh.status == \"succeeded\"
      targets: [\"role=web\"]
      maxParallel: 5
      command: apt-get upgrade -y
      timeout: 2h
",
        name(index)
    )
}
