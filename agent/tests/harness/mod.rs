//! A controller in the test's process, and the real agent beside it. The controller keeps what it hears, acknowledges output
//! as it comes, and acknowledges ends when the test lets it.

#![expect(dead_code, reason = "each test file uses its part of the harness")]
#![expect(clippy::disallowed_methods, reason = "a controller of the tests has no points")]

pub mod limits;

use futures_util::{SinkExt, StreamExt};
use pulse_agent::folder::DataDir;
use pulse_agent::shim::requests;
use pulse_protocol::frame::{decode, encode};
use pulse_protocol::message::{Identify, Stream, challenge_text};
use pulse_protocol::observation::EndKind;
use pulse_protocol::picture::OutputOffsets;
use pulse_protocol::{
    Assignment, AttemptId, CommandSpec, Desired, Ended, Epoch, ExecutionId, Incarnation, Observation, Observed, ToAgent,
    ToController,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

/// The setting that says which file an agent of a test logs to.
pub const LOG: &str = "PULSE_TEST_LOG";

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The heartbeats' interval that this controller asks for, and the one with which their rhythm is measured: less than a sixth of the usual.
pub const HEARTBEAT: Duration = Duration::from_millis(200);
pub const RHYTHM: Duration = Duration::from_millis(1500);

/// What the controller has heard.
#[derive(Default)]
pub struct Heard {
    /// Every observation, in order, pictures included.
    pub observations: Vec<Observation>,
    /// Bytes of each stream by offset.
    pub output: BTreeMap<(AttemptId, Stream), BTreeMap<u64, Vec<u8>>>,
    /// The last identification.
    pub identify: Option<Identify>,
    /// Accepted sessions.
    pub sessions: i64,
    /// Heartbeats.
    pub heartbeats: usize,
    /// When each of them came.
    pub beats: Vec<Instant>,
    /// Whole pictures within sessions.
    pub pictures: usize,
    /// Agents refused.
    pub refusals: usize,
    /// Tells the present session's agent something.
    say: Option<mpsc::UnboundedSender<ToAgent>>,
    /// Acknowledge ends as they come.
    acknowledge: bool,
    /// Refuse everybody with this.
    refuse: Option<(String, Option<u64>)>,
    /// The heartbeats' interval.
    heartbeat: Duration,
}

/// The controller.
pub struct Controller {
    pub heard: Arc<Mutex<Heard>>,
    address: String,
    runtime: tokio::runtime::Runtime,
}

impl Controller {
    /// Listens on a port of its own.
    pub fn start() -> Self {
        Self::start_with_heartbeat(HEARTBEAT)
    }

    /// The same with another interval of heartbeats.
    pub fn start_with_heartbeat(heartbeat: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard { acknowledge: true, heartbeat, ..Heard::default() }));
        runtime.spawn(accept(listener, heard.clone()));
        Self { heard, address, runtime }
    }

    /// Whether ends are acknowledged as they come.
    pub fn acknowledge(&self, on: bool) {
        self.heard.lock().unwrap().acknowledge = on;
    }

    /// Refuses every agent from now on, or none.
    pub fn refuse(&self, how: Option<(&str, Option<u64>)>) {
        self.heard.lock().unwrap().refuse = how.map(|(code, retry)| (code.to_owned(), retry));
    }

    /// Says something to the connected agent.
    pub fn say(&self, message: impl Fn(Epoch) -> ToAgent) {
        self.wait("a session", |heard| heard.say.is_some().then_some(()));
        let heard = self.heard.lock().unwrap();
        let _ = heard.say.as_ref().unwrap().send(message(Epoch(heard.sessions)));
    }

    /// Assigns.
    pub fn assign(&self, assignments: Vec<Assignment>) {
        self.say(|epoch| ToAgent::Assign { epoch, assignments: assignments.clone(), full: false });
    }

    /// Closes the present session.
    pub fn hang_up(&self) {
        self.heard.lock().unwrap().say = None;
    }

    /// The incarnation of the connected agent's journal.
    pub fn incarnation(&self) -> Incarnation {
        self.wait("an agent", |heard| heard.identify.as_ref().map(|identify| identify.incarnation))
    }

    /// A new attempt of a shell script.
    pub fn attempt(&self, script: &str) -> Assignment {
        let command = CommandSpec {
            argv: ["/bin/sh", "-e", "-c"].map(String::from).to_vec(),
            script: script.to_owned(),
            script_file: None,
            files: vec![],
            env: BTreeMap::new(),
            cwd: None,
            user: None,
            // Longer than any test looks on.
            timeout_ms: 600_000,
            kill_grace_ms: 300,
            capture_stdout: false,
        };
        Assignment {
            attempt: AttemptId(Uuid::now_v7()),
            execution: ExecutionId(Uuid::now_v7()),
            incarnation: self.incarnation(),
            desired: Desired::Run,
            command: Some(command),
        }
    }

    /// Runs a script to its end.
    pub fn run(&self, script: &str) -> (AttemptId, Ended) {
        let assignment = self.attempt(script);
        let attempt = assignment.attempt;
        self.assign(vec![assignment]);
        (attempt, self.end(attempt))
    }

    /// Waits until the attempt is reported as started.
    pub fn started(&self, attempt: AttemptId) -> i64 {
        self.wait("a start", |heard| {
            heard.observations.iter().find_map(|o| match o.observed {
                Observed::Started { pid } if o.attempt == attempt => Some(pid),
                _ => None,
            })
        })
    }

    /// Asks for the attempt's end.
    pub fn stop(&self, assignment: &Assignment) {
        self.assign(vec![Assignment { desired: Desired::Stop, command: None, ..assignment.clone() }]);
    }

    /// Waits for another session than those so far.
    pub fn another_session(&self, sessions: i64) {
        self.wait("another session", |heard| (heard.sessions > sessions).then_some(()));
    }

    /// Waits for the attempt's end.
    pub fn end(&self, attempt: AttemptId) -> Ended {
        self.wait("an end", |heard| heard.end(attempt))
    }

    /// All stored bytes of a stream that hang together from its beginning.
    pub fn output(&self, attempt: AttemptId, stream: Stream) -> Vec<u8> {
        let heard = self.heard.lock().unwrap();
        let mut bytes = Vec::new();
        for (offset, data) in heard.output.get(&(attempt, stream)).into_iter().flatten() {
            let known = bytes.len() as u64;
            assert!(*offset <= known, "bytes {known}..{offset} are missing");
            let skip = ((known - offset) as usize).min(data.len());
            bytes.extend_from_slice(&data[skip..]);
        }
        bytes
    }

    /// Forgets the heartbeats so far: those that come from now on are measured.
    pub fn measure_beats(&self) {
        self.heard.lock().unwrap().beats.clear();
    }

    /// Waits for some heartbeats (`PULSE_TEST_FULL=1`: for many), prints the gaps between them, and holds their 99th percentile
    /// against twice the interval.
    pub fn assert_rhythm(&self, meanwhile: &str) {
        let beats = if full() { 100 } else { 3 };
        let asked = self.heard.lock().unwrap().heartbeat;
        let gaps = || self.heard.lock().unwrap().beats.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
        let mut gaps =
            wait_within(2 * asked * beats + PATIENCE, "heartbeats", || Some(gaps()).filter(|gaps| gaps.len() >= beats as usize));
        gaps.sort_unstable();
        let at = |share: usize| gaps[(gaps.len() * share).div_ceil(100) - 1];
        let (median, slow, longest) = (at(50), at(99), at(100));
        println!(
            "{meanwhile}: {} heartbeats each {asked:?}, gaps median {median:?}, p99 {slow:?}, longest {longest:?}",
            gaps.len()
        );
        assert!(slow < 2 * asked, "{meanwhile}: the heartbeats' gaps have a p99 of {slow:?}");
    }

    /// Waits until something can be seen.
    pub fn wait<T>(&self, what: &str, look: impl Fn(&Heard) -> Option<T>) -> T {
        wait(what, || look(&self.heard.lock().unwrap()))
    }
}

