//! What is written is what is read; whatever is done to it between is found before anybody believes it.

use super::files::{put, secrets};
use super::line::{FORMAT, Head, Line};
use super::read::{Lines, verify};
use super::write::Writer;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pulse_store::{Cell, Column, Kind, Part};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

fn lines() -> Vec<Line> {
    let head = Head {
        pulse: "backup".into(),
        format: FORMAT,
        schema: 9,
        release: "0.1.0".into(),
        engine: "sqlite".into(),
        taken_at: 1,
        taken: "1970-01-01T00:00:00.000001Z".into(),
        epoch: 7,
    };
    let column = |name: &str, kind| Column { name: name.into(), kind };
    let columns = vec![column("id", Kind::Text), column("seq", Kind::Int), column("bytes", Kind::Bytes)];
    vec![
        Line::Head(head),
        Line::File { name: "admin-token".into(), text: "secret\n".into() },
        Line::Part(Part::Table { name: "output".into(), columns }),
        Line::Part(Part::Row(vec![Cell::Text("ü\n\"".into()), Cell::Int(i64::MIN), Cell::Bytes(vec![0, 255, 10])])),
        Line::Part(Part::Row(vec![Cell::Null, Cell::Null, Cell::Null])),
    ]
}

fn written() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    lines().iter().for_each(|line| writer.line(line).unwrap());
    let (bytes, end) = writer.finish().unwrap();
    assert_eq!((end.lines, end.rows), (5, 2));
    bytes
}

fn plain(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    verify(bytes).expect_err("it must be refused").to_string()
}

#[test]
fn what_is_written_is_read() {
    let bytes = written();
    let (head, end) = verify(bytes.as_slice()).unwrap();
    assert_eq!((head.schema, head.epoch, end.rows), (9, 7, 2));
    let (mut read, mut found) = (Lines::new(bytes.as_slice()), Vec::new());
    while let Some(line) = read.next().unwrap() {
        found.push(line);
    }
    assert!(matches!(found.pop(), Some(Line::End(_))));
    assert_eq!(found, lines());
}

#[test]
fn whatever_is_cut_off_or_changed_is_refused() {
    let (bytes, text) = (written(), plain(&written()));
    for length in [0, 1, 10, bytes.len() / 2, bytes.len() - 9] {
        assert!(!refusal(&bytes[..length]).is_empty(), "{length}");
    }
    for place in [0, 12, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(verify(changed.as_slice()).is_err(), "at {place}");
    }
    for (from, to, told) in [
        ("secret", "public", "its digest is not"),
        ("\"epoch\":7", "\"epoch\":8", "its digest is not"),
        ("\"format\":1", "\"format\":2", "use the release that made it"),
        ("\"int\"", "\"real\"", "which this release does not know"),
        ("null,null,null", "null,null", "2 values where its table has 3"),
        ("[null,null", "[\"\",\"x\"", "another kind"),
        ("{\"file\"", "{\"fail\"", "no line of a backup"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = refusal(&packed(&text.replacen(from, to, 1)));
        assert!(error.contains(told), "{from}: {error}");
    }
    let without_end = text.lines().take(5).map(|line| format!("{line}\n")).collect::<String>();
    assert!(refusal(&packed(&without_end)).contains("it has no end"));
    assert!(refusal(&packed(&(text.clone() + "[1]\n"))).contains("values where"));
    assert!(refusal(&packed(text.trim_end())).contains("cut off"));
    assert!(refusal(b"hello, world").contains("no backup"));
}

#[test]
fn secrets_come_back_to_their_places_and_nothing_else_comes() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(secrets(from.path()).unwrap(), []);
    std::fs::create_dir(from.path().join("tls")).unwrap();
    let files = ["admin-token", "tls/authority.pem", "tls/authority.key"];
    for name in files.iter().chain(&["process.lock", "tls/other"]) {
        std::fs::write(from.path().join(name), format!("this is {name}\n")).unwrap();
    }
    let lines = secrets(from.path()).unwrap();
    assert_eq!(lines.len(), files.len());
    for line in lines {
        let Line::File { name, text } = line else { panic!("{line:?}") };
        put(to.path(), &name, &text).unwrap();
    }
    for name in files {
        let path = to.path().join(name);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("this is {name}\n"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    for name in ["../admin-token", "/etc/passwd", "tls", "authority.key"] {
        assert!(put(to.path(), name, "x").unwrap_err().to_string().contains("has no place"), "{name}");
    }
}
