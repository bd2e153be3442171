//! Questions to people: which one is meant, how it is shown, which option is meant, and the answer.

mod answer;
mod choice;
mod shown;

pub use answer::{Answered, send, taken};
pub use choice::{choices, choose, range};
pub use shown::{closed, described, outcome, question};

use crate::client::{Client, encode, view};
use crate::failure::Failure;
use crate::views::Execution;
use serde_json::Value;

/// Which of an execution's questions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The one that waits for an answer.
    Open,
    /// That one, or else the last one.
    Last,
}

/// The question that is meant by its own id, or by its execution: what the API says of it.
pub fn find(client: &Client, subject: &str, wanted: Wanted) -> Result<Value, Failure> {
    let read = |id: &str| client.get(&format!("/prompts/{}", encode(id)));
    // Both have ids of the same form.
    if subject.len() == 36 && !subject.contains('#') {
        match read(subject) {
            Err(failure) if failure.code() == Some("no_such_prompt") => {}
            answer => return answer,
        }
    }
    let execution: Execution = view(client.get(&format!("/executions/{}", encode(subject)))?)?;
    read(one_of(&execution, wanted)?)
}

/// The id of the question of an execution.
fn one_of(execution: &Execution, wanted: Wanted) -> Result<&str, Failure> {
    let open: Vec<_> = execution.open_prompts().collect();
    let last = execution.steps.iter().rev().find_map(|step| Some((step, step.prompt.as_ref()?)));
    match (open.as_slice(), last) {
        ([(_, prompt)], _) => Ok(&prompt.id),
        ([], Some((_, prompt))) if wanted == Wanted::Last => Ok(&prompt.id),
        ([], last) => {
            let failure = Failure::new(format!("{} is {}, and asks nobody", execution.name, execution.status));
            Err(match last {
                Some((step, prompt)) => failure
                    .with_help(format!("its last question is that of step {}: pulse describe prompt {}", step.id, prompt.id)),
                None => failure.with_help("`pulse get prompts` lists the questions that wait"),
            })
        }
        (several, _) => {
            let each: Vec<String> = several.iter().map(|(step, prompt)| format!("{} (step {})", prompt.id, step.id)).collect();
            let help = format!("say which one: {}", each.join(", "));
            Err(Failure::new(format!("{} asks {} questions", execution.name, several.len())).with_help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, one_of};
    use crate::views::Execution;
    use serde_json::{Value, json};

    fn execution(prompts: &[(&str, &str, Value)]) -> Execution {
        let steps: Vec<Value> = prompts
            .iter()
            .map(|(id, status, closed)| {
                let prompt = json!({"id": format!("p-{id}"), "message": "Go?", "options": ["Yes"], "closedAt": closed});
                json!({"id": id, "type": "prompt", "status": status, "prompt": prompt})
            })
            .collect();
        serde_json::from_value(json!({"id": "x", "name": "a#1", "workflow": "a", "status": "waiting", "steps": steps})).unwrap()
    }

    #[test]
    fn an_execution_means_its_only_open_question() {
        let closed = json!("2026-11-21T05:00:00Z");
        let two = execution(&[("ask", "succeeded", closed.clone()), ("again", "waiting", Value::Null)]);
        assert_eq!(one_of(&two, Wanted::Open).unwrap(), "p-again");
        let over = execution(&[("ask", "succeeded", closed), ("gone", "cancelled", Value::Null)]);
        assert_eq!(one_of(&over, Wanted::Last).unwrap(), "p-gone");
        let refused = one_of(&over, Wanted::Open).unwrap_err().to_string();
        assert!(
            refused.contains("a#1 is waiting, and asks nobody") && refused.contains("pulse describe prompt p-gone"),
            "{refused}"
        );
        let several = execution(&[("a", "waiting", Value::Null), ("b", "waiting", Value::Null)]);
        let refused = one_of(&several, Wanted::Open).unwrap_err().to_string();
        assert!(refused.contains("asks 2 questions") && refused.contains("p-a (step a), p-b (step b)"), "{refused}");
        assert!(one_of(&execution(&[]), Wanted::Last).unwrap_err().to_string().contains("pulse get prompts"));
    }
}
