//! Rotel, a real collector: it takes OTLP over HTTP, and says in its log every span that it was sent.

use crate::harness::{Process, Scene, free_port, within};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/rotel");

/// A collector of its own.
pub struct Collector {
    port: u16,
    grpc: u16,
    log: PathBuf,
    process: Option<Process>,
}

/// A span as the collector understood it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub name: String,
    pub kind: String,
    pub status: String,
    pub attributes: BTreeMap<String, String>,
}

impl Collector {
    /// It does not run yet.
    pub fn new(scene: &Scene) -> Self {
        Self { port: free_port(), grpc: free_port(), log: scene.path("collector.log"), process: None }
    }

    /// What the controller must be told.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it; the first time on a machine it is brought from PyPI.
    pub fn start(&mut self) {
        let (http, grpc) = (format!("127.0.0.1:{}", self.port), format!("127.0.0.1:{}", self.grpc));
        let arguments = ["start", "--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc, "--exporter", "blackhole"];
        let arguments = [&arguments[..], &["--debug-log", "traces", "--debug-log-verbosity", "detailed"]].concat();
        // pip keeps its cache at home, and asks where the environment says.
        let passed =
            ["HOME", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];
        let passed = passed.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let process = Process::start(PROGRAM.as_ref(), &arguments, &passed.collect::<Vec<_>>(), &self.log);
        self.process = Some(process);
        let address = http;
        within(Duration::from_secs(120), "the collector to listen", || std::net::TcpStream::connect(&address).ok());
    }

    /// Every span that it was sent, in the order of their coming.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in std::fs::read_to_string(&self.log).unwrap_or_default().lines() {
            let line = line.trim();
            if line.starts_with("Span #") {
                spans.push(Span::default());
            }
            let Some(span) = spans.last_mut() else { continue };
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.trim().to_owned();
            match name.trim() {
                "Trace ID" if span.trace.is_empty() => span.trace = value,
                "ID" if span.id.is_empty() => span.id = value,
                "Parent ID" => span.parent = value,
                "Name" if span.name.is_empty() => span.name = value,
                "Kind" => span.kind = value,
                "Status code" => span.status = value,
                attribute => {
                    if let Some(attribute) = attribute.strip_prefix("-> ") {
                        let text = value.split_once('(').map_or("", |(_, text)| text.trim_end_matches(')'));
                        span.attributes.insert(attribute.to_owned(), text.to_owned());
                    }
                }
            }
        }
        spans
    }
}
