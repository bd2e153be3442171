//! `pulse audit`: what is asked, what is said, how it ends; and an export that is verified without a controller.

mod support;

use pulse_core::Timestamp;
use pulse_core::audit::{Head, Link, Object, Outcome, Record, Sealed, Who};
use serde_json::{Value, json};
use support::{Ended, FakeServer, Reply, pulse};

fn chain(length: i64) -> Vec<Sealed> {
    let (mut rows, mut previous) = (Vec::new(), Link::FIRST);
    for seq in 1..=length {
        let record = Record {
            id: format!("01930000-0000-7000-8000-{seq:012}").parse().expect("an id"),
            at: Timestamp(1_795_000_000_000_000 + seq),
            principal: Some(Who { name: "anna\u{1b}[2J".into(), kind: "user".into(), means: "oidc".into() }),
            peer: Some("10.0.0.7".into()),
            request_id: Some(format!("r-{seq}")),
            action: "execution.start".into(),
            object: Some(Object { kind: "execution".into(), id: format!("e{seq}") }),
            outcome: Outcome::Done,
            status: Some(201),
            code: None,
            before: None,
            after: None,
            details: serde_json::Map::new(),
        };
        let hash = previous.then(&record);
        rows.push(Sealed { seq, record, previous, hash });
        previous = hash;
    }
    rows
}

fn lines(rows: &[Sealed]) -> String {
    rows.iter().map(|row| format!("{}\n", json!(row))).collect()
}

/// Verifies a file of these lines.
fn verify(text: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("export.jsonl");
    std::fs::write(&file, text).expect("written");
    let args = [&["audit", "verify", "--file", file.to_str().expect("UTF-8")], args].concat();
    Ended::from(pulse(&args).output().expect("pulse runs"))
}

#[test]
fn an_export_is_verified_without_a_controller() {
    let rows = chain(6);
    let head = |row: &Sealed| Head { seq: row.seq, hash: row.hash }.to_string();
    let whole = verify(&lines(&rows), &["--head", &head(&rows[5])]);
    assert_eq!(
        (whole.code, whole.stdout.trim()),
        (Some(0), format!("6 rows hold; head {}", head(&rows[5])).as_str()),
        "{whole:?}"
    );
    let part = verify(&lines(&rows[2..]), &["--head", &head(&rows[3]), "-o", "json"]);
    let said: Value = serde_json::from_str(&part.stdout).expect("JSON");
    assert_eq!((part.code, &said["ok"], &said["verified"]), (Some(0), &json!(true), &json!(4)), "{part:?}");
    assert!(part.stderr.contains("the file begins with row 3"), "{part:?}");

    let bad = |change: &dyn Fn(&mut Vec<Sealed>), says: &str| {
        let mut changed = rows.clone();
        change(&mut changed);
        let ended = verify(&lines(&changed), &["--head", &head(&rows[5])]);
        assert!(ended.code == Some(1) && ended.stdout.starts_with(says), "{says}: {ended:?}");
    };
    bad(&|rows| rows[3].record.outcome = Outcome::Refused, "changed: row 4 was changed");
    bad(&|rows| drop(rows.remove(2)), "missing: row 3 is missing");
    bad(&|rows| rows.swap(1, 2), "missing: row 2 is missing");
    bad(&|rows| rows.truncate(4), "truncated: the log ends with row 4, but row 6 is known outside");
    bad(&|rows| rows.clear(), "truncated: the log ends with row 0");
    let broken = verify(&lines(&rows).replace("\"seq\":5", "\"seq\":\"five\""), &[]);
    assert!(
        broken.code == Some(1) && broken.stdout.starts_with("changed: row 5 was changed: it cannot be read (line 5"),
        "{broken:?}"
    );
    for (text, says) in [("no export\n", "line 1"), ("{}\n", "missing field")] {
        let ended = verify(text, &[]);
        assert!(ended.code == Some(2) && ended.stderr.contains(says) && ended.stderr.contains("pulse audit export"), "{ended:?}");
    }
    let nothing = Ended::from(pulse(&["audit", "verify", "--file", "/nowhere/x"]).output().expect("pulse runs"));
    assert!(nothing.code == Some(2) && nothing.stderr.contains("/nowhere/x"), "{nothing:?}");
}

