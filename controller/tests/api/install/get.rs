use crate::harness::{Answer, Server};
use std::process::{Command, Stdio};

fn get(server: &Server, path: &str) -> Answer {
    server.send("GET", path, None, &[], b"")
}

/// What `sha256sum` says of bytes under a name.
fn sum_line(bytes: &[u8], name: &str) -> String {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}  {name}\n")
}

#[test]
fn the_script_is_whole_and_its_checksum_is_its_own() {
    let server = Server::start();
    let (script, sum) = (get(&server, "/install-agent.sh"), get(&server, "/install-agent.sh.sha256"));
    assert_eq!((script.status, script.header("content-type")), (200, "text/x-shellscript; charset=utf-8"));
    assert_eq!(String::from_utf8(sum.body).unwrap(), sum_line(&script.body, "install-agent.sh"));
    let text = String::from_utf8(script.body).unwrap();
    assert!(!text.contains("/usr/bin/pulse-agent"), "what no package brings lies in /usr/local");
    let places = text.lines().filter(|line| line.starts_with('@') && line.ends_with('@'));
    assert_eq!(places.collect::<Vec<_>>(), [""; 0], "every part has taken its place");
    for part in ["SystemCallFilter=", "ListenSequentialPacket=", "KillMode=process", "TasksMax=4096", "allowUsers: []"] {
        assert_eq!(text.matches(part).count(), 1, "{part}");
    }
    let mut shell = Command::new("sh").args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
}

#[test]
fn nothing_but_agents_is_given_away() {
    let server = Server::start();
    for name in [
        "pulse-controller",
        "pulse-agent",
        "pulse-agent-",
        "pulse-agent-vax",
        "pulse-agent-vax.sha256",
        "pulse-agent-..",
        ".sha256",
    ] {
        let help = get(&server, &format!("/downloads/{name}")).refused(404, "no_such_download")["help"].to_string();
        assert!(help.contains("lib/pulse/agents"), "{name}: {help}");
    }
}

#[test]
fn an_agent_that_lies_where_packages_put_it_is_given_away_with_its_checksum() {
    // The controller of these tests runs in this process: what lies beside it, lies beside the test.
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap().parent().unwrap().join("lib/pulse/agents");
    std::fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let path = folder.join("pulse-agent-test");
    std::fs::write(&path, &bytes).unwrap();
    let server = Server::start();
    let (file, sum) = (get(&server, "/downloads/pulse-agent-test"), get(&server, "/downloads/pulse-agent-test.sha256"));
    std::fs::remove_file(&path).unwrap();
    assert_eq!((file.status, file.header("content-type")), (200, "application/octet-stream"));
    assert!(file.body == bytes, "{} bytes", file.body.len());
    assert_eq!(String::from_utf8(sum.body).unwrap(), sum_line(&bytes, "pulse-agent-test"));
}