impl Heard {
    /// The attempt's end, if it was reported.
    pub fn end(&self, attempt: AttemptId) -> Option<Ended> {
        self.observations.iter().rev().find_map(|o| match &o.observed {
            Observed::Ended(ended) if o.attempt == attempt => Some(ended.clone()),
            _ => None,
        })
    }

    /// How far each attempt's output is stored.
    fn offsets(&self) -> Vec<(AttemptId, OutputOffsets)> {
        let mut offsets: BTreeMap<AttemptId, OutputOffsets> = BTreeMap::new();
        for ((attempt, stream), pieces) in &self.output {
            let end = pieces.iter().map(|(offset, data)| offset + data.len() as u64).max().unwrap_or(0);
            let entry = offsets.entry(*attempt).or_default();
            match stream {
                Stream::Stdout => entry.stdout = end,
                Stream::Stderr => entry.stderr = end,
            }
        }
        offsets.into_iter().collect()
    }
}

/// Whether what takes longer runs, too.
pub fn full() -> bool {
    std::env::var_os("PULSE_TEST_FULL").is_some_and(|value| value == "1")
}

/// Polls with a deadline.
pub fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, look)
}

/// Polls with a deadline of its own.
pub fn wait_within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come within {patience:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn accept(listener: TcpListener, heard: Arc<Mutex<Heard>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let heard = heard.clone();
        tokio::spawn(async move {
            if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                serve(socket, heard).await;
            }
        });
    }
}

