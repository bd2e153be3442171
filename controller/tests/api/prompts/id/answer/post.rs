use crate::harness::{ASK, Server, flow};
use serde_json::{Value, json};

fn path(prompt: &Value) -> String {
    format!("/api/v1/prompts/{}/answer", prompt["id"].as_str().unwrap())
}

#[test]
fn the_first_answer_counts_and_any_other_is_told_the_winner() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let asked = server.asks("a");
    let wrong = server.post(&path(&asked), &json!({ "answer": "Perhaps" })).refused(422, "no_such_option");
    assert!(wrong["detail"].as_str().unwrap().contains("Yes"), "it says what there is: {wrong}");
    let done = server.post(&path(&asked), &json!({ "answer": "Yes", "comment": "  looks well \n" })).ok();
    let wanted = json!({ "id": asked["id"], "execution": asked["execution"], "name": "a#1", "answer": "Yes", "changed": true, "status": "succeeded" });
    assert_eq!(done, wanted);
    let again = server.post(&path(&asked), &json!({ "answer": "Yes" })).ok();
    assert_eq!((&again["changed"], &again["status"]), (&json!(false), &json!("succeeded")), "the same by the same person");
    let late = server.post(&path(&asked), &json!({ "answer": "No" })).refused(409, "already_answered");
    assert_eq!((&late["answer"], &late["answeredBy"]), (&json!("Yes"), &json!("admin")));
    let kept = server.get(&format!("/api/v1/prompts/{}", asked["id"].as_str().unwrap())).ok();
    assert_eq!(late["answeredAt"], kept["closedAt"]);
    assert_eq!((&kept["status"], &kept["answer"], &kept["answeredBy"]), (&json!("answered"), &json!("Yes"), &json!("admin")));
    assert_eq!(kept["comment"], "looks well");
}

#[test]
fn of_many_answers_at_once_one_wins() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let asked = server.asks("a");
    let answers = std::thread::scope(|scope| {
        let each = |place: usize| {
            let (server, path) = (&server, path(&asked));
            let answer = if place.is_multiple_of(2) { "Yes" } else { "No" };
            scope.spawn(move || (answer, server.post(&path, &json!({ "answer": answer }))))
        };
        let callers: Vec<_> = (0..12).map(each).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
    });
    let kept = server.get("/api/v1/prompts?status=answered").ok()["items"][0]["answer"].clone();
    let winners = answers.iter().filter(|(_, answer)| answer.status == 200 && answer.json()["changed"] == true).count();
    assert_eq!(winners, 1);
    for (said, answer) in answers {
        match kept == said {
            true => drop(answer.ok()),
            false => assert_eq!(answer.refused(409, "already_answered")["answer"], kept),
        }
    }
}

#[test]
fn what_is_over_without_an_answer_says_how() {
    let timed = ASK.replace('}', ", timeout: 1s, onTimeout: {answer: \"No\"}}");
    let server = Server::with(&[("a.yaml", &flow("a", "", &[&timed])), ("b.yaml", &flow("b", "", &[ASK]))]);
    let (expiring, cancelled) = (server.asks("a"), server.asks("b"));
    let execution = cancelled["execution"].as_str().unwrap();
    server.post(&format!("/api/v1/executions/{execution}/cancel"), &json!({ "reason": "wrong day" })).ok();
    server.post(&path(&cancelled), &json!({ "answer": "Yes" })).refused(409, "prompt_withdrawn");
    let one = |prompt: &Value| format!("/api/v1/prompts/{}", prompt["id"].as_str().unwrap());
    assert_eq!(server.get(&one(&cancelled)).ok()["status"], "withdrawn");
    let expired = server.until(&one(&expiring), |prompt| prompt["status"] == "expired");
    assert_eq!((&expired["answer"], &expired["answeredBy"]), (&json!("No"), &Value::Null));
    let late = server.post(&path(&expiring), &json!({ "answer": "Yes" })).refused(409, "prompt_expired");
    assert_eq!((&late["answer"], &late["expiredAt"]), (&json!("No"), &expired["closedAt"]));
}

#[test]
fn wrong_answers_are_told_apart() {
    let server = Server::with(&[("a.yaml", &flow("a", "", &[ASK]))]);
    let asked = server.asks("a");
    let long = server.post(&path(&asked), &json!({ "answer": "Yes", "comment": "x".repeat(4001) })).refused(400, "bad_parameter");
    assert_eq!(long["errors"][0]["name"], "comment");
    server.post(&path(&asked), &json!({ "comment": "x" })).refused(400, "bad_body");
    server.post(&path(&asked), &json!({ "answer": true })).refused(400, "bad_body");
    let nobody = "/api/v1/prompts/01930000-0000-7000-8000-000000000000/answer";
    server.post(nobody, &json!({ "answer": "Yes" })).refused(404, "no_such_prompt");
    assert_eq!(server.post(&path(&asked), &json!({ "answer": "Yes", "comment": "é".repeat(4000) })).ok()["changed"], true);
}
