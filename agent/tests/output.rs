//! Output: exact totals and digests, head and tail, whatever the bytes are and however many.

mod harness;

use harness::{Agent, Controller, assert_exited, wait};
use pulse_protocol::message::Stream;
use sha2::{Digest, Sha256};

fn scene() -> (Controller, tempfile::TempDir, Agent) {
    let (controller, root) = (Controller::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    (controller, root, agent)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The agent's resident memory, bytes.
fn resident(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn two_hundred_megabytes_keep_head_tail_totals_and_digest() {
    let (controller, root, agent) = scene();
    const SIZE: usize = 200_000_000;
    // Every eight bytes hold their number, so that every position can be told.
    let file = root.path().join("big");
    let mut bytes = Vec::with_capacity(SIZE);
    (0..SIZE as u64 / 8).for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
    std::fs::write(&file, &bytes).unwrap();
    let (attempt, ended) = controller.run(&format!("cat {}", file.display()));
    assert_exited(&ended, 0);
    assert_eq!((ended.stdout.bytes, ended.stdout.sha256.as_str()), (SIZE as u64, sha256(&bytes).as_str()));
    let heard = controller.heard.lock().unwrap();
    let pieces = &heard.output[&(attempt, Stream::Stdout)];
    let (mut head, mut tail_from, mut end) = (0_u64, 0_u64, 0_u64);
    for (offset, data) in pieces {
        assert_eq!(data.as_slice(), &bytes[*offset as usize..][..data.len()], "bytes at {offset}");
        if *offset != end {
            tail_from = *offset;
        }
        end = offset + data.len() as u64;
        head = if tail_from == 0 { end } else { head };
    }
    assert!(head >= 1024 * 1024, "the head ends at {head}");
    assert_eq!(end, SIZE as u64);
    assert!(end - tail_from >= 4 * 1024 * 1024, "the tail begins at {tail_from}");
    let resident = resident(&agent);
    assert!(resident < 64 * 1024 * 1024, "the agent took {resident} bytes");
}

#[test]
fn one_huge_line_and_binary_bytes_are_bytes_like_others() {
    let (controller, root, _agent) = scene();
    let file = root.path().join("binary");
    let mut bytes = vec![b'x'; 700_000];
    bytes.extend((0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(300_000));
    std::fs::write(&file, &bytes).unwrap();
    let (attempt, ended) = controller.run(&format!("cat {0}; cat {0} >&2", file.display()));
    for (stream, totals) in [(Stream::Stdout, &ended.stdout), (Stream::Stderr, &ended.stderr)] {
        assert_eq!(controller.output(attempt, stream), bytes);
        assert_eq!((totals.bytes, totals.sha256.as_str()), (bytes.len() as u64, sha256(&bytes).as_str()));
    }
}

#[test]
fn captured_text_comes_with_the_end_if_it_is_short_enough() {
    let (controller, _root, _agent) = scene();
    for (script, captured) in [
        ("printf 'a\\377b'; echo no >&2", Some("a\u{fffd}b".to_owned())),
        ("head -c 65536 /dev/zero | tr '\\0' y", Some("y".repeat(65536))),
        ("head -c 65537 /dev/zero | tr '\\0' y", None),
    ] {
        let mut assignment = controller.attempt(script);
        assignment.command.as_mut().unwrap().capture_stdout = true;
        let attempt = assignment.attempt;
        controller.assign(vec![assignment]);
        assert_eq!(controller.end(attempt).captured, captured);
    }
    assert_eq!(controller.run("echo quiet").1.captured, None);
}

#[test]
fn output_flows_while_the_command_runs_and_its_files_go_when_it_is_stored() {
    let (controller, root, _agent) = scene();
    let go = root.path().join("go");
    let assignment = controller.attempt(&format!("echo early; until [ -e {} ]; do sleep 0.02; done; echo late", go.display()));
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    wait("early output", || (controller.output(attempt, Stream::Stdout) == b"early\n").then_some(()));
    std::fs::write(&go, "").unwrap();
    assert_exited(&controller.end(attempt), 0);
    assert_eq!(controller.output(attempt, Stream::Stdout), b"early\nlate\n");
    let folder = root.path().join("data/attempts").join(attempt.to_string());
    wait("the folder's end", || (!folder.exists()).then_some(()));
}

#[test]
fn the_command_finds_the_promised_surroundings() {
    let (controller, root, _agent) = scene();
    let script = "env | sort; umask; pwd; cat; ls -ld \"$PULSE_WORKDIR\" | cut -c1-10; ls /proc/self/fd | tr '\\n' ' '
        grep -E 'Sig(Ign|Blk)' /proc/self/status | tr -d '\\t\\n'";
    let mut assignment = controller.attempt(script);
    assignment.command.as_mut().unwrap().env = [("MY_VALUE".to_owned(), "a'b\"c\nd".to_owned())].into();
    let attempt = assignment.attempt;
    controller.assign(vec![assignment]);
    let ended = controller.end(attempt);
    let text = String::from_utf8(controller.output(attempt, Stream::Stdout)).unwrap();
    assert_exited(&ended, 0);
    let work = root.path().join("data/attempts").join(attempt.to_string()).join("work");
    let work = work.display();
    // `ls` itself has 3 open on the folder it lists; `PWD`, `OLDPWD`, `SHLVL` and `_` are the shell's own.
    for expected in [
        "LANG=C.UTF-8\n",
        "MY_VALUE=a'b\"c\n",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        &format!("PULSE_WORKDIR={work}\n"),
        &format!("\n0022\n{work}\ndrwx------\n0 1 2 3 SigBlk:0000000000000000SigIgn:0000000000000000"),
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in {text}");
    }
    for line in text.lines().filter(|line| line.contains('=') && !line.starts_with(char::is_lowercase)) {
        let name = line.split('=').next().unwrap();
        let known = ["HOME", "LANG", "MY_VALUE", "PATH", "PULSE_WORKDIR", "PWD", "OLDPWD", "SHLVL", "_"];
        assert!(known.contains(&name), "{name} leaked into the command's environment");
    }
}

#[test]
fn a_script_longer_than_an_argument_runs() {
    let (controller, _root, _agent) = scene();
    let script = format!("#{}\necho done \"$0\"", "x".repeat(200_000));
    let (attempt, ended) = controller.run(&script);
    assert_exited(&ended, 0);
    let text = String::from_utf8(controller.output(attempt, Stream::Stdout)).unwrap();
    assert!(text.starts_with("done /") && text.ends_with("/script\n") && !text.contains("/work/"), "{text}");
}
