//! Events of older releases, brought to the present form on read. Nothing is ever rewritten in the database. When
//! [`EVENT_VERSION`] rises, a rule for the step from the version before it joins [`upcast`].

use pulse_core::execution::{EVENT_VERSION, Event};

/// The event that a stored body holds.
pub(crate) fn upcast(version: u16, body: &str) -> Result<Event, String> {
    match version {
        // Version 1 is the present form.
        EVENT_VERSION => serde_json::from_str(body).map_err(|error| format!("event body: {error}")),
        newer if newer > EVENT_VERSION => {
            Err(format!("event version {newer} was written by a newer release; this one reads up to {EVENT_VERSION}"))
        }
        older => Err(format!("event version {older} does not exist")),
    }
}

#[cfg(test)]
mod histories;

#[cfg(test)]
mod tests {
    use super::upcast;
    use pulse_core::execution::{EVENT_VERSION, Event};

    #[test]
    fn the_present_version_is_read_and_others_are_refused() {
        assert_eq!(upcast(1, r#"{"type":"started"}"#), Ok(Event::Started));
        assert!(upcast(EVENT_VERSION + 1, r#"{"type":"started"}"#).unwrap_err().contains("newer release"));
        assert!(upcast(0, "{}").unwrap_err().contains("does not exist"));
        assert!(upcast(1, r#"{"type":"exploded"}"#).unwrap_err().contains("exploded"));
    }
}
