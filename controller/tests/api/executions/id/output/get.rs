use crate::harness::{Server, workflow};
use pulse_protocol::Observed;
use pulse_protocol::observation::EndKind;

#[test]
fn output_is_text_from_an_offset_and_bytes_on_request() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}/output", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.report(attempt, Observed::Started { pid: 1 });
    // The piece ends within the two bytes of `é`: its beginning is kept back until the rest is there.
    agent.output(attempt, 0, b"caf\xc3");
    let begun = server.until(&path, |page| page["items"][0]["end"] == 3);
    assert_eq!(begun["items"][0]["text"], "caf");
    agent.output(attempt, 4, b"\xa9\n");
    // Ten bytes were cut, then comes a byte that is no text.
    agent.output_after_cut(attempt, 16, 10, b"\xff!");
    agent.ended(attempt, EndKind::Exited { code: 0 }, 18);
    let page = server.until(&path, |page| page["items"].as_array().unwrap().len() == 2 && page["items"][1]["total"] == 18);
    let (first, second) = (&page["items"][0], &page["items"][1]);
    assert_eq!((&first["text"], &first["end"], &first["agent"]), (&"café\n".into(), &6.into(), &"web-1".into()));
    assert_eq!((&second["text"], &second["offset"], &second["cut"]), (&"\u{fffd}!".into(), &16.into(), &10.into()), "{page}");

    let one = format!("{path}?attempt={attempt}&stream=stdout");
    assert_eq!(server.get(&format!("{one}&from=5")).ok()["items"][0]["text"], "\n");
    let raw = server.get(&format!("{one}&raw=true"));
    assert_eq!((raw.body.as_slice(), raw.header("x-pulse-cut-bytes")), (b"caf\xc3\xa9\n\xff!".as_slice(), "10"));
    assert_eq!(raw.header("content-type"), "application/octet-stream");
}

#[test]
fn a_character_is_never_torn_however_many_pieces_it_comes_in() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}/output", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.report(attempt, Observed::Started { pid: 1 });
    let text = "a𝄞€é\n";
    for (offset, byte) in text.bytes().enumerate() {
        agent.output(attempt, offset as u64, &[byte]);
        let whole = text.floor_char_boundary(offset + 1) as u64;
        let page = server.until(&path, |page| page["items"][0]["total"] == offset as u64 + 1);
        assert_eq!((&page["items"][0]["end"], page["items"][0]["text"].as_str()), (&whole.into(), Some(&text[..whole as usize])));
    }
    // A page ends before the character that it has no room for.
    let long = format!("{}𝄞", "x".repeat(1024 * 1024 - text.len() - 2));
    let chunks = long.as_bytes().chunks(50_000).zip((text.len() as u64..).step_by(50_000));
    chunks.for_each(|(chunk, offset)| agent.output(attempt, offset, chunk));
    let whole = (text.len() + long.len()) as u64;
    agent.ended(attempt, EndKind::Exited { code: 0 }, whole);
    let page = server.until(&path, |page| page["items"][0]["total"] == whole && page["nextCursor"].is_string());
    let next = server.get(&format!("{path}?cursor={}", page["nextCursor"].as_str().unwrap())).ok();
    let texts = [&page, &next]
        .map(|page| page["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap()).collect::<String>());
    assert!(texts.concat() == format!("{text}{long}"), "{} and {:?}", texts[0].len(), texts[1]);
}

#[test]
fn filters_narrow_and_wrong_ones_are_said() {
    let server = Server::with(&[("a.yaml", &workflow("a", "echo"))]);
    let mut agent = server.agent("web-1");
    let path = format!("/api/v1/executions/{}/output", server.run("a"));
    let attempt = agent.assigned().attempt;
    agent.output(attempt, 0, b"x");
    let count = |query: &str| server.get(&format!("{path}{query}")).ok()["items"].as_array().unwrap().len();
    server.until(&path, |page| page["items"].as_array().unwrap().len() == 1);
    assert_eq!((count("?step=go"), count("?agent=web-1"), count("?stream=stdout")), (1, 1, 1));
    assert_eq!((count("?agent=web-2"), count("?stream=stderr")), (0, 0));
    server.get(&format!("{path}?from=1")).refused(400, "bad_parameter");
    server.get(&format!("{path}?raw=true&attempt={attempt}")).refused(400, "bad_parameter");
    server.get(&format!("{path}?stream=stdin")).refused(400, "bad_parameter");
    server.get(&format!("{path}?step=stop")).refused(404, "no_such_step");
    server.get(&format!("{path}?attempt=01930000-0000-7000-8000-000000000000")).refused(404, "no_such_attempt");
    server.get(&format!("{path}?cursor=x")).refused(400, "bad_parameter");
}