async fn serve(mut socket: tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>, heard: Arc<Mutex<Heard>>) -> Option<()> {
    let send = |message: ToAgent| Message::text(encode(&message).unwrap());
    let ToController::Hello { .. } = next(&mut socket).await? else { panic!("hello comes first") };
    let refuse = heard.lock().unwrap().refuse.clone();
    if let Some((code, retry_after_ms)) = refuse {
        let message = "the test refuses".to_owned();
        heard.lock().unwrap().refusals += 1;
        return socket.send(send(ToAgent::Refused { code, message, retry_after_ms })).await.ok();
    }
    let nonce = Uuid::new_v4().to_string();
    socket.send(send(ToAgent::Challenge { version: 1, nonce: nonce.clone() })).await.ok()?;
    let ToController::Identify(identify) = next(&mut socket).await? else { panic!("identify comes second") };
    verify(&identify, &nonce);
    let (say, mut said) = mpsc::unbounded_channel();
    let (epoch, offsets, present, heartbeat_ms) = {
        let mut heard = heard.lock().unwrap();
        heard.sessions += 1;
        heard.observations.extend(identify.observations.clone());
        heard.identify = Some(*identify);
        (Epoch(heard.sessions), heard.offsets(), say, heard.heartbeat.as_millis() as u64)
    };
    socket.send(send(ToAgent::Welcome { epoch, heartbeat_ms, witness_since: None })).await.ok()?;
    socket.send(send(ToAgent::Acknowledge { epoch, ended: vec![], forget: vec![], output: offsets })).await.ok()?;
    heard.lock().unwrap().say = Some(present);
    loop {
        tokio::select! {
            message = said.recv() => match message {
                Some(message) => socket.send(send(message)).await.ok()?,
                None => return socket.close(None).await.ok(),
            },
            message = next(&mut socket) => {
                let Some(message) = message else {
                    let mut heard = heard.lock().unwrap();
                    if heard.sessions == epoch.0 {
                        heard.say = None;
                    }
                    return None;
                };
                let answer = take(&mut heard.lock().unwrap(), message, epoch);
                if let Some(answer) = answer {
                    socket.send(send(answer)).await.ok()?;
                }
            }
        }
    }
}

/// Stores what was said and acknowledges it.
fn take(heard: &mut Heard, message: ToController, epoch: Epoch) -> Option<ToAgent> {
    match message {
        ToController::Report { observations, full, .. } => {
            heard.pictures += usize::from(full);
            let ends = observations.iter().filter(|o| matches!(o.observed, Observed::Ended(_)));
            let ended: Vec<AttemptId> = ends.map(|o| o.attempt).collect();
            heard.observations.extend(observations);
            let answer = ToAgent::Acknowledge { epoch, ended: ended.clone(), forget: vec![], output: vec![] };
            (heard.acknowledge && !ended.is_empty()).then_some(answer)
        }
        ToController::Output(chunk) => {
            assert_eq!(chunk.epoch, epoch);
            let attempt = chunk.attempt;
            heard.output.entry((attempt, chunk.stream)).or_default().insert(chunk.offset, chunk.data);
            let output = heard.offsets().into_iter().filter(|(id, _)| *id == attempt).collect();
            Some(ToAgent::Acknowledge { epoch, ended: vec![], forget: vec![], output })
        }
        ToController::Heartbeat { .. } => {
            heard.heartbeats += 1;
            heard.beats.push(Instant::now());
            None
        }
        ToController::Pong { .. } => None,
        ToController::Hello { .. } | ToController::Identify(_) => panic!("{message:?} comes once"),
    }
}

