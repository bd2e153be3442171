//! Why an execution stands where it stands: the controller's sentence, and the times that belong to it in the viewer's zone.

use crate::output::when;
use jiff::Timestamp;
use serde::Deserialize;

/// One reason.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Its kind, such as `person` or `queued`.
    #[serde(default)]
    pub code: String,
    /// The sentence, without times.
    #[serde(default)]
    pub message: String,
    /// Since when it holds.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When it ends by itself.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The question, for `person`.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The pause, for `paused`.
    #[serde(default)]
    pub pause: Option<String>,
    /// The name of the execution ahead, for `queued`.
    #[serde(default)]
    pub name: Option<String>,
}

impl Reason {
    /// The sentence with its times. Of a question that has several lines only the first one.
    pub fn said(&self, now: Timestamp) -> String {
        let mut lines = self.message.trim().lines();
        let first = lines.next().unwrap_or_default();
        let more = if lines.next().is_some() { " …" } else { "" };
        let since = self.since.map(|since| format!("since {}, {} ago", when::local(since), when::age(Some(since), now)));
        let until = self.until.map(|until| format!("until {}, {}", when::local(until), when::left(until, now)));
        let times: Vec<String> = since.into_iter().chain(until).collect();
        let times = if times.is_empty() { String::new() } else { format!(" ({})", times.join("; ")) };
        format!("{first}{more}{times}")
    }

    /// What a person can do about it, where the reason itself says with what.
    pub fn mend(&self) -> Option<String> {
        match (self.code.as_str(), &self.pause, &self.name) {
            ("paused", Some(pause), _) => Some(format!("to end the pause: pulse resume {pause}")),
            ("queued", _, Some(name)) => Some(format!("to see what holds that: pulse why '{name}'")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use serde_json::json;

    #[test]
    fn times_stand_behind_the_sentence() {
        let now = "2026-11-21T05:10:00Z".parse().unwrap();
        let said = |reason: serde_json::Value| serde_json::from_value::<Reason>(reason).unwrap().said(now);
        let person = json!({"code": "person", "message": "step `ask`: waits for a person: Go?\nSure?", "prompt": "p1",
            "since": "2026-11-21T05:00:00Z", "until": "2026-11-21T06:00:00Z"});
        let shown = said(person);
        assert!(shown.starts_with("step `ask`: waits for a person: Go? … (since 2026-11-2"), "{shown}");
        assert!(shown.contains(", 10m00s ago; until 2026-11-2") && shown.ends_with(", in 50m00s)"), "{shown}");
        assert_eq!(said(json!({"code": "queued", "message": "queued behind a#1", "name": "a#1"})), "queued behind a#1");
    }

    #[test]
    fn what_a_person_can_do_is_said_where_the_reason_knows() {
        let mend = |reason: serde_json::Value| serde_json::from_value::<Reason>(reason).unwrap().mend();
        assert_eq!(mend(json!({"code": "paused", "pause": "u1"})).as_deref(), Some("to end the pause: pulse resume u1"));
        assert!(mend(json!({"code": "queued", "name": "a#1"})).unwrap().contains("pulse why 'a#1'"));
        assert_eq!(mend(json!({"code": "running", "name": "a#1"})), None);
    }
}
