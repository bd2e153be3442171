//! The agent's log: lines to stderr, by a filter that can be exchanged.

use anyhow::{Context, Result};
use pulse_settings::Layers;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// Exchanges the filter of the log that was begun.
pub type Exchange = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// The filter that the settings name.
pub fn filter(layers: &Layers) -> Result<EnvFilter> {
    let given = layers.value("PULSE_LOG").context("PULSE_LOG is not set")?;
    let parsed = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).parse(&given.text);
    parsed.with_context(|| format!("{}: `{}` is no filter; write `info` or `debug`", given.place, given.text))
}

/// Begins to log. Once for each process.
pub fn begin(filter: EnvFilter, colours: bool) -> Result<Exchange> {
    // A log that cannot be written, such as one on a full disk, must not end the thread that writes it.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_writer(std::io::stderr);
    let lines = lines.with_ansi(std::io::stderr().is_terminal() && colours).with_env_filter(filter).with_filter_reloading();
    let handle = lines.reload_handle();
    lines.finish().try_init()?;
    // It fails only when there is no log any more.
    Ok(Box::new(move |filter| drop(handle.reload(filter))))
}
