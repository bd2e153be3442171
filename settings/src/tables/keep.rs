//! What the controller can be told of what is kept.

use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text)
}

pub(super) const KEEP: &[Setting] = &[
    setting(
        "PULSE_KEEP_EXECUTIONS",
        "keepExecutions",
        "keep-executions",
        Kind::Text("AGE"),
        "How long executions are kept after their end: `12h`, `90d`, `2y` or `forever`.",
    )
    .or("90d"),
    setting(
        "PULSE_KEEP_AT_LEAST",
        "keepAtLeast",
        "keep-at-least",
        Kind::Text("NUMBER"),
        "The newest executions of each workflow that are kept however old.",
    )
    .or("100"),
    setting(
        "PULSE_KEEP_AT_MOST",
        "keepAtMost",
        "keep-at-most",
        Kind::Text("NUMBER"),
        "Executions of each workflow that are kept at most, however young.",
    )
    .or_else("no bound"),
    setting(
        "PULSE_KEEP_OUTPUT",
        "keepOutput",
        "keep-output",
        Kind::Text("AGE"),
        "How long the output of commands is kept after the end of their execution.",
    )
    .or("30d"),
    setting("PULSE_KEEP_AUDIT", "keepAudit", "keep-audit", Kind::Text("AGE"), "How long rows of the audit log are kept.")
        .or("400d"),
    setting(
        "PULSE_KEEP_AGENTS",
        "keepAgents",
        "keep-agents",
        Kind::Text("AGE"),
        "Revoke agents that were not seen for so long and hold nothing open.",
    )
    .or("forever"),
    setting("PULSE_KEEP_EVERY", "keepEvery", "keep-every", Kind::Duration, "The pause between two looks at what is not kept.")
        .or("10m"),
];
