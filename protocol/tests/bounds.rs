//! What is too much is refused when it is read and when it is written; whatever bytes come, reading never panics.

mod samples;

use pulse_protocol::files::{MAX_FILES, MAX_FILES_BYTES, is_inside};
use pulse_protocol::frame::{FrameError, MAX_CAPTURE, MAX_CHUNK, MAX_FRAME, MAX_ITEMS, Message, decode, encode};
use pulse_protocol::message::{OutputChunk, Stream};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AgentName, AttemptId, Ended, Epoch, Observation, Observed, ToAgent, ToController, WorkFile};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const EPOCH: Epoch = Epoch(1);

fn report(count: usize, captured: Option<String>) -> ToController {
    let ended = Ended { captured, ..Ended::bare(EndKind::TimedOut) };
    let observation = Observation { attempt: AttemptId(Uuid::nil()), observed: Observed::Ended(ended) };
    ToController::Report { epoch: EPOCH, observations: vec![observation; count], full: false, sequence: 1 }
}

fn chunk(length: usize) -> ToController {
    let (attempt, stream) = (AttemptId(Uuid::nil()), Stream::Stdout);
    ToController::Output(OutputChunk { epoch: EPOCH, attempt, stream, offset: 0, cut: 0, data: vec![0; length] })
}

fn acknowledge(count: usize) -> ToAgent {
    ToAgent::Acknowledge { epoch: EPOCH, ended: vec![AttemptId(Uuid::nil()); count], forget: vec![], output: vec![] }
}

/// At its bound it passes both ways; one more is refused both ways.
fn bound<M: Message>(at: M, beyond: M) {
    assert!(decode::<M>(&encode(&at).unwrap()).is_ok(), "at its bound");
    assert!(matches!(encode(&beyond), Err(FrameError::OutOfBounds { .. })));
    let text = serde_json::to_string(&beyond).unwrap();
    assert!(matches!(decode::<M>(&text), Err(FrameError::OutOfBounds { .. })));
}

#[test]
fn each_bound_holds_in_both_directions() {
    bound(chunk(MAX_CHUNK), chunk(MAX_CHUNK + 1));
    bound(report(MAX_ITEMS, None), report(MAX_ITEMS + 1, None));
    bound(report(1, Some("\u{fffd}".repeat(MAX_CAPTURE))), report(1, Some("x".repeat(3 * MAX_CAPTURE + 1))));
    bound(acknowledge(MAX_ITEMS), acknowledge(MAX_ITEMS + 1));
}

/// An assignment with so many files of so many bytes.
fn assign(count: usize, bytes: usize) -> ToAgent {
    let (_, assign) = samples::to_agent().into_iter().find(|(name, _)| *name == "assign-files").unwrap();
    let ToAgent::Assign { epoch, mut assignments, full } = assign else { panic!("an assignment") };
    let content = Arc::new(vec![0xff; bytes]);
    let file = |n| WorkFile { path: format!("{n}"), executable: false, content: Arc::clone(&content) };
    assignments.truncate(1);
    assignments[0].command.as_mut().unwrap().files = (0..count).map(file).collect();
    ToAgent::Assign { epoch, assignments, full }
}

#[test]
fn files_are_bounded_in_number_and_bytes() {
    bound(assign(MAX_FILES, 1), assign(MAX_FILES + 1, 1));
    bound(assign(4, MAX_FILES_BYTES / 4), assign(4, MAX_FILES_BYTES / 4 + 1));
}

#[test]
fn the_largest_honest_assignment_fits_a_frame() {
    let ToAgent::Assign { epoch, mut assignments, full } = assign(4, MAX_FILES_BYTES / 4) else { panic!("an assignment") };
    let command = assignments[0].command.as_mut().unwrap();
    let empty = |n| WorkFile { path: format!("{n:0512}"), executable: true, content: Arc::default() };
    command.files.extend((4..MAX_FILES).map(empty));
    // Every byte of a value can take six in JSON, every one of a command two.
    command.env = (0..8).map(|n| (format!("{n:0255}"), "\u{1}".repeat(64 * 1024))).collect();
    command.script = "\n".repeat(1 << 20);
    let frame = encode(&ToAgent::Assign { epoch, assignments, full }).unwrap();
    println!("{} of {MAX_FRAME} bytes", frame.len());
    assert!(frame.len() > 10 * 1024 * 1024 && frame.len() < MAX_FRAME - 512 * 1024, "{}", frame.len());
}