/// A controller with six rows that verifies three at a time.
fn server(fault: bool) -> FakeServer {
    let rows = chain(6);
    FakeServer::start(move |request| {
        let target = request.target.trim_start_matches("/api/v1/audit").to_owned();
        let head = |at: usize| Head { seq: rows[at].seq, hash: rows[at].hash }.to_string();
        let fault = fault.then(|| json!({ "seq": 6, "flaw": "missing", "message": "row 6 is missing" }));
        match target.split('?').next() {
            Some("/export") => Reply::Text(200, lines(&rows)),
            Some("/verify") if target.contains("behind=") => {
                let verified = if fault.is_some() { 2 } else { 3 };
                Reply::Json(
                    200,
                    json!({ "ok": fault.is_none(), "verified": verified, "head": head(5), "next": null, "fault": fault }),
                )
            }
            Some("/verify") => {
                Reply::Json(200, json!({ "ok": true, "verified": 3, "head": head(2), "next": head(2), "fault": null }))
            }
            Some("") => Reply::Json(200, json!({ "items": [json!(rows[5]), json!(rows[4])], "nextCursor": null })),
            _ => Reply::Json(404, json!({ "detail": "there is nothing", "code": "no_such_path" })),
        }
    })
}

#[test]
fn the_controller_is_asked_until_it_is_through() {
    let fine = server(false);
    let ended = fine.pulse(&["audit", "verify"]);
    assert!(ended.code == Some(0) && ended.stdout.starts_with("6 rows hold; head 6:"), "{ended:?}");
    assert_eq!(fine.requests().len(), 2);
    let head = format!("3:{}", chain(3)[2].hash);
    let bad = server(true);
    let ended = bad.pulse(&["audit", "verify", "--head", &head]);
    assert!(ended.code == Some(1) && ended.stdout == "missing: row 6 is missing\n", "{ended:?}");
    assert!(bad.requests().iter().all(|request| request.target.contains(&format!("head={}", head.replace(':', "%3A")))));
}

#[test]
fn an_export_is_written_as_it_comes() {
    let server = server(false);
    let ended = server.pulse(&["audit", "export", "-o", "jsonl", "--from", "1", "--to", "9"]);
    assert_eq!((ended.code, ended.stdout), (Some(0), lines(&chain(6))));
    let request = &server.requests()[0];
    assert_eq!(
        (request.target.as_str(), request.header("authorization")),
        ("/api/v1/audit/export?from=1&to=9", Some("Bearer test-token"))
    );
    let table = server.pulse(&["audit", "export", "-o", "table"]);
    assert!(table.code == Some(2) && table.stderr.contains("jsonl"), "{table:?}");
    let other = server.pulse(&["get", "agents", "-o", "jsonl"]);
    assert!(other.code == Some(2) && other.stderr.contains("this command has no `-o jsonl`"), "{other:?}");
}

#[test]
fn rows_are_listed_on_a_line_each() {
    let server = server(false);
    let filters = ["--principal", "anna", "--outcome", "done", "--since", "2026-11-18T00:00:00Z", "--limit", "7"];
    let ended = server.pulse(&[&["audit", "list"], &filters[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("WHEN") && lines.len() == 3, "{ended:?}");
    assert!(lines[1].contains("anna\\e[2J") && lines[1].contains("execution/e6") && lines[1].contains("done"), "{ended:?}");
    let asked = server.requests()[0].target.clone();
    assert_eq!(asked, "/api/v1/audit?principal=anna&outcome=done&since=2026-11-18T00%3A00%3A00Z&limit=7");
    let wide = server.pulse(&["audit", "list", "-o", "wide"]);
    assert!(wide.stdout.contains("10.0.0.7") && wide.stdout.contains("r-6"), "{wide:?}");
    let names = server.pulse(&["audit", "list", "-o", "name"]);
    assert_eq!(names.stdout.lines().next(), Some("01930000-0000-7000-8000-000000000006"));
    assert_eq!(server.pulse(&["audit", "list", "--outcome", "maybe"]).code, Some(2));
}
