use crate::harness::Server;

#[test]
fn the_page_shows_every_operation_and_loads_nothing_from_elsewhere() {
    let server = Server::start();
    let answer = server.send("GET", "/docs", None, &[], b"");
    let html = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{answer:?}");
    for (_, path, _) in pulse_controller::api::table() {
        assert!(html.contains(path), "{path}");
    }
    for word in ["<script", "style=", "onclick", "http://", "https://"] {
        assert!(!html.to_ascii_lowercase().contains(word), "{word}");
    }
    let style = server.send("GET", "/docs/style.css", None, &[], b"");
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
}