#[test]
fn a_path_leads_inside_or_is_none() {
    for path in
        ["a", "a/b", "..a", ".a/.b", "é", "...", "a b", &format!("a/{}", "b".repeat(255)), "a/".repeat(255).trim_end_matches('/')]
    {
        assert!(is_inside(path), "{path:?}");
    }
    for path in
        ["", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/../b", "a/..", "a\0", &"b".repeat(256), &"a/".repeat(300)]
    {
        assert!(!is_inside(path), "{path:?}");
    }
}

#[test]
fn a_frame_that_is_too_long_is_not_even_parsed() {
    let text = " ".repeat(MAX_FRAME + 1);
    assert!(matches!(decode::<ToAgent>(&text), Err(FrameError::TooLong { length }) if length == MAX_FRAME + 1));
    let long = ToAgent::Refused { code: "x".into(), message: "y".repeat(MAX_FRAME), retry_after_ms: None };
    assert!(matches!(encode(&long), Err(FrameError::TooLong { .. })));
}

#[test]
fn names_and_ids_have_one_spelling() {
    for name in ["a", "web-1", "a.b", "0", &"x".repeat(63)] {
        assert_eq!(name.parse::<AgentName>().unwrap().as_str(), name);
    }
    for name in ["", "all", "-a", "a-", ".a", "A", "a_b", "ä", "a b", "a/../b", &"x".repeat(64)] {
        assert!(name.parse::<AgentName>().is_err(), "{name:?}");
    }
    let id = Uuid::from_u128(0xabc).as_hyphenated().to_string();
    assert_eq!(id.parse::<AttemptId>().unwrap().to_string(), id);
    for other in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), String::new()] {
        assert!(other.parse::<AttemptId>().is_err(), "{other}");
    }
}

#[test]
fn unknown_fields_of_an_assignment_are_refused_not_ignored() {
    let assign = samples::to_agent().into_iter().find(|(name, _)| *name == "assign").unwrap().1;
    let text = encode(&assign).unwrap();
    assert!(decode::<ToAgent>(&text.replacen("\"script\"", "\"sandbox\":true,\"script\"", 1)).is_err());
    assert!(decode::<ToAgent>(&text.replacen("\"desired\"", "\"priority\":1,\"desired\"", 1)).is_err());
}

/// xorshift64*: the loop needs speed and a printed seed, not quality.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Honest messages, bent: bytes flipped, cut, doubled, spliced, numbers and tokens put in. FUZZ_SECONDS (2) sets how long,
/// FUZZ_SEED repeats a run.
#[test]
fn bent_frames_never_panic_and_what_passes_can_be_written_again() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    let seed = number("FUZZ_SEED").unwrap_or_else(|| Uuid::new_v4().as_u128() as u64 | 1);
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    println!("FUZZ_SEED={seed}");
    let mut corpus: Vec<String> = samples::to_agent().iter().map(|(_, m)| encode(m).unwrap()).collect();
    corpus.extend(samples::to_controller().iter().map(|(_, m)| encode(m).unwrap()));
    let mut random = Random(seed);
    let (mut rounds, mut passed) = (0_u64, 0_u64);
    while Instant::now() < until {
        for _ in 0..100 {
            let text = bend(&corpus, &mut random);
            rounds += 1;
            passed += u64::from(survives::<ToAgent>(&text, seed)) + u64::from(survives::<ToController>(&text, seed));
        }
    }
    println!("{rounds} frames, {passed} taken");
    assert!(passed > 0 && passed < rounds, "the bending is too weak or too strong: {passed} of {rounds}");
}

fn survives<M: Message + PartialEq>(text: &str, seed: u64) -> bool {
    let Ok(message) = decode::<M>(text) else { return false };
    let again = encode(&message).ok().and_then(|text| decode::<M>(&text).ok());
    // Decimal fractions may lose their last bit; only vitals have any.
    let same = again.as_ref() == Some(&message) || again.is_some() && text.contains("heartbeat");
    assert!(same, "FUZZ_SEED={seed}: not the same when written again: {text}");
    true
}

fn bend(corpus: &[String], random: &mut Random) -> String {
    const TOKENS: [&str; 14] = [
        "null",
        "-1",
        "1e999",
        "18446744073709551616",
        "\"\"",
        "[]",
        "{}",
        "\\u0000",
        "\\ud800",
        "\"type\":\"assign\",",
        "[[[[",
        "{\"a\":",
        "true",
        "\u{feff}",
    ];
    let mut bytes = corpus[random.below(corpus.len())].clone().into_bytes();
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
            3 if !bytes.is_empty() => bytes[at] = b'0' + random.below(10) as u8,
            4 => {
                let other = corpus[random.below(corpus.len())].as_bytes();
                let from = random.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => drop(bytes.drain(at..(at + random.below(20)).min(bytes.len()))),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
