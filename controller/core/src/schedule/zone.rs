//! Time zones by IANA name, from the database that is built into the program: the same answer on every machine.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A name that is no time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownZone {
    pub(crate) message: String,
    pub(crate) help: String,
}

/// The time zone of a name, written as IANA writes it.
pub(crate) fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    let zones = TimeZoneDatabase::bundled();
    let shown: String = name.chars().take(60).collect();
    match zones.get(name) {
        Ok(zone) if zone.iana_name() == Some(name) => Ok(zone),
        Ok(zone) if zone.iana_name().is_some() => {
            let exact = zone.iana_name().unwrap_or_default();
            Err(UnknownZone { message: format!("`{shown}` is no time zone"), help: format!("did you mean `{exact}`?") })
        }
        _ => Err(UnknownZone { message: format!("`{shown}` is no time zone"), help: help(&zones, name) }),
    }
}

fn help(zones: &TimeZoneDatabase, name: &str) -> String {
    let names: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
    let near = crd_schemas::nearest(name, names.iter().map(String::as_str));
    // `Berlin` is as good as `Europe/Berlin` for a person, and so is `Europe/Berlln`.
    let city = || {
        let mut cities = names.iter().filter_map(|full| Some((full.rsplit_once('/')?.1, full.as_str())));
        cities.find(|(city, _)| city.eq_ignore_ascii_case(name)).map(|(_, full)| full)
    };
    match city().or(near) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name, such as `Europe/Berlin` or `UTC`".to_owned(),
    }
}
