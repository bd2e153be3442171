//! Logs: to stderr, as text for people or as JSON for machines. Secrets never get here: their types do not show them.

mod json;

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::util::SubscriberInitExt;

/// Exchanges the filter of the log that was begun; one that does not parse changes nothing.
pub type Exchange = Box<dyn Fn(&str) + Send + Sync>;

/// Begins to log. Once for each process.
pub fn init(log: &Log) -> anyhow::Result<Exchange> {
    let filter = EnvFilter::builder().parse(&log.filter)?;
    // A log that cannot be written, such as one on a full disk, must not end the task that writes it.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(std::io::stderr().is_terminal()).with_env_filter(filter).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.finish().try_init()?;
            Ok(Box::new(move |filter| drop(EnvFilter::builder().parse(filter).map(|filter| handle.reload(filter)))))
        }
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(json::Lines);
            let lines = lines.with_env_filter(filter).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.finish().try_init()?;
            Ok(Box::new(move |filter| drop(EnvFilter::builder().parse(filter).map(|filter| handle.reload(filter)))))
        }
    }
}
