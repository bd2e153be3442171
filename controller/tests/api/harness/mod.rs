//! A controller in this process, and callers of it.

mod agent;
mod answer;
mod server;

pub use agent::Agent;
pub use answer::Answer;
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
