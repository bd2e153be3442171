//! `pulse` at a terminal: questions are offered, and what is typed is the answer.

mod support;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::{FakeServer, Reply};

const PROMPT: &str = "0193c3a0-0000-7000-8000-000000000001";
const OPEN: usize = 0;
const TAKEN: usize = 1;
const TAKEN_BY_ANOTHER: usize = 2;
/// A line that comes sooner after the question is no answer to it.
const TO_READ: Duration = Duration::from_millis(600);

/// `pulse` at a terminal, and what it has shown.
struct Terminal {
    child: std::process::Child,
    keys: File,
    shows: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn run(server: &FakeServer, args: &[&str]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).and_then(|()| unlockpt(&keys)).expect("its other side");
        let name = ptsname(&keys, Vec::new()).expect("its name").into_string().expect("ASCII");
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).expect("the other side"));
        let child = server.command(args).stdin(side()).stdout(side()).stderr(side()).spawn().expect("pulse runs");
        let keys = File::from(keys);
        let mut screen = keys.try_clone().expect("another handle");
        let (show, shows) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails once nobody has the other side open.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if show.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, shows, shown: String::new() }
    }

    /// Waits until this is shown.
    fn until(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.shown.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shows.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{text:?} is not shown:\n{}", self.shown),
            }
        }
    }

    /// Takes what is shown meanwhile.
    fn look(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(bytes) = self.shows.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\n").as_bytes()).expect("typed");
    }

    /// The exit code, and everything that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("it ends").code();
        while let Ok(bytes) = self.shows.recv_timeout(Duration::from_secs(5)) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        (code, self.shown)
    }
}

fn execution(state: usize) -> Value {
    let over = state != OPEN;
    let (answer, by) = match state {
        OPEN => (Value::Null, Value::Null),
        TAKEN => (json!("Yes"), json!("me")),
        _ => (json!("No"), json!("ada")),
    };
    json!({"id": "id-1", "number": 1, "name": "update#1", "workflow": "update", "status": if over { "succeeded" } else { "waiting" },
        "waits": if over { Value::Null } else { json!({"for": "person", "since": "2026-11-21T05:00:00Z"}) },
        "steps": [{"id": "approve", "type": "prompt", "visit": 1, "status": if over { "succeeded" } else { "waiting" }, "targets": [],
            "prompt": {"id": PROMPT, "message": "Upgrade?", "options": ["Yes", "No"], "openedAt": "2026-11-21T05:00:00Z", "answer": answer,
                "answeredBy": by, "closedAt": if over { json!("2026-11-21T05:01:00Z") } else { Value::Null }}}]})
}

fn server() -> (FakeServer, Arc<AtomicUsize>) {
    let state = Arc::new(AtomicUsize::new(OPEN));
    let now = Arc::clone(&state);
    let server = FakeServer::start(move |request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", target) if target.ends_with("/answer") => {
            now.store(TAKEN, Ordering::SeqCst);
            Reply::Json(200, json!({"id": PROMPT, "name": "update#1", "answer": "Yes", "changed": true, "status": "running"}))
        }
        ("POST", _) => Reply::Json(201, json!({"id": "id-1", "number": 1, "name": "update#1", "status": "running"})),
        (_, target) if target.contains("/prompts/") => Reply::Json(
            200,
            json!({"id": PROMPT, "name": "update#1", "step": "approve", "message": "Upgrade?", "options": ["Yes", "No"], "status": "open"}),
        ),
        _ => Reply::Json(200, execution(now.load(Ordering::SeqCst))),
    });
    (server, state)
}

#[test]
fn who_follows_at_a_terminal_answers_there() {
    let (server, _) = server();
    let mut terminal = Terminal::run(&server, &["run", "update", "--follow"]);
    terminal.until("1) Yes");
    terminal.until("Your answer (1 to 2");
    assert!(terminal.shown.contains(&format!("to answer: pulse answer {PROMPT} Yes|No")), "{}", terminal.shown);
    terminal.look(TO_READ);
    terminal.type_line("yes");
    let (code, shown) = terminal.end();
    let sent = server.requests().into_iter().find(|request| request.target.ends_with("/answer"));
    assert_eq!(sent.map(|request| request.body), Some(json!({"answer": "Yes"})), "{shown}");
    assert!(code == Some(0) && shown.contains("update#1 succeeded"), "{code:?} {shown}");
}

