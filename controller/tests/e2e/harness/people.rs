//! What people do by the API: they answer, pause, run again, and ask why.

use super::{Api, wait};
use serde_json::{Value, json};

impl Api {
    /// The one prompt of an execution that is open, once there is one.
    #[track_caller]
    pub fn wait_prompt(&self, execution: &str) -> Value {
        wait(&format!("execution {execution} to ask"), || {
            let (_, list) = self.try_get("/api/v1/prompts?limit=500").filter(|(status, _)| *status == 200)?;
            let of = |prompt: &&Value| prompt["execution"] == execution;
            let mut open = list["items"].as_array().expect("a list").iter().filter(of);
            let found = open.next()?.clone();
            assert!(open.next().is_none(), "one prompt at a time: {list:#}");
            Some(found)
        })
    }

    /// A prompt, whole.
    #[track_caller]
    pub fn prompt(&self, id: &Value) -> Value {
        self.get(&format!("/api/v1/prompts/{}", word(id)))
    }

    /// Answers; status and body.
    #[track_caller]
    pub fn try_answer(&self, prompt: &Value, answer: &str) -> (u16, Value) {
        let path = format!("/api/v1/prompts/{}/answer", word(prompt));
        self.try_post(&path, &json!({ "answer": answer }), &[]).expect("an answer")
    }

    /// Answers as the first one.
    #[track_caller]
    pub fn answer(&self, prompt: &Value, answer: &str) {
        let (status, body) = self.try_answer(prompt, answer);
        assert_eq!((status, &body["changed"]), (200, &json!(true)), "{body:#}");
    }

    /// The events of an execution, the first 500.
    #[track_caller]
    pub fn events(&self, execution: &str) -> Vec<Value> {
        let list = self.get(&format!("/api/v1/executions/{execution}/events?limit=500"));
        assert!(list["nextCursor"].is_null(), "one page holds them");
        list["items"].as_array().expect("a list").clone()
    }

    /// The events of these types.
    #[track_caller]
    pub fn events_of(&self, execution: &str, types: &[&str]) -> Vec<Value> {
        let of = |event: &Value| types.iter().any(|kind| event["type"] == *kind);
        self.events(execution).into_iter().filter(of).collect()
    }

    /// The reason of this code, once there is one.
    #[track_caller]
    pub fn wait_why(&self, execution: &str, code: &str) -> Value {
        let path = format!("/api/v1/executions/{execution}/why");
        wait(&format!("execution {execution} to stand still by {code}"), || {
            let (_, list) = self.try_get(&path).filter(|(status, _)| *status == 200)?;
            list["items"].as_array()?.iter().find(|reason| reason["code"] == code).cloned()
        })
    }

    /// Sets a pause; what is said of it.
    #[track_caller]
    pub fn pause(&self, scope: &str, expires: Option<&str>) -> Value {
        let mut body = json!({ "scope": scope, "reason": "the test holds it" });
        if let Some(expires) = expires {
            body["expires"] = json!(expires);
        }
        self.post("/api/v1/pauses", &body)
    }

    /// Ends a pause.
    #[track_caller]
    pub fn end_pause(&self, pause: &Value) -> Value {
        let (status, body) = self.try_delete(&format!("/api/v1/pauses/{}", word(&pause["id"]))).expect("an answer");
        assert_eq!(status, 200, "{body:#}");
        body
    }

    /// Runs an execution again; status and body.
    #[track_caller]
    pub fn try_retry(&self, execution: &str, body: &Value) -> (u16, Value) {
        self.try_post(&format!("/api/v1/executions/{execution}/retry"), body, &[]).expect("an answer")
    }

    /// Runs an execution again; the new one's id.
    #[track_caller]
    pub fn retry(&self, execution: &str, body: &Value) -> String {
        let (status, answer) = self.try_retry(execution, body);
        assert_eq!((status, &answer["retryOf"]), (201, &json!(execution)), "{answer:#}");
        word(&answer["id"]).to_owned()
    }
}

#[track_caller]
fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}"))
}
