//! Real agents: `pulse-agent` as processes of their own.

use super::{Controller, Process, beside};
use anyhow::Context;
use std::path::Path;
use std::time::Duration;

/// How long an agent may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Some of them.
pub struct RealAgents {
    /// The processes.
    pub processes: Vec<Process>,
}

impl RealAgents {
    /// Starts so many, and waits until all are there.
    pub async fn start(folder: &Path, controller: &Controller, count: usize, slots: usize) -> anyhow::Result<Self> {
        let token = controller.agents_token(count, "real").await?;
        let names = names(count);
        let mut processes = Vec::new();
        for name in &names {
            let data = folder.join(name);
            std::fs::create_dir_all(&data)?;
            let settings = [
                ("PULSE_SERVER", format!("http://{}", controller.target.address)),
                ("PULSE_AGENT_NAME", name.clone()),
                ("PULSE_AGENT_TOKEN", token.clone()),
                ("PULSE_AGENT_SLOTS", slots.to_string()),
                ("PULSE_AGENT_DATA_DIR", data.join("data").display().to_string()),
            ];
            processes.push(Process::start(&beside("pulse-agent")?, [""; 0], &settings, data.join("log"))?);
        }
        for (name, process) in names.iter().zip(&processes) {
            controller.agent_is(name, "online", PATIENCE).await.with_context(|| process.said())?;
        }
        Ok(Self { processes })
    }
}

/// The names of so many.
pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("real-{number:02}")).collect()
}
