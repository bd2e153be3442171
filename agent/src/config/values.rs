//! Values: read from their texts, each with its bounds.

use anyhow::{Context, Result, ensure};
use pulse_protocol::AgentName;
use pulse_settings::{Environment, Given, Layers};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// Longest heartbeat interval, seconds; after 30 the controller takes an agent for offline.
const MAX_HEARTBEAT: u32 = 10;
/// Most labels.
const MAX_LABELS: usize = 64;
/// Most commands side by side.
const MAX_SLOTS: u32 = 256;

/// A setting's value where it is given, read; what is wrong with it begins with its place.
pub(super) fn read<T>(layers: &Layers, name: &str, parse: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    let parse = |given: &Given| parse(&given.text).with_context(|| given.place.to_string());
    layers.value(name).map(parse).transpose()
}

pub(super) fn boolean(text: &str) -> Result<bool> {
    text.parse().with_context(|| format!("`{text}` is neither `true` nor `false`"))
}

pub(super) fn name(text: &str) -> Result<AgentName> {
    text.parse().with_context(|| format!("`{text}` is no agent's name"))
}

pub(super) fn slots(text: &str) -> Result<u32> {
    let slots = whole(text)?;
    ensure!((1..=MAX_SLOTS).contains(&slots), "give a number from 1 to {MAX_SLOTS}, not {slots}");
    Ok(slots)
}

fn whole(text: &str) -> Result<u32> {
    text.parse().with_context(|| format!("`{text}` is no whole number"))
}

/// Longer than ten seconds would let the controller take this agent for offline.
pub(super) fn heartbeat(text: &str) -> Result<Duration> {
    let seconds = whole(text)?;
    if seconds > MAX_HEARTBEAT {
        tracing::warn!("a heartbeat of {seconds} s is too seldom: {MAX_HEARTBEAT} s is the longest in PULSE and is used");
    }
    Ok(Duration::from_secs(seconds.min(MAX_HEARTBEAT).into()))
}

/// The host's name made to fit: lower case, everything else that does not belong a `-`.
pub(super) fn host_name() -> Result<AgentName> {
    let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
    let name: String = host.chars().map(|c| if fits(c) { c } else { '-' }).take(63).collect();
    let name = name.trim_matches(['-', '.']);
    name.parse().with_context(|| format!("the host's name {host:?} makes no agent name: set PULSE_AGENT_NAME"))
}

pub(super) fn labels(text: &str) -> Result<BTreeMap<String, String>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let mut labels = BTreeMap::new();
    for item in items {
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        let wrong = || format!("{item:?} is no label; write key=value, several with commas between");
        let fits = |text: &str| text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        ensure!(item.contains('=') && !key.is_empty() && fits(key) && fits(value), wrong());
        ensure!(labels.insert(key.into(), value.into()).is_none(), "{key:?} is given twice");
    }
    ensure!(labels.len() <= MAX_LABELS, "{} labels are given, at most {MAX_LABELS} are taken", labels.len());
    Ok(labels)
}

/// Where an agent keeps its things unless it is told.
pub(super) fn default_data_dir(environment: &Environment) -> Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/pulse-agent".into());
    }
    let state = environment.get(OsStr::new("XDG_STATE_HOME")).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")));
    Ok(state.context("there is no home folder: set PULSE_AGENT_DATA_DIR")?.join("pulse-agent"))
}
