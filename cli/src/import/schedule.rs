//! Scheduled commands as `Schedule`s.

use super::execute::{command, command_entry, targets};
use super::input::{Definition, left};
use super::note::Notes;
use super::params::{literal, text};
use super::steps::{Fields, entry};
use super::yaml::Yaml;
use super::{Built, number};
use serde_json::Value;

/// Builds the `spec`; nothing where something is missing.
pub fn build(definition: &Definition, notes: &mut Notes) -> Option<Built> {
    let (row, place) = (&definition.body, &definition.place);
    let known = [
        "id",
        "command",
        "schedule_type",
        "schedule_value",
        "enabled",
        "next_run",
        "last_run",
        "created_by",
        "created_at",
        "updated_at",
        "targets",
        "worker_ids",
        "worker_id",
    ];
    let unknown = left(row, &known);
    if !unknown.is_empty() {
        notes.check(place, format!("this was left out: {}", unknown.join(", ")), "say it by hand where it matters");
    }
    let rhythm = rhythm(definition, notes);
    let named = ["targets", "worker_ids", "worker_id"].iter().find_map(|field| row.get(*field).filter(|value| !value.is_null()));
    // A column holds a list as its text.
    let listed = named.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(Value::is_array);
    let targets = targets(listed.as_ref().or(named), &place.field("targets"), notes);
    let command = command(row.get("command"), &place.field("command"), notes);
    let (rhythm, targets, command) = (rhythm?, targets?, command?);
    let mut spec = Vec::new();
    spec.extend(definition.description.as_ref().map(|text| entry("description", Yaml::text(text))));
    spec.extend(rhythm);
    // A controller that was away ran a command once that was due meanwhile.
    spec.push(entry("catchUp", Yaml::text("latest")));
    if matches!(row.get("enabled"), Some(Value::Bool(false))) || row.get("enabled").and_then(Value::as_i64) == Some(0) {
        spec.push(entry("suspend", Yaml::word(true)));
    }
    spec.extend(targets);
    spec.push(command_entry(&command, literal(&command), place, notes));
    spec.push(entry("timeout", Yaml::word(number::DEFAULT_TIMEOUT)));
    Some(Built { spec, steps: Vec::new() })
}

fn rhythm(definition: &Definition, notes: &mut Notes) -> Option<Fields> {
    let (row, place) = (&definition.body, &definition.place);
    let kind = row.get("schedule_type").and_then(Value::as_str).unwrap_or_default();
    let value = row.get("schedule_value").and_then(text).unwrap_or_default();
    let (place, value) = (place.field("schedule_value"), value.trim());
    let cron = |cron: String| Some(vec![entry("cron", Yaml::Text(cron)), entry("timeZone", Yaml::text("UTC"))]);
    let found = match kind {
        "cron" if !value.is_empty() => cron(value.to_owned()),
        "hourly" | "daily" if value.is_empty() => cron(format!("@{kind}")),
        "daily" => match time_of_day(value) {
            Some((hour, minute)) => cron(format!("{minute} {hour} * * *")),
            None => return notes.error(&place, "this is no time of day", "write it as `02:30`"),
        },
        "interval" => match value.parse::<crd_schemas::Duration>() {
            Ok(every) => return Some(vec![entry("every", Yaml::word(every))]),
            Err(_) => {
                let help = "write a number and its unit, such as `15m`";
                return notes.error(&place, "which unit this is was never written down", help);
            }
        },
        "hourly" => {
            let help = "write it as `\"schedule_type\": \"cron\"` with five fields, such as `15 * * * *`";
            return notes.error(&place, "this could be a minute of the hour or a number of hours", help);
        }
        _ => {
            let message = format!("a `schedule_type` {kind:?} with this value cannot be translated");
            return notes.error(&place, message, "write `\"schedule_type\": \"cron\"` with five fields as its value");
        }
    };
    notes.check(
        &place,
        "the old PULSE went by its server's clock; here it is UTC",
        "write the server's time zone, such as `timeZone: Europe/Berlin`",
    );
    found
}

fn time_of_day(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.split_once(':')?;
    let part = |text: &str, most: u8| {
        (1..=2).contains(&text.len()).then(|| text.parse().ok()).flatten().filter(|number: &u8| *number <= most)
    };
    Some((part(hour, 23)?, part(minute, 59)?))
}
