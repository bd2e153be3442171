//! Somebody deletes what the agent keeps on disk while a command runs: nothing hangs, and nothing false is said.

mod harness;

use harness::{Agent, Controller, wait};
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{Assignment, AttemptId};

struct Scene {
    controller: Controller,
    agent: Agent,
    root: tempfile::TempDir,
    attempt: AttemptId,
}

/// A command that runs until the file `go` is there, elsewhere than in the agent's data folder.
fn running() -> Scene {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    let command = format!("until [ -e '{}' ]; do sleep 0.01; done", root.path().join("go").display());
    let assignment: Assignment = controller.attempt(&command);
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    controller.started(attempt);
    assert_eq!(agent.shims().len(), 1);
    Scene { controller, agent, root, attempt }
}

impl Scene {
    /// Deletes a folder below the test's, and lets the command end.
    fn delete(&self, folder: &str) {
        std::fs::remove_dir_all(self.root.path().join(folder)).unwrap();
        std::fs::write(self.root.path().join("go"), "").unwrap();
    }

    fn assert_unknown_and_gone(&self) {
        let ended = self.controller.end(self.attempt);
        assert_eq!(ended.how, EndKind::Unknown { reason: UnknownReason::SupervisorLost }, "{ended:?}");
        wait("the shim's end", || self.agent.shims().is_empty().then_some(()));
    }
}

#[test]
fn a_command_whose_folder_is_deleted_is_unknown_and_its_shim_ends() {
    let scene = running();
    scene.delete(&format!("data/attempts/{}", scene.attempt));
    scene.assert_unknown_and_gone();
    // The agent works on.
    let (_, ended) = scene.controller.run("exit 3");
    harness::assert_exited(&ended, 3);
}

#[test]
fn a_shim_whose_whole_data_folder_is_deleted_ends() {
    let scene = running();
    scene.delete("data");
    scene.assert_unknown_and_gone();
}
