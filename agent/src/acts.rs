//! Which act a record or a message is, for the failpoints around it.

use crate::session::Record;
use pulse_protocol::failpoint::Act;
use pulse_protocol::{Observed, ToController};

/// The act of appending these records: what is told of them weighs more than what is tidied up with them.
pub fn of_records(records: &[Record]) -> Act {
    let acts = records.iter().map(|record| match record {
        Record::Starting { .. } => (0, Act::JournalStarting),
        Record::Ended { .. } => (1, Act::JournalEnded),
        Record::Acknowledged { .. } => (2, Act::JournalAcknowledged),
        Record::Forgotten { .. } => (3, Act::JournalForgotten),
    });
    acts.min_by_key(|(weight, _)| *weight).map_or(Act::JournalSync, |(_, act)| act)
}

/// The act of sending this message.
pub fn of_message(message: &ToController) -> Act {
    match message {
        ToController::Hello { .. } => Act::SendHello,
        ToController::Identify(_) => Act::SendIdentify,
        ToController::Report { full: true, .. } => Act::SendPicture,
        ToController::Report { observations, .. } => {
            let ends = observations.iter().any(|observation| matches!(observation.observed, Observed::Ended(_)));
            if ends { Act::SendEnded } else { Act::SendReport }
        }
        ToController::Output(_) => Act::SendOutput,
        ToController::Heartbeat { .. } => Act::SendHeartbeat,
        ToController::Pong { .. } => Act::SendPong,
    }
}
