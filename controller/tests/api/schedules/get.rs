use crate::harness::{Server, schedule, workflow};

#[test]
fn schedules_come_page_by_page_and_say_when_they_fire() {
    let files = ["a", "b", "c"].map(|name| (format!("{name}.yaml"), schedule(name, "cron: '0 3 * * *'")));
    let mut files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let work = workflow("work", "echo");
    files.push(("work.yaml", &work));
    let server = Server::with(&files);
    let page = server.get("/api/v1/schedules?limit=2").ok();
    let names = |page: &serde_json::Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["a", "b"]);
    let rest = server.get(&format!("/api/v1/schedules?limit=2&cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    assert_eq!((names(&rest), rest["nextCursor"].is_null()), (vec!["c".into()], true));
    let status = &rest["items"][0]["status"];
    assert_eq!((&status["when"], &status["suspended"]), (&"At 03:00, UTC".into(), &false.into()));
    assert_eq!(status["next"].as_array().unwrap().len(), 10);
}
