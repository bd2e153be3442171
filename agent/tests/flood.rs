//! Very much output: the command is never blocked, little memory is taken, and what is kept and said is exact.

mod harness;

use harness::{Agent, Controller, assert_exited, full, most_resident, wait_within};
use pulse_protocol::message::Stream;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;
const MOST_RESIDENT: u64 = 64 * MIB;
const PATIENCE: Duration = Duration::from_secs(120);

/// What a program that only reads and hashes makes of a script's output.
fn bare(script: &str) -> (u64, String, Duration) {
    let begun = Instant::now();
    let mut child = Command::new("/bin/sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        match pipe.read(&mut buffer).unwrap() {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    child.wait().unwrap();
    (bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), begun.elapsed())
}

/// Runs a script that repeats a pattern very often, and holds everything against what must come of it.
fn flood(what: &str, script: &str, size: u64, pattern: &[u8]) {
    let (bytes, digest, alone) = bare(script);
    assert_eq!(bytes, size);
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    let (done, go) = (root.path().join("done"), root.path().join("go"));
    let end = format!("{script}; : > '{}'; until [ -e '{}' ]; do sleep 0.05; done", done.display(), go.display());
    let assignment = controller.attempt(&end);
    let attempt = assignment.attempt;
    controller.incarnation();
    let begun = Instant::now();
    controller.assign(vec![assignment]);
    wait_within(PATIENCE, "the command to be through", || done.exists().then_some(()));
    let took = begun.elapsed();
    let shim = most_resident(agent.shims()[0]).unwrap();
    std::fs::write(go, "").unwrap();
    let ended = wait_within(PATIENCE, "the end", || controller.heard.lock().unwrap().end(attempt));
    let resident = most_resident(agent.child.id() as i32).unwrap();
    println!(
        "{what}, {size} bytes: {took:?}, by a bare program {alone:?}; agent {} KiB, shim {} KiB",
        resident / 1024,
        shim / 1024
    );
    assert_exited(&ended, 0);
    assert_eq!((ended.stdout.bytes, ended.stdout.sha256), (size, digest));
    assert!(resident < MOST_RESIDENT && shim < MOST_RESIDENT, "agent {resident}, shim {shim} bytes");

    let heard = controller.heard.lock().unwrap();
    let (mut head, mut end, mut tail) = (0, 0, 0);
    for (offset, data) in &heard.output[&(attempt, Stream::Stdout)] {
        let expected = pattern.iter().cycle().skip((*offset % pattern.len() as u64) as usize);
        assert!(data.iter().zip(expected).all(|(found, expected)| found == expected), "{what}: other bytes at {offset}");
        if *offset > end {
            head = if head == 0 { end } else { head };
            tail = *offset;
        }
        end = offset + data.len() as u64;
    }
    assert!(head >= MIB && end == size && size - tail >= 4 * MIB, "{what}: head {head}, tail {tail}..{end}");
}

fn size() -> u64 {
    if full() { 1_000_000_000 } else { 64_000_000 }
}

#[test]
fn very_many_lines_are_drained_and_counted() {
    let size = size();
    flood("lines", &format!("yes 'a line like many others' | head -c {size}"), size, b"a line like many others\n");
}

#[test]
fn one_line_without_an_end_is_output_like_any_other() {
    let size = size();
    flood("one line", &format!("head -c {size} /dev/zero | tr '\\0' x"), size, b"x");
}
