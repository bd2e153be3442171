//! The answer: sent as often as it takes, since it means one thing; and what came of it.

use crate::client::{Client, encode};
use crate::failure::Failure;
use crate::output::when;
use crate::views::{text, time};
use serde_json::{Value, json};

/// What came of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// It counts; what the server said of it.
    Taken(Value),
    /// The question had been closed; how, in a sentence.
    Late(String),
}

/// Sends an answer. It is the same answer however often it is sent.
pub fn send(client: &Client, prompt: &str, answer: &str, comment: Option<&str>) -> Result<Answered, Failure> {
    let mut body = json!({ "answer": answer });
    if let Some(comment) = comment {
        body["comment"] = Value::from(comment);
    }
    let unclear =
        format!("whether it was taken is not known; answer again, which does no harm, or look: pulse describe prompt {prompt}");
    match client.post_again(&format!("/prompts/{}/answer", encode(prompt)), &body, &[], &unclear) {
        Ok(taken) => Ok(Answered::Taken(taken)),
        Err(failure) => match late(&failure) {
            Some(how) => Ok(Answered::Late(how)),
            None => Err(failure),
        },
    }
}

/// How the question was closed, if that is why the answer is refused.
fn late(failure: &Failure) -> Option<String> {
    let problem = failure.problem();
    let at = |pointer| time(problem, pointer).map_or_else(String::new, |at| format!(" at {}", when::local(at)));
    match failure.code()? {
        "already_answered" => {
            let (by, answer) = (text(problem, "/answeredBy"), text(problem, "/answer"));
            Some(format!("{by} had answered {answer:?}{}", at("/answeredAt")))
        }
        "prompt_expired" => {
            let taken = match text(problem, "/answer") {
                answer if answer.is_empty() => "and the step failed".to_owned(),
                answer => format!("and {answer:?} was taken"),
            };
            Some(format!("its time ran out{}, {taken}", at("/expiredAt")))
        }
        "prompt_withdrawn" => Some(text(problem, "/detail")),
        _ => None,
    }
}

/// The sentence for an answer that counts.
pub fn taken(answer: &Value, option: &str) -> String {
    let (name, status) = (text(answer, "/name"), text(answer, "/status"));
    let again = if crate::commands::did_change(answer) { "" } else { " already" };
    format!("{name}: {option:?} is recorded{again}; the execution is {status}")
}

#[cfg(test)]
mod tests {
    use super::{late, taken};
    use crate::failure::Failure;
    use serde_json::json;

    #[test]
    fn whoever_was_quicker_is_named() {
        let late = |problem| late(&Failure::new("no").with_problem(problem));
        let winner =
            json!({"code": "already_answered", "answer": "No", "answeredBy": "ada", "answeredAt": "2026-11-21T05:00:00Z"});
        assert!(late(winner).unwrap().starts_with("ada had answered \"No\" at 2026-11-2"));
        let expired = |answer| json!({"code": "prompt_expired", "answer": answer, "expiredAt": null});
        assert_eq!(late(expired(json!("No"))).unwrap(), "its time ran out, and \"No\" was taken");
        assert_eq!(late(expired(json!(null))).unwrap(), "its time ran out, and the step failed");
        assert_eq!(late(json!({"code": "prompt_withdrawn", "detail": "it was cancelled"})).unwrap(), "it was cancelled");
        assert_eq!(late(json!({"code": "no_such_option"})), None);
    }

    #[test]
    fn the_same_answer_again_is_said_to_be_that() {
        let answer = |changed: bool| json!({"name": "a#1", "changed": changed, "status": "running"});
        assert_eq!(taken(&answer(true), "Yes"), "a#1: \"Yes\" is recorded; the execution is running");
        assert_eq!(taken(&answer(false), "Yes"), "a#1: \"Yes\" is recorded already; the execution is running");
    }
}
