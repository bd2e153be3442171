//! The controller's process, and its API.

use super::process::{Process, Resources};
use super::{Api, binaries, port, wait};
use std::path::{Path, PathBuf};

/// `pulse-controller`, dead or alive.
pub struct Controller {
    process: Option<Process>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    api: Api,
}

impl Controller {
    /// Prepares one in `root`, on a port of its own; nothing runs yet.
    pub fn new(root: &Path, database_url: &str) -> Self {
        Self::named("controller", root, database_url, uuid::Uuid::new_v4().simple().to_string())
    }

    /// The same with a data folder of this name, and this administrator's token.
    pub fn named(name: &str, root: &Path, database_url: &str, token: String) -> Self {
        let address = format!("127.0.0.1:{}", port::free());
        let path = |name: &str| root.join(name).display().to_string();
        let settings = [
            ("PULSE_LISTEN", address.clone()),
            ("PULSE_DATA_DIR", path(name)),
            ("PULSE_DATABASE_URL", database_url.to_owned()),
            ("PULSE_SOURCE_URL", path("source")),
            ("PULSE_ADMIN_TOKEN", token.clone()),
            ("PULSE_LOG", "info".to_owned()),
        ];
        let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let api = Api::new(format!("http://{address}"), token);
        Self { process: None, environment, log: root.join(format!("{name}.log")), api }
    }

    /// Has these settings from its next start on.
    pub fn set(&mut self, settings: impl IntoIterator<Item = (&'static str, String)>) {
        self.environment.extend(settings.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }

    /// Is spoken to over https from now on; this authority vouches for it.
    pub fn secure(&mut self, authority: &str) {
        self.api = self.api.clone().secure(authority);
    }

    /// Starts it, with further environment, and waits until it serves and has looked at its source once.
    pub fn start(&mut self, further: &[(String, String)]) {
        self.launch(further);
        self.wait_ready();
        self.api.wait_synced();
    }

    /// Starts it, whatever becomes of it.
    pub fn launch(&mut self, further: &[(String, String)]) {
        let environment: Vec<_> = self.environment.iter().chain(further).cloned().collect();
        self.process = Some(Process::start(&binaries::controller(), &[], &environment, &self.log));
    }

    /// Waits until it is ready.
    pub fn wait_ready(&mut self) {
        let process = self.process.as_mut().expect("a controller");
        wait("the controller to be ready", || {
            assert!(process.ended().is_none(), "the controller ended at its start:\n{}", process.log());
            self.api.is_ready().then_some(())
        });
    }

    /// Whether it was started and has ended by itself since.
    pub fn is_gone(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_some())
    }

    /// What it holds now, while it lives.
    pub fn resources(&self) -> Option<Resources> {
        self.process.as_ref()?.resources()
    }

    /// Its exit code, once it was started and has ended by itself; then nothing runs any more.
    pub fn take_end(&mut self) -> Option<Option<i32>> {
        let status = self.process.as_mut()?.ended()?;
        self.process = None;
        Some(status.code())
    }

    /// Waits for its end, and answers its exit code.
    pub fn wait_ended(&mut self) -> Option<i32> {
        self.process.take().expect("a controller").wait().code()
    }

    /// Its API; calls fail while it is dead.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// SIGKILL, without waiting; [`Controller::bury`] waits.
    pub fn kill(&mut self) {
        self.process.iter_mut().for_each(Process::kill);
    }

    /// Waits until a killed one is gone.
    pub fn bury(&mut self) {
        self.process = None;
    }

    /// SIGKILL, then a new start with further environment.
    pub fn crash(&mut self, further: &[(String, String)]) {
        self.kill();
        self.bury();
        self.start(further);
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        self.process.iter().for_each(|process| process.signal(name));
    }

    /// SIGTERM: it must end by itself, and well.
    pub fn terminate(&mut self) {
        let status = self.process.as_mut().expect("a controller").terminate();
        assert!(status.success(), "the controller ended with {status} at SIGTERM");
        self.process = None;
    }

    /// Everything it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
