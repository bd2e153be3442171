//! An agent that does what a test tells it: the real handshake, and reports by hand.

use super::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use pulse_protocol::frame::{decode, encode};
use pulse_protocol::message::{Identify, OutputChunk, Stream, Vitals, challenge_text};
use pulse_protocol::observation::{EndKind, OutputTotals};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{
    Assignment, AttemptId, BootId, Desired, Ended, Epoch, Incarnation, Observation, Observed, ToAgent, ToController,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::{Message, WebSocket};
use uuid::Uuid;

/// How long a word of the controller is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an agent keeps between its sessions.
#[derive(Clone)]
struct Identity {
    name: String,
    key: SigningKey,
    boot: BootId,
    incarnation: Incarnation,
}

/// A connected agent.
pub struct Agent {
    identity: Identity,
    socket: WebSocket<TcpStream>,
    epoch: Epoch,
    sequence: u64,
}

impl Agent {
    /// Enrols, and is let in.
    pub fn connect(server: &Server, name: &str, token: &str) -> Self {
        Self::try_connect(server, name, token).unwrap_or_else(|code| panic!("not let in: {code}"))
    }

    /// Enrols. An error: the code of its refusal.
    pub fn try_connect(server: &Server, name: &str, token: &str) -> Result<Self, String> {
        Self::knock(server, name, token).map_err(|(code, _)| code)
    }

    /// Enrols. An error: the code of its refusal, and after how many milliseconds it shall come again.
    pub fn knock(server: &Server, name: &str, token: &str) -> Result<Self, (String, Option<u64>)> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let key = SigningKey::from_bytes(&seed);
        let (boot, incarnation) = (BootId(Uuid::now_v7()), Incarnation(Uuid::now_v7()));
        let identity = Identity { name: name.to_owned(), key, boot, incarnation };
        Self::try_to_begin(server, identity, Some(token), 0, Vec::new(), true)
    }

    /// Another session of this agent, which begins with what it sees. The one before is silent, and waits to be used again.
    pub fn again(&self, server: &Server, sees: Vec<Observation>) -> Self {
        Self::begin(server, self.identity.clone(), None, self.sequence, sees)
    }

    /// Hangs up, and comes back.
    pub fn comes_back(self, server: &Server) -> Self {
        let Self { identity, mut socket, sequence, .. } = self;
        drop(socket.close(None));
        // Until the controller has closed its side, or had done so before.
        while socket.read().is_ok() {}
        Self::begin(server, identity, None, sequence, Vec::new())
    }

    /// Comes again with a journal of this sequence; whether it answers when it is asked whether it lives. An error: the code of its refusal.
    pub fn comes_with(&self, server: &Server, sequence: u64, answers: bool) -> Result<Self, String> {
        Self::try_to_begin(server, self.identity.clone(), None, sequence, Vec::new(), answers).map_err(|(code, _)| code)
    }

    /// Comes with its own key under another name. An error: the code of its refusal.
    pub fn poses_as(&self, server: &Server, name: &str) -> Result<Self, String> {
        let identity = Identity { name: name.to_owned(), ..self.identity.clone() };
        Self::try_to_begin(server, identity, None, self.sequence, Vec::new(), true).map_err(|(code, _)| code)
    }

    fn begin(server: &Server, identity: Identity, token: Option<&str>, sequence: u64, sees: Vec<Observation>) -> Self {
        Self::try_to_begin(server, identity, token, sequence, sees, true).unwrap_or_else(|(code, _)| panic!("not let in: {code}"))
    }

    fn try_to_begin(
        server: &Server,
        identity: Identity,
        token: Option<&str>,
        sequence: u64,
        sees: Vec<Observation>,
        answers: bool,
    ) -> Result<Self, (String, Option<u64>)> {
        let stream = TcpStream::connect(server.serving().address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = server.url("/api/v1/agents/session").replace("http://", "ws://");
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        let mut agent = Self { identity, socket, epoch: Epoch(0), sequence };
        agent.send(&ToController::Hello { versions: SUPPORTED, release: "test".into() });
        let ToAgent::Challenge { nonce, .. } = agent.receive() else { panic!("no challenge") };
        agent.send(&ToController::Identify(Box::new(identify(&agent, &nonce, token, sees))));
        agent.epoch = loop {
            match agent.receive() {
                ToAgent::Ping { number } if answers => agent.send(&ToController::Pong { number }),
                ToAgent::Ping { .. } => {}
                ToAgent::Welcome { epoch, .. } => break epoch,
                ToAgent::Refused { code, retry_after_ms, .. } => return Err((code, retry_after_ms)),
                other => panic!("not let in: {other:?}"),
            }
        };
        agent.send(&ToController::Heartbeat { epoch: agent.epoch, vitals: Vitals::default() });
        Ok(agent)
    }

    /// Waits for an attempt to do; what is withdrawn or stopped is none.
    pub fn assigned(&mut self) -> Assignment {
        loop {
            if let ToAgent::Assign { assignments, .. } = self.receive()
                && let Some(assignment) = assignments.into_iter().find(|one| one.desired == Desired::Run)
            {
                return assignment;
            }
        }
    }

    /// Says what became of an attempt.
    pub fn report(&mut self, attempt: AttemptId, observed: Observed) {
        self.sequence += 1;
        let observations = vec![Observation { attempt, observed }];
        self.send(&ToController::Report { epoch: self.epoch, observations, full: false, sequence: self.sequence });
    }

    /// Says what it sees in all, in the words of the session `of`.
    pub fn picture(&mut self, of: Epoch, observations: Vec<Observation>) {
        self.send(&ToController::Report { epoch: of, observations, full: true, sequence: self.sequence });
    }

    /// The number of its session.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Says that a command ended.
    pub fn ended(&mut self, attempt: AttemptId, how: EndKind, stdout: u64) {
        let mut ended = Ended::bare(how);
        ended.stdout.bytes = stdout;
        self.report(attempt, Observed::Ended(ended));
    }

    /// Waits for a command, and says what it wrote and how it exited.
    pub fn does(&mut self, text: &str, code: i64) {
        let attempt = self.assigned().attempt;
        self.output(attempt, 0, text.as_bytes());
        let mut ended = Ended::bare(EndKind::Exited { code });
        ended.stdout = OutputTotals { bytes: text.len() as u64, sha256: digest(text) };
        ended.stderr.sha256 = digest("");
        ended.captured = Some(text.to_owned());
        self.report(attempt, Observed::Ended(ended));
    }

    /// Sends output.
    pub fn output(&mut self, attempt: AttemptId, offset: u64, data: &[u8]) {
        self.output_after_cut(attempt, offset, 0, data);
    }

    /// Sends output before which bytes are missing for good.
    pub fn output_after_cut(&mut self, attempt: AttemptId, offset: u64, cut: u64, data: &[u8]) {
        let chunk = OutputChunk { epoch: self.epoch, attempt, stream: Stream::Stdout, offset, cut, data: data.to_vec() };
        self.send(&ToController::Output(chunk));
    }

    /// Sends output that may end the session.
    pub fn says_in_vain(&mut self, attempt: AttemptId, offset: u64, cut: u64, data: &[u8]) {
        let chunk = OutputChunk { epoch: self.epoch, attempt, stream: Stream::Stdout, offset, cut, data: data.to_vec() };
        drop(self.socket.send(Message::text(encode(&ToController::Output(chunk)).unwrap())));
    }

    /// Why the controller ended the session.
    pub fn refusal(&mut self) -> String {
        loop {
            if let ToAgent::Refused { code, .. } = self.receive() {
                return code;
            }
        }
    }

    /// What the controller acknowledges next.
    pub fn acknowledged(&mut self) -> ToAgent {
        loop {
            let message = self.receive();
            if is_acknowledgement(&message) {
                return message;
            }
        }
    }

    /// What the controller acknowledges within a second: nothing tells that it does not.
    pub fn acknowledged_for_a_second(&mut self) -> Vec<ToAgent> {
        self.socket.get_ref().set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let said = self.acknowledged_to_the_end();
        self.socket.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        said
    }

    /// What the controller acknowledges until it ends the session.
    pub fn acknowledged_to_the_end(&mut self) -> Vec<ToAgent> {
        let mut said = Vec::new();
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => said.extend(Some(decode(&text).unwrap()).filter(is_acknowledgement)),
                Ok(Message::Close(_)) | Err(_) => return said,
                Ok(_) => {}
            }
        }
    }

    /// Says that it is there, so many times, and reads nothing.
    pub fn flood(&mut self, times: usize) {
        let beat = encode(&ToController::Heartbeat { epoch: self.epoch, vitals: Vitals::default() }).unwrap();
        for _ in 0..times {
            self.socket.send(Message::text(beat.clone())).unwrap();
        }
    }

    /// Whether the controller still listens.
    pub fn is_heard(&mut self) -> bool {
        self.send(&ToController::Heartbeat { epoch: self.epoch, vitals: Vitals::default() });
        loop {
            match self.socket.read() {
                Ok(Message::Close(_)) | Err(_) => return false,
                Ok(Message::Text(_)) => return true,
                Ok(_) => {}
            }
        }
    }

    fn send(&mut self, message: &ToController) {
        self.socket.send(Message::text(encode(message).unwrap())).unwrap();
    }

    fn receive(&mut self) -> ToAgent {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return decode(&text).unwrap();
            }
        }
    }
}

/// SHA-256, as an agent says it.
pub fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_acknowledgement(message: &ToAgent) -> bool {
    matches!(message, ToAgent::Acknowledge { .. })
}

fn identify(agent: &Agent, nonce: &str, token: Option<&str>, observations: Vec<Observation>) -> Identify {
    let Identity { name, key, boot, incarnation } = agent.identity.clone();
    let name = name.parse().unwrap();
    let text = challenge_text(nonce, &name, incarnation, boot);
    Identify {
        public_key: STANDARD.encode(key.verifying_key().as_bytes()),
        signature: STANDARD.encode(key.sign(text.as_bytes()).to_bytes()),
        name,
        token: token.map(str::to_owned),
        rotation: None,
        boot,
        incarnation,
        sequence: agent.sequence,
        slots: 5,
        labels: BTreeMap::from([("role".to_owned(), "web".to_owned())]),
        facts: BTreeMap::new(),
        observations,
    }
}
