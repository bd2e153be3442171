//! What `pulse-agent` can be told.

use crate::program::Program;
use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text)
}

/// The agent.
pub static AGENT: Program = Program {
    name: "pulse-agent",
    settings: &[SETTINGS],
    file: Some("/etc/pulse/agent.yaml"),
    file_names: &["PULSE_CONFIG", "PULSE_AGENT_CONFIG"],
    // A host may have a controller, too, whose environment it shares.
    others: &["PULSE_TOKEN", "PULSE_TOKEN_FILE", "PULSE_FAILPOINT", "PULSE_TEST_*", "PULSE_PLANTED_BUG"],
};

const SETTINGS: &[Setting] = &[
    setting(
        "PULSE_SERVER",
        "server",
        "server",
        Kind::Text("URL"),
        "The controller's address, such as https://pulse.example.org.",
    )
    .live(),
    setting(
        "PULSE_AGENT_TOKEN",
        "token",
        "token-file",
        Kind::Text("TOKEN"),
        "The enrolment token; ignored once the agent is enrolled, and its file may be empty then.",
    )
    .once()
    .live(),
    setting("PULSE_AGENT_NAME", "name", "name", Kind::Text("NAME"), "The agent's name.")
        .or_else("the host's name")
        .older(&["WORKER_NAME"]),
    setting("PULSE_AGENT_LABELS", "labels", "labels", Kind::Map, "Labels, such as role=web,env=prod; shown as self/role=web.")
        .live(),
    setting("PULSE_AGENT_SLOTS", "slots", "slots", Kind::Text("N"), "How many commands run side by side, 1 to 256.")
        .or("5")
        .live()
        .older(&["MAX_CONCURRENT_TASKS"]),
    setting("PULSE_AGENT_DATA_DIR", "dataDir", "data-dir", Kind::Path("DIR"), "Where key, journal and output are kept.")
        .or_else("/var/lib/pulse-agent, or ~/.local/state/pulse-agent when not root"),
    setting("PULSE_CA", "ca", "ca", Kind::Path("FILE"), "A PEM file with the only certificate authorities to trust over https.")
        .or_else("the one that the token names, or the machine's")
        .live(),
    setting("PULSE_INSECURE_HTTP", "insecureHttp", "insecure-http", Kind::Bool, "Speak plain http also to other hosts.")
        .or("false")
        .live(),
    setting(
        "PULSE_AGENT_HEARTBEAT",
        "heartbeat",
        "heartbeat",
        Kind::Text("SECONDS"),
        "The shortest time between two heartbeats, at most 10.",
    )
    .or_else("as the controller says")
    .live()
    .older(&["HEARTBEAT_INTERVAL"]),
    setting("PULSE_LOG", "log", "log", Kind::Text("FILTER"), "What to log, such as `debug` or `info,pulse_agent=debug`.")
        .or("info")
        .live()
        .older(&["RUST_LOG"]),
    setting(
        "PULSE_AGENT_LOCAL",
        "local",
        "local",
        Kind::Path("FILE"),
        "What this host allows: as whom commands may run (allowUsers, defaultUser).",
    )
    .or_else("/etc/pulse/agent.yaml, where there is one"),
    setting(
        "PULSE_AGENT_SHIMS",
        "shims",
        "shims",
        Kind::Path("SOCKET"),
        "A socket at which a service manager starts what makes commands' processes, so that the agent's own bounds do not bind them.",
    ),
    // What this host allows. Only a file of this host says it: neither flags nor an environment, and no controller.
    setting("", "allowUsers", "", Kind::List("USER"), "Users beside the agent's own that commands may run as."),
    setting("", "defaultUser", "", Kind::Text("USER"), "As whom commands run that name nobody.").or_else("the agent's own user"),
];
