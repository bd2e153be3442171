//! An agent's WebSocket, from its connection to the welcome.

use super::agent::Shared;
use anyhow::{Context, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use futures_util::{SinkExt, StreamExt};
use pulse_protocol::frame::{MAX_FRAME, decode, encode};
use pulse_protocol::message::{Identify, challenge_text};
use pulse_protocol::version::SUPPORTED;
use pulse_protocol::{AgentName, BootId, Epoch, Incarnation, Observation, ToAgent, ToController};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use uuid::Uuid;

/// Agents for each address of ours: one address has about 28,000 ports.
const PER_ADDRESS: usize = 5000;
/// How long coming in may take, as in `pulse-agent`.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A connection.
pub type Socket = WebSocketStream<TcpStream>;

/// Who an agent is.
pub struct Identity {
    number: usize,
    name: AgentName,
    key: SigningKey,
    pub boot: BootId,
    pub incarnation: Incarnation,
}

impl Identity {
    /// Of a new host.
    pub fn new(name: &str, number: usize) -> Self {
        let mut seed = [0; 32];
        // As keys they only have to differ.
        seed[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        Self {
            number,
            name: name.parse().expect("the benchmark's names are valid"),
            key: SigningKey::from_bytes(&seed),
            boot: BootId(Uuid::new_v4()),
            incarnation: Incarnation(Uuid::new_v4()),
        }
    }

    /// Connects and proves who it is; the session's epoch and the wanted heartbeat.
    pub async fn come_in(
        &self,
        shared: &Shared,
        with_token: bool,
        sequence: u64,
        observations: Vec<Observation>,
    ) -> anyhow::Result<(Socket, Epoch, Duration)> {
        tokio::time::timeout(HANDSHAKE, self.shake_hands(shared, with_token, sequence, observations))
            .await
            .context("no answer")?
    }

    async fn shake_hands(
        &self,
        shared: &Shared,
        with_token: bool,
        sequence: u64,
        observations: Vec<Observation>,
    ) -> anyhow::Result<(Socket, Epoch, Duration)> {
        let stream = self.connect(shared.address).await?;
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(64).max_message_size(Some(MAX_FRAME));
        let url = format!("ws://{}/api/v1/agents/session", shared.address);
        let (mut socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await?;
        say(&mut socket, &ToController::Hello { versions: SUPPORTED, release: env!("CARGO_PKG_VERSION").into() }).await?;
        let ToAgent::Challenge { nonce, .. } = hear(&mut socket).await? else { bail!("no challenge") };
        let text = challenge_text(&nonce, &self.name, self.incarnation, self.boot);
        let identify = Identify {
            name: self.name.clone(),
            public_key: STANDARD.encode(self.key.verifying_key().as_bytes()),
            signature: STANDARD.encode(self.key.sign(text.as_bytes()).to_bytes()),
            token: with_token.then(|| shared.token.clone()),
            rotation: None,
            boot: self.boot,
            incarnation: self.incarnation,
            sequence,
            slots: shared.slots,
            labels: BTreeMap::from([("role".to_owned(), "web".to_owned())]),
            facts: facts(self.number),
            observations,
        };
        say(&mut socket, &ToController::Identify(Box::new(identify))).await?;
        match hear(&mut socket).await? {
            ToAgent::Welcome { epoch, heartbeat_ms, .. } => Ok((socket, epoch, Duration::from_millis(heartbeat_ms))),
            other => bail!("not let in: {other:?}"),
        }
    }

    async fn connect(&self, address: SocketAddr) -> anyhow::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        let own = u8::try_from(1 + self.number / PER_ADDRESS)?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, own), 0)))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// As much as a real host says of itself.
fn facts(number: usize) -> BTreeMap<String, String> {
    let facts = [
        ("hostname", format!("web-{number:05}.example.org")),
        ("kernel", "Linux 6.1.0-18-amd64".to_owned()),
        ("arch", "x86_64".to_owned()),
        ("cpus", "4".to_owned()),
        ("memory_bytes", "8589934592".to_owned()),
        ("os", "Debian GNU/Linux 12 (bookworm)".to_owned()),
    ];
    facts.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Says a message.
pub async fn say(socket: &mut Socket, message: &ToController) -> anyhow::Result<()> {
    Ok(socket.send(Message::text(encode(message)?)).await?)
}

/// The next message.
pub async fn hear(socket: &mut Socket) -> anyhow::Result<ToAgent> {
    loop {
        match socket.next().await.context("closed")?? {
            Message::Text(text) => return Ok(decode(&text)?),
            Message::Close(_) => bail!("closed"),
            _ => {}
        }
    }
}
