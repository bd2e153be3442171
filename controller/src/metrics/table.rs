//! Every metric there is. `docs/metrics.md` is held to this table by a test, and so is what a controller says.
//!
//! Labels are bounded: words of this program, templates of routes, names of sources. No agent, no person, no parameter and no execution is
//! a label; a workflow's name is one only where a token guards the metrics.

/// What kind of a metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, from 0 at the start of the process.
    Counter,
    /// As it is now.
    Gauge,
    /// How many observations were at most so large.
    Histogram,
}

impl Kind {
    /// The word for it in the exposition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, as queries write it.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// One sentence, without the stop at its end.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Row {
    Row { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Row {
    Row { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Row {
    Row { name, kind: Kind::Histogram, labels, help }
}

/// Every metric.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    gauge("pulse_build_info", &["version"], "Always 1; the release of this controller"),
    gauge("pulse_leader", &[], "1 while this controller is the active one, 0 while it connects, stands by, takes over or is cut off"),
    gauge("pulse_phase", &["phase"], "1 for the phase this controller is in: connecting, standby, taking_over, active, cut_off or over"),

    counter("pulse_http_requests_total", &["method", "route", "status"], "Answered requests, by the template of their route; `other` is the dashboard and what is nowhere"),
    histogram("pulse_http_request_duration_seconds", &["method", "route"], "Seconds from a request's head to the head of its answer"),

    counter("pulse_syncs_total", &["source", "outcome"], "Looks at a source, by what came of them: applied, unchanged, refused, held, unreachable or error"),
    histogram("pulse_sync_duration_seconds", &["source"], "Seconds of a look at a source, from its first reading to its recorded end"),
    gauge("pulse_sync_last_timestamp_seconds", &["source"], "When the last look at a source ended, however it did"),
    gauge("pulse_sync_last_success_timestamp_seconds", &["source"], "When the last look ended after which the source's head was live"),
    gauge("pulse_sync_last_outcome", &["source", "outcome"], "1 for the outcome of the last look at a source, 0 for the others"),
    gauge("pulse_live_definitions", &["kind"], "Definitions that are live: workflows and schedules"),
    counter("pulse_webhook_deliveries_total", &["outcome"], "Webhooks, by whether they were let in or the reason why not"),

    gauge("pulse_queue_depth", &["queue"], "What is to be worked on now or is being worked on: executions, schedules, and writes that wait for the database"),
    histogram("pulse_reconcile_duration_seconds", &["loop"], "Seconds of one look at an execution or a schedule, its commit included"),
    counter("pulse_reconcile_errors_total", &["loop"], "Looks at an execution or a schedule that failed and are tried again"),

    counter("pulse_transitions_total", &["object", "to"], "Committed changes of state: of executions, steps, attempts and prompts"),
    gauge("pulse_executions", &["status"], "Executions that are not over, by their state"),
    gauge("pulse_executions_waiting", &["reason"], "Executions that wait, by what they wait for: unknown, person, timer, queue or pause"),
    counter("pulse_executions_ended_total", &["workflow", "status"], "Executions that ended here; the workflow is named only where a token guards the metrics"),
    histogram("pulse_execution_duration_seconds", &["status"], "Seconds from an execution's acceptance to its end, people's time included"),
    histogram("pulse_dispatch_latency_seconds", &[], "Seconds from the decision to run a command on an agent to the commit of the agent's word that it started, or of its end where that came first"),
    gauge("pulse_attempts_open", &[], "Attempts that may be running, or of which nobody knows"),
    gauge("pulse_prompts_open", &[], "Prompts that wait for an answer"),

    gauge("pulse_agents", &["state"], "Agents, by their state: online, stale, offline, quarantined or revoked"),
    gauge("pulse_agent_slots", &["state"], "Slots of the agents that are online, free and taken"),

    counter("pulse_schedule_slots_total", &["outcome"], "Slots of schedules that are settled: fired, skipped or missed"),
    histogram("pulse_schedule_lateness_seconds", &[], "Seconds from a slot's nominal time to the commit of its execution, jitter and catching up included"),

    histogram("pulse_database_batch_size", &[], "Items of each group commit"),
    histogram("pulse_database_commit_duration_seconds", &[], "Seconds from the begin of a group commit to its durable end, tries included"),
    counter("pulse_database_errors_total", &["kind"], "Tries at the database that failed: transient (away, busy, full), lasting, fenced (another controller has taken over), unclear (a commit's answer was lost)"),
    counter("pulse_database_retries_total", &[], "Transactions that were tried again"),
    gauge("pulse_database_connections", &["pool", "state"], "Connections to the database: those that write and those that read, idle and busy"),

    counter("pulse_trace_executions_total", &["outcome"], "Ended executions whose traces were exported, or were not: dropped (the queue was full, or the history could not be read), failed (the collector refused or did not answer)"),

    counter("process_cpu_seconds_total", &[], "Seconds of CPU that this process has used"),
    gauge("process_resident_memory_bytes", &[], "Bytes of memory that this process has"),
    gauge("process_virtual_memory_bytes", &[], "Bytes of address space that this process has"),
    gauge("process_open_fds", &[], "Open file descriptors"),
    gauge("process_max_fds", &[], "How many file descriptors may be open"),
    gauge("process_threads", &[], "Threads"),
    gauge("process_start_time_seconds", &[], "When this process began"),
];

/// The row of a name.
pub fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::{Kind, TABLE, row};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_conventional() {
        let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
        for row in TABLE {
            assert_eq!(row.name.ends_with("_total"), row.kind == Kind::Counter, "{}", row.name);
            assert!(row.name.starts_with("pulse_") || row.name.starts_with("process_"), "{}", row.name);
            assert!(row.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", row.name);
            assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.name);
            for forbidden in ["agent", "execution", "attempt", "user", "principal", "path", "url"] {
                assert!(!row.labels.contains(&forbidden), "{}: {forbidden}", row.name);
            }
        }
        assert!(row("pulse_leader").is_some() && row("pulse_nothing").is_none());
    }
}
