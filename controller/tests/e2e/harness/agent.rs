//! An agent's process, and its shims.

use super::process::{Process, Resources, signal, wait_gone};
use super::{binaries, sweep, wait};
use std::path::{Path, PathBuf};

/// `pulse-agent`, dead or alive.
pub struct Agent {
    /// Its name.
    pub name: String,
    process: Option<Process>,
    environment: Vec<(String, String)>,
    data: PathBuf,
    log: PathBuf,
}

impl Agent {
    /// Prepares one with a data folder of its own; nothing runs yet.
    pub fn new(root: &Path, server: &str, name: &str, token: &str, slots: u32) -> Self {
        let data = root.join("agents").join(name);
        let settings = [
            ("PULSE_SERVER", server.to_owned()),
            ("PULSE_AGENT_NAME", name.to_owned()),
            ("PULSE_AGENT_TOKEN", token.to_owned()),
            ("PULSE_AGENT_SLOTS", slots.to_string()),
            ("PULSE_AGENT_DATA_DIR", data.display().to_string()),
            ("HOME", root.display().to_string()),
        ];
        let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { name: name.to_owned(), process: None, environment, data, log: root.join(format!("agent-{name}.log")) }
    }

    /// Starts it with further environment, and waits until it has recovered what its data folder holds. It need not reach a
    /// controller for that.
    pub fn start(&mut self, further: &[(String, String)]) {
        let before = self.recoveries();
        self.launch(further);
        wait(&format!("agent {} to recover", self.name), || {
            let process = self.process.as_mut().expect("just started");
            assert!(process.ended().is_none(), "the agent ended at its start:\n{}", process.log());
            (self.recoveries() > before).then_some(())
        });
    }

    /// Starts it, whatever becomes of it.
    pub fn launch(&mut self, further: &[(String, String)]) {
        let environment: Vec<_> = self.environment.iter().chain(further).cloned().collect();
        self.process = Some(Process::start(&binaries::agent(), &[], &environment, &self.log));
    }

    /// Whether it was started and has ended by itself since.
    pub fn is_gone(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_some())
    }

    /// Its exit code, once it was started and has ended by itself; then nothing runs any more.
    pub fn take_end(&mut self) -> Option<Option<i32>> {
        let status = self.process.as_mut()?.ended()?;
        self.process = None;
        Some(status.code())
    }

    /// What it holds now, while it lives.
    pub fn resources(&self) -> Option<Resources> {
        self.process.as_ref()?.resources()
    }

    /// The agent says who it is once it has recovered.
    fn recoveries(&self) -> usize {
        self.log().matches("incarnation=").count()
    }

    /// SIGKILL, without waiting; [`Agent::bury`] waits. Its shims live on.
    pub fn kill(&mut self) {
        self.process.iter_mut().for_each(Process::kill);
    }

    /// Waits until a killed one is gone.
    pub fn bury(&mut self) {
        self.process = None;
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        self.process.iter().for_each(|process| process.signal(name));
    }

    /// SIGTERM: it must end by itself, and well.
    pub fn terminate(&mut self) {
        let status = self.process.as_mut().expect("an agent").terminate();
        assert!(status.success(), "the agent ended with {status} at SIGTERM");
        self.process = None;
    }

    /// Its living shims that have a command in hand, however old they are.
    pub fn shims(&self) -> Vec<i32> {
        sweep::shims(&self.data, false)
    }

    /// SIGKILL to its shims, those that wait for a command among them; says which.
    pub fn kill_shims(&self) -> Vec<i32> {
        self.signal_shims("KILL")
    }

    /// Sends a signal to its shims; says which.
    pub fn signal_shims(&self, name: &str) -> Vec<i32> {
        let shims = sweep::shims(&self.data, true);
        shims.iter().for_each(|pid| signal(*pid, name));
        shims
    }

    /// Waits until killed shims are gone.
    pub fn bury_shims(&self, shims: &[i32]) {
        shims.iter().for_each(|pid| wait_gone(*pid));
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
