//! The whole picture as one message that keeps the protocol's bounds.

use crate::session::{Phase, Session};
use pulse_protocol::frame::MAX_ITEMS;
use pulse_protocol::{AttemptId, Observation};

/// Most bytes of captured text in one picture.
const CAPTURED: usize = 512 * 1024;

/// What the session knows of attempts: those first that the controller has not acknowledged. An end whose output has not gone
/// out, or whose text does not fit, is shown as the state before it; the end itself follows in a report.
pub fn of(session: &Session, mut is_sent: impl FnMut(AttemptId) -> bool) -> Vec<Observation> {
    let mut room = CAPTURED;
    let (mut picture, mut tombstones) = (Vec::new(), Vec::new());
    for (attempt, known) in session.attempts() {
        match &known.phase {
            Phase::Starting | Phase::Running => picture.push((*attempt, known.observed())),
            Phase::Ended { ended, acknowledged: false, .. } => {
                let captured = ended.captured.as_ref().map_or(0, String::len);
                let shown = captured <= room && is_sent(*attempt);
                room -= if shown { captured } else { 0 };
                picture.push((*attempt, if shown { known.observed() } else { known.observed_open() }));
            }
            Phase::Ended { ended, acknowledged: true, .. } => {
                let ended = pulse_protocol::Ended { captured: None, ..ended.clone() };
                tombstones.push((*attempt, pulse_protocol::Observed::Ended(ended)));
            }
        }
    }
    let all = picture.into_iter().chain(tombstones).take(MAX_ITEMS);
    all.map(|(attempt, observed)| Observation { attempt, observed }).collect()
}