async fn next(socket: &mut tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>) -> Option<ToController> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return Some(decode(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn verify(identify: &Identify, nonce: &str) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};
    let bytes = |text: &str| STANDARD.decode(text).unwrap();
    let key = VerifyingKey::from_bytes(&bytes(&identify.public_key).try_into().unwrap()).unwrap();
    let signature = Signature::from_bytes(&bytes(&identify.signature).try_into().unwrap());
    let text = challenge_text(nonce, &identify.name, identify.incarnation, identify.boot);
    key.verify(text.as_bytes(), &signature).expect("the challenge is signed");
}

/// The agent's process and its data folder.
pub struct Agent {
    pub child: Child,
    data: PathBuf,
    server: String,
    environment: Vec<(String, String)>,
}

impl Agent {
    /// Starts it on a data folder.
    pub fn start(controller: &Controller, data: &Path) -> Self {
        Self::start_with(controller, data, &[])
    }

    /// Starts it with more environment.
    pub fn start_with(controller: &Controller, data: &Path, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let child = spawn(&controller.address, data, &environment);
        Self { child, data: data.to_owned(), server: controller.address.clone(), environment }
    }

    /// Starts it by a shell line in which `$0` is the program.
    pub fn start_by(controller: &Controller, data: &Path, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", line, env!("CARGO_BIN_EXE_pulse-agent")]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("PULSE_SERVER", &controller.address).env("PULSE_AGENT_DATA_DIR", data).env("PULSE_AGENT_NAME", "a1");
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        Self { child, data: data.to_owned(), server: controller.address.clone(), environment: vec![] }
    }

    /// SIGKILL, and no more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after it was killed, as it was started first but for its failpoint.
    pub fn restart(&mut self) {
        self.environment.retain(|(key, _)| key != "PULSE_FAILPOINT");
        self.child = spawn(&self.server, &self.data, &self.environment);
    }

    /// The process ids of living shims that have a command in hand.
    pub fn shims(&self) -> Vec<i32> {
        self.processes(&format!("\0shim\0--data-dir\0{}\0--attempt\0", self.data.display()))
    }

    /// Of all living shims, those that wait for a command among them.
    pub fn every_shim(&self) -> Vec<i32> {
        self.processes(&format!("\0shim\0--data-dir\0{}\0", self.data.display()))
    }

    /// The process ids of living fork servers.
    pub fn servers(&self) -> Vec<i32> {
        self.processes(&format!("\0shims\0--data-dir\0{}\0", self.data.display()))
    }

    fn processes(&self, marker: &str) -> Vec<i32> {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        processes
            .filter(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.contains(marker)))
            .collect()
    }

    /// SIGKILLs every living shim and waits until they are gone.
    pub fn kill_shims(&self) {
        for pid in self.every_shim() {
            kill(pid, "KILL");
        }
        wait("the shims' end", || self.every_shim().is_empty().then_some(()));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Commands that a failing test leaves behind end with their shims asked to stop.
        let data = DataDir::new(&self.data);
        for entry in std::fs::read_dir(data.attempts()).into_iter().flatten().flatten() {
            if let Some(attempt) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                let _ = requests::ask(&data.attempt(attempt));
            }
        }
    }
}

/// The most memory that a process ever held, bytes; none once it is dead.
pub fn most_resident(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// Sends a signal by name.
pub fn kill(pid: i32, signal: &str) {
    Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).stderr(Stdio::null()).status().unwrap();
}

fn spawn(server: &str, data: &Path, environment: &[(String, String)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse-agent"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("PULSE_SERVER", server);
    command.env("PULSE_AGENT_DATA_DIR", data).env("PULSE_AGENT_NAME", "a1").env("PULSE_AGENT_TOKEN", "let-me-in");
    // What the agent says goes to the test's stderr, unless the test wants it in a file.
    if let Some((_, log)) = environment.iter().find(|(name, _)| name == LOG) {
        command.stderr(std::fs::File::options().create(true).append(true).open(log).unwrap());
    }
    command.envs(environment.iter().cloned()).stdin(Stdio::null()).spawn().unwrap()
}

/// Asserts an exit code.
pub fn assert_exited(ended: &Ended, code: i64) {
    assert_eq!(ended.how, EndKind::Exited { code }, "{ended:?}");
}

/// How many lines a witness file has.
pub fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}
