//! Rows of what no request asked for: the controller, or whoever has its command line, did it.

use super::fresh;
use pulse_core::Timestamp;
use pulse_core::audit::{Outcome, Record, Who};
use serde_json::{Map, Value};

/// A row of this moment: `by` is who did it and by what means, such as `("retention", "policy")`.
pub(crate) fn own(by: (&str, &str), action: &str, outcome: Outcome, at: Timestamp, details: Map<String, Value>) -> Record {
    let (name, means) = by;
    Record {
        id: fresh(at),
        at,
        principal: Some(Who { name: name.to_owned(), kind: "controller".to_owned(), means: means.to_owned() }),
        peer: None,
        request_id: None,
        action: action.to_owned(),
        object: None,
        outcome,
        status: None,
        code: None,
        before: None,
        after: None,
        details,
    }
}
