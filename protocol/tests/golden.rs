//! Every message of version 1 as JSON in `golden/v1`. A change of any of them breaks agents in the field: it needs a new
//! version. `PULSE_BLESS=1` writes files of messages that have none yet; it never overwrites one.

mod samples;

use pulse_protocol::frame::{Message, decode, encode};
use pulse_protocol::version::SUPPORTED;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/v1")
}

fn check<M: Message + PartialEq + Debug>(direction: &str, samples: Vec<(&str, M)>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, message) in samples {
        let name = format!("{direction}-{name}.json");
        let path = folder().join(&name);
        let pretty = serde_json::to_string_pretty(&message).unwrap() + "\n";
        if std::env::var_os("PULSE_BLESS").is_some() && !path.exists() {
            std::fs::write(&path, &pretty).unwrap();
        }
        let golden =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; PULSE_BLESS=1 writes it", path.display()));
        assert_eq!(pretty, golden, "{name}: the message's JSON has changed; that needs a new protocol version");
        assert_eq!(decode::<M>(&golden).unwrap(), message, "{name}");
        assert_eq!(decode::<M>(&encode(&message).unwrap()).unwrap(), message, "{name}");
        names.push(name);
    }
    names
}

#[test]
fn every_message_is_as_it_was() {
    assert_eq!(SUPPORTED.max, 1, "a new version needs its own golden folder");
    let mut names = check("to-controller", samples::to_controller());
    names.extend(check("to-agent", samples::to_agent()));
    let known: BTreeSet<String> = names.into_iter().collect();
    let found: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, known, "files without a message");
}

/// A variant that is added without a sample does not get past this match.
#[test]
fn every_variant_has_a_sample() {
    use pulse_protocol::observation::EndKind;
    use pulse_protocol::{Observed, ToAgent, ToController};
    let mut seen = BTreeSet::new();
    for (_, message) in samples::to_controller() {
        seen.insert(match &message {
            ToController::Hello { .. } => "hello",
            ToController::Identify(_) => "identify",
            ToController::Report { .. } => "report",
            ToController::Output(_) => "output",
            ToController::Heartbeat { .. } => "heartbeat",
            ToController::Pong { .. } => "pong",
        });
        if let ToController::Report { observations, .. } = message {
            seen.extend(observations.iter().map(|o| match &o.observed {
                Observed::Accepted => "accepted",
                Observed::Started { .. } => "started",
                Observed::Ended(ended) => match ended.how {
                    EndKind::Exited { .. } => "exited",
                    EndKind::Signalled { .. } => "signalled",
                    EndKind::TimedOut => "timed out",
                    EndKind::Cancelled => "cancelled",
                    EndKind::NotStarted { .. } => "not started",
                    EndKind::Unknown { .. } => "unknown",
                },
            }));
        }
    }
    seen.extend(samples::to_agent().iter().map(|(_, message)| match message {
        ToAgent::Challenge { .. } => "challenge",
        ToAgent::Welcome { .. } => "welcome",
        ToAgent::Refused { .. } => "refused",
        ToAgent::Assign { .. } => "assign",
        ToAgent::Acknowledge { .. } => "acknowledge",
        ToAgent::Ping { .. } => "ping",
    }));
    assert_eq!(seen.len(), 6 + 8 + 6, "{seen:?}");
}
