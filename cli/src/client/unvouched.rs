//! Clients of the Helm chart's sidecar and probe, where no authority vouches for the server by its name: health, which is open to all, and a
//! controller behind this machine's own loopback; and what speaks to the cluster's API, which has an authority of its own.

use super::{Client, MAX_ANSWER, Token, address, agent, tls};
use crate::failure::Failure;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// How long an answer about health may take.
const PROBE: Duration = Duration::from_secs(3);
/// How long any other may take here.
const PATIENCE: Duration = Duration::from_secs(10);

impl Client {
    /// For health alone, which is open to all and holds no secret: any certificate will do, and no token is sent.
    pub fn prober(server: &str, insecure_http: bool) -> Result<Self, Failure> {
        let base = address::parse(server, insecure_http)?;
        let tls = base.starts_with("https://").then(tls::any);
        Ok(Self { agent: agent(PROBE, tls.as_ref()), tls, base, token: None })
    }

    /// For a controller behind this machine's own loopback: nobody else listens there, whatever name its certificate is for.
    pub fn neighbour(server: &str, token: Option<Token>) -> Result<Self, Failure> {
        let base = address::loopback(server)?;
        let tls = base.starts_with("https://").then(tls::any);
        Ok(Self { agent: agent(PATIENCE, tls.as_ref()), tls, base, token })
    }

    /// What the server says of its health to everyone, whether it is well or not.
    pub fn health(&self) -> Result<Value, Failure> {
        let url = format!("{}/health", self.base);
        let answer = self.agent.get(&url).header("Accept", "application/json").call();
        let mut answer = answer.map_err(|error| self.unreachable(error))?;
        let read = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(|error| self.unreachable(error))?;
        serde_json::from_str(&read).map_err(|_| Failure::new(format!("{url} does not say how it is")))
    }
}

/// What speaks HTTP with a server of this authority, or without TLS.
pub fn agent_of(authority: Option<&Path>) -> Result<Agent, Failure> {
    let tls = authority.map(|path| tls::config(Some(path))).transpose()?;
    Ok(agent(PATIENCE, tls.as_ref()))
}
