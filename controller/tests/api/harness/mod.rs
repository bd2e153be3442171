//! A controller in this process, and callers of it.

mod agent;
mod answer;
mod listener;
mod server;

pub use agent::{Agent, digest};
pub use answer::Answer;
pub use listener::Listener;
pub use server::Server;

/// A workflow with one step on all agents.
pub fn workflow(name: &str, command: &str) -> String {
    format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata:\n  name: {name}\nspec:\n  params:\n    - {{name: who, default: world}}\n  \
         steps:\n    - id: go\n      type: execute\n      targets: [all]\n      onOffline: wait 1h\n      command: {command}\n"
    )
}

/// A schedule that starts the workflow `work`; `when` says the rest of its `spec`.
pub fn schedule(name: &str, when: &str) -> String {
    format!("apiVersion: pulse.dev/v1\nkind: Schedule\nmetadata:\n  name: {name}\nspec:\n  workflow: work\n  {when}\n")
}

/// A workflow with these steps, each a line of flow YAML; `spec` says more of it, such as `concurrency: {policy: Queue}`.
pub fn flow(name: &str, spec: &str, steps: &[&str]) -> String {
    let steps: String = steps.iter().map(|step| format!("    - {step}\n")).collect();
    let spec = if spec.is_empty() { String::new() } else { format!("  {spec}\n") };
    format!(
        "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata:\n  name: {name}\n  labels: {{team: infra}}\nspec:\n{spec}  steps:\n{steps}"
    )
}

/// A step that asks.
pub const ASK: &str = "{id: ask, type: prompt, message: \"Go on?\", options: [\"Yes\", \"No\"]}";
/// A step that runs a command on all agents.
pub const RUN: &str = "{id: go, type: execute, targets: [all], command: echo}";
