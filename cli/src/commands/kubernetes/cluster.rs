//! The API of the cluster that this pod runs in: reading one object, and patching one. The address and the pod's own account are
//! where Kubernetes puts them.

use crate::client::agent_of;
use crate::failure::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};
use ureq::Agent;

/// Where a pod finds its account.
pub const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// The cluster, seen from one namespace.
pub struct Cluster {
    agent: Agent,
    base: String,
    account: PathBuf,
}

impl Cluster {
    /// The one that this pod runs in, or the one of this URL.
    pub fn find(url: Option<&str>, account: &Path) -> Result<Self, Failure> {
        let url = url.map_or_else(in_cluster, |url| Ok(url.to_owned()))?;
        let authority = url.starts_with("https://").then(|| account.join("ca.crt"));
        let namespace = read(account, "namespace")?;
        let base = format!("{}/api/v1/namespaces/{namespace}", url.trim_end_matches('/'));
        Ok(Self { agent: agent_of(authority.as_deref())?, base, account: account.to_owned() })
    }

    /// An object of the namespace, such as `secrets/pulse`; none if there is none.
    pub fn get(&self, object: &str) -> Result<Option<Value>, Failure> {
        let request = self.agent.get(self.url(object)).header("Authorization", self.token()?);
        self.answer(object, request.call())
    }

    /// Merges into an object; none if there is none.
    pub fn patch(&self, object: &str, change: &Value) -> Result<Option<Value>, Failure> {
        let request = self.agent.patch(self.url(object)).header("Authorization", self.token()?);
        let request = request.header("Content-Type", "application/merge-patch+json");
        self.answer(object, request.send(change.to_string()))
    }

    fn url(&self, object: &str) -> String {
        format!("{}/{object}", self.base)
    }

    /// Read each time: Kubernetes exchanges it within the hour.
    fn token(&self) -> Result<String, Failure> {
        Ok(format!("Bearer {}", read(&self.account, "token")?))
    }

    fn answer(
        &self,
        object: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Option<Value>, Failure> {
        let lost = |error: ureq::Error| Failure::passing(format!("the cluster does not answer about {object}: {error}"));
        let mut answer = answer.map_err(lost)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string().map_err(lost)?;
        match status {
            200..=299 => Ok(Some(serde_json::from_str(&body).unwrap_or_default())),
            404 => Ok(None),
            _ => {
                let said: Value = serde_json::from_str(&body).unwrap_or_default();
                let why = said["message"].as_str().unwrap_or("without a word");
                let failure = Failure::passing(format!("the cluster refuses {object} ({status}): {why}"));
                Err(failure.with_help("does the pod's ServiceAccount have the chart's Role?"))
            }
        }
    }
}

/// Kubernetes tells every pod where its API is.
fn in_cluster() -> Result<String, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST").ok_or_else(|| {
        Failure::new("KUBERNETES_SERVICE_HOST is not set").with_help("this command is for pods; the Helm chart runs it")
    })?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(format!("https://{host}:{}", variable("KUBERNETES_SERVICE_PORT_HTTPS").as_deref().unwrap_or("443")))
}

fn read(account: &Path, name: &str) -> Result<String, Failure> {
    let path = account.join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(format!("the pod's account cannot be read: {}: {error}", path.display()))
            .with_help("mount the ServiceAccount's token into this container, as the chart does")
    })?;
    Ok(text.trim().to_owned())
}
