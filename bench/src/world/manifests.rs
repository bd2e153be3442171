//! The workflows that are measured, in a folder that the controller reads.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A folder of manifests.
pub struct Manifests {
    folder: PathBuf,
}

impl Manifests {
    /// An empty folder.
    pub fn new(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A workflow of so many equal steps, which may run beside itself.
    pub fn workflow(&self, name: &str, target: &str, run: &str, steps: usize) -> anyhow::Result<()> {
        let mut text = format!(
            "apiVersion: pulse.dev/v1\nkind: Workflow\nmetadata: {{name: {name}, labels: {{team: bench}}}}\n\
             spec:\n  concurrency: {{policy: Allow}}\n  steps:\n"
        );
        for step in 1..=steps {
            write!(
                text,
                "    - id: s{step}\n      type: execute\n      targets: [\"{target}\"]\n      maxParallel: 1000\n{run}"
            )?;
        }
        Ok(std::fs::write(self.folder.join(format!("{name}.yaml")), text)?)
    }

    /// A workflow for each agent; the bodies that start them.
    pub fn for_each(&self, name: &str, agents: &[String], run: &str, steps: usize) -> anyhow::Result<Vec<String>> {
        let one = |agent: &String| {
            let name = format!("{name}-{agent}");
            self.workflow(&name, agent, run, steps)?;
            Ok(start(&name))
        };
        agents.iter().map(one).collect()
    }
}

/// The body that starts a workflow.
pub fn start(workflow: &str) -> String {
    format!("{{\"workflow\":\"{workflow}\"}}")
}

/// What a step runs: a text for the shell.
pub fn shell(command: &str) -> String {
    format!("      command: {command}\n")
}

/// What a step runs: a program with this last argument.
pub fn program(path: &Path, argument: &Path) -> String {
    format!("      shell: [\"{}\"]\n      command: \"{}\"\n", path.display(), argument.display())
}
