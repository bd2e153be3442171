//! `Link` beside `nextCursor`.

use crate::harness::{Answer, Server, workflow};

fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    let (path, rest) = link.strip_prefix('<')?.split_once('>')?;
    assert_eq!(rest, "; rel=\"next\"");
    Some(path.to_owned())
}

#[test]
fn links_lead_through_every_page() {
    let files = ["a", "b", "c", "d", "e"].map(|name| (format!("{name}.yaml"), workflow(name, "echo")));
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let server = Server::with(&files);
    let (mut path, mut names) = ("/api/v1/workflows?limit=2".to_owned(), Vec::new());
    loop {
        let answer = server.get(&path);
        let page = answer.ok();
        names.extend(page["items"].as_array().unwrap().iter().map(|one| one["metadata"]["name"].as_str().unwrap().to_owned()));
        match next(&answer) {
            Some(next) => path = next,
            None => {
                assert!(page["nextCursor"].is_null());
                break;
            }
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!(server.get("/api/v1/syncs").header("link"), "");
}