#[test]
fn an_answer_of_somebody_else_ends_the_offer_and_the_following_goes_on() {
    let (server, state) = server();
    let mut terminal = Terminal::run(&server, &["logs", "-f", "update#1"]);
    terminal.until("Your answer");
    state.store(TAKEN_BY_ANOTHER, Ordering::SeqCst);
    let (code, shown) = terminal.end();
    assert!(code == Some(0) && shown.contains("step approve: \"No\" by ada at "), "{code:?} {shown}");
    assert!(!server.requests().iter().any(|request| request.method == "POST"));
}

/// The question that follows another at once.
fn second() -> Value {
    let mut both = execution(TAKEN_BY_ANOTHER);
    both["status"] = json!("waiting");
    both["waits"] = json!({"for": "person", "since": "2026-11-21T05:02:00Z"});
    let next = json!({"id": "reboot", "type": "prompt", "visit": 1, "status": "waiting", "targets": [],
        "prompt": {"id": "0193c3a0-0000-7000-8000-000000000002", "message": "Reboot?", "options": ["Yes", "No"], "openedAt": "2026-11-21T05:02:00Z",
            "answer": null, "answeredBy": null, "closedAt": null}});
    both["steps"].as_array_mut().unwrap().push(next);
    both
}

#[test]
fn half_a_line_for_one_question_is_no_answer_to_the_next() {
    let next = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&next);
    let server = FakeServer::start(move |request| match (request.method.as_str(), now.load(Ordering::SeqCst)) {
        ("POST", _) => Reply::Json(201, json!({"id": "id-1", "number": 1, "name": "update#1", "status": "running"})),
        (_, 0) => Reply::Json(200, execution(OPEN)),
        _ => Reply::Json(200, second()),
    });
    let mut terminal = Terminal::run(&server, &["run", "update", "--follow"]);
    terminal.until("Your answer");
    terminal.look(TO_READ);
    terminal.keys.write_all(b"y").expect("typed");
    terminal.until(": y");
    next.store(1, Ordering::SeqCst);
    terminal.until("Reboot?");
    terminal.shown.clear();
    terminal.look(TO_READ);
    terminal.type_line("es");
    terminal.until("none of the options");
    terminal.keys.write_all(&[4]).expect("Ctrl-D");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(5), "{shown}");
    assert!(!server.requests().iter().any(|request| request.target.ends_with("/answer")), "{shown}");
}

#[test]
fn who_leaves_the_question_to_others_ends_as_without_a_terminal() {
    let (server, _) = server();
    let mut terminal = Terminal::run(&server, &["run", "update", "--follow"]);
    terminal.until("Your answer");
    terminal.keys.write_all(&[4]).expect("Ctrl-D");
    let (code, shown) = terminal.end();
    assert!(code == Some(5) && shown.contains("the question is left to others"), "{code:?} {shown}");
}

#[test]
fn answer_without_an_option_shows_the_question_and_asks() {
    let (server, _) = server();
    let mut terminal = Terminal::run(&server, &["answer", PROMPT]);
    terminal.until("Your answer (1 to 2");
    terminal.type_line("maybe");
    terminal.until("none of the options");
    terminal.type_line("2");
    let (code, shown) = terminal.end();
    assert!(code == Some(0) && shown.contains("Upgrade?") && shown.contains("\"No\" is recorded"), "{code:?} {shown}");
    assert_eq!(server.requests().pop().unwrap().body, json!({"answer": "No"}));
    let mut terminal = Terminal::run(&server, &["answer", PROMPT]);
    terminal.until("Your answer");
    terminal.type_line("");
    let (code, shown) = terminal.end();
    assert!(code == Some(1) && shown.contains("nothing was answered"), "{code:?} {shown}");
}
