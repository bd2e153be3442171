//! Logs: to stderr, as text for people or as JSON for machines. Secrets never get here: their types do not show them.

mod json;

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to log. Once for each process.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&log.filter)?;
    // A log that cannot be written, such as one on a full disk, must not end the task that writes it.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => {
            lines.fmt_fields(JsonFields::new()).event_format(json::Lines).finish().try_init()?;
        }
    }
    Ok(())
}
