//! A flood of deliveries, and bodies that never end, over real connections.

use crate::agents::FleetHandle;
use crate::api::{App, Means, Seats, router};
use crate::clock::Clock;
use crate::config::WebhookSecrets;
use crate::engine::Engine;
use crate::identity::Identity;
use crate::schedules::Scheduler;
use crate::source::Source;
use crate::source::tree::{SourceError, Tree};
use crate::sync::{Sources, Syncer};
use crate::webhook::{PATH, Verifier, Webhooks};
use hmac::{Hmac, KeyInit, Mac};
use pulse_core::source_status::{SourceAddress, SourceKind, SourceReason};
use pulse_store::Store;
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const SECRET: &str = "the-secret-of-the-flood";
const CALLERS: usize = 8;

/// A source whose looks are counted, and wait until its gate is open.
#[derive(Default)]
struct Gated {
    looks: AtomicU32,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gated {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn looks(&self) -> u32 {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Source for Gated {
    fn address(&self) -> SourceAddress {
        SourceAddress { kind: SourceKind::Git, url: "https://git.example.org/ops.git".into(), branch: None, path: None }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let shut = self.open.lock().unwrap();
        drop(self.opened.wait_timeout_while(shut, Duration::from_secs(60), |open| !*open).unwrap());
        Err(SourceError { reason: SourceReason::Unreachable, message: "nobody is there".into() })
    }

    fn look_at(&self, _: &str) -> Result<Box<dyn Tree>, SourceError> {
        self.look()
    }
}

/// Statuses of so many deliveries with this signature.
async fn deliver(url: &str, signature: &str, times: usize) -> Vec<u16> {
    let (url, signature) = (url.to_owned(), signature.to_owned());
    let many = move || {
        let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let once = || {
            let request = http.post(&url).header("content-type", "application/json").header("x-gitea-signature", &signature);
            request.send(&b"{}"[..]).unwrap().status().as_u16()
        };
        (0..times / CALLERS).map(|_| once()).collect::<Vec<_>>()
    };
    let callers: Vec<_> = (0..CALLERS).map(|_| tokio::task::spawn_blocking(many.clone())).collect();
    let mut statuses = Vec::new();
    for caller in callers {
        statuses.extend(caller.await.unwrap());
    }
    statuses
}

/// A controller's API, listening, over a source that is gated.
struct Bench {
    url: String,
    address: SocketAddr,
    store: Store,
    syncer: Syncer,
    sources: Sources,
    source: Arc<Gated>,
    webhooks: Arc<Webhooks>,
    stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}", folder.path().join("pulse.db").display()), "test").await.unwrap();
        let engine = Engine::new(store.clone(), FleetHandle::default());
        let source = Arc::new(Gated::default());
        let syncer = Syncer::new("ops", Arc::clone(&source) as Arc<dyn Source>, Duration::from_secs(3600), engine.clone());
        let sources = Sources::new([syncer.clone()]);
        let webhooks = Arc::new(Webhooks::new(Some(Verifier::new(&WebhookSecrets::parse(SECRET).unwrap()))));
        let identity = Identity::for_tests(&store, "a-token-for-tests").await;
        let (stop, stopping) = watch::channel(false);
        let schedules = Scheduler::new(engine.clone(), Clock::machine(), true);
        let (of, hooks) = (sources.clone(), Arc::clone(&webhooks));
        let app = App::from(Means {
            engine,
            sources: of,
            schedules,
            webhooks: hooks,
            seats: Seats::default(),
            audit: crate::audit::Audit::start(store.clone()),
            identity,
            url: "http://x".into(),
            limiter: Arc::new(crate::api::Limiter::new(crate::config::Limits::default())),
            settings: crate::settings::Current::new(crate::config::Config::for_tests()),
            trust: None,
            enrolment: false,
            stopping,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router(app)).await });
        Self { url: format!("http://{address}{PATH}"), address, store, syncer, sources, source, webhooks, stop, _folder: folder }
    }

    /// A delivery of a mebibyte, of which so many bytes are sent.
    async fn begin(&self, bytes: usize) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-gitea-signature: {}\r\n\r\n",
            1024 * 1024,
            "0".repeat(64)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; bytes]).await.unwrap();
        stream
    }
}

/// The status that a delivery is answered with.
async fn status(mut stream: &mut TcpStream) -> String {
    let mut status = [0; 12];
    let answered = AsyncReadExt::read_exact(&mut stream, &mut status);
    tokio::time::timeout(Duration::from_secs(30), answered).await.expect("an answer").unwrap();
    String::from_utf8(status[9..].to_vec()).unwrap()
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_deliveries_are_one_look_more() {
    let Bench { url, store, syncer, sources, source, stop, .. } = &Bench::new().await;
    let looking = tokio::spawn({
        let (sources, stopping) = (sources.clone(), stop.subscribe());
        async move { sources.run(stopping).await }
    });
    until("the first look", || source.looks() == 1).await;
    let accepted = deliver(url, &signature(b"{}"), 1000).await;
    assert!(accepted.len() == 1000 && accepted.iter().all(|status| *status == 202), "{accepted:?}");
    assert!(store.webhooks().await.unwrap().is_empty(), "no delivery writes to the database");
    assert_eq!(source.looks(), 1, "never two looks at once");
    source.open();
    until("the one more look", || source.looks() == 2).await;
    let ended = async {
        while syncer.status().await.unwrap().next_look.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("its end");
    let refused = deliver(url, &"0".repeat(64), 200).await;
    assert!(refused.iter().all(|status| *status == 401), "{refused:?}");
    assert_eq!(source.looks(), 2, "a thousand hints are one, and what is refused is none");
    stop.send_replace(true);
    looking.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_is_given_back_when_a_connection_breaks_or_stalls() {
    let bench = Bench::new().await;
    let held = || bench.webhooks.intake.held();
    let mut broken = Vec::new();
    for _ in 0..8 {
        broken.push(bench.begin(1000).await);
    }
    until("the bytes", || held() == 8 * 1000).await;
    drop(broken);
    until("the bytes of broken connections", || held() == 0).await;
    let mut stalled = bench.begin(1000).await;
    until("the bytes", || held() == 1000).await;
    assert_eq!(status(&mut stalled).await, "408");
    assert_eq!(held(), 0, "after its time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stalls_with_much_gives_way() {
    let bench = Bench::new().await;
    let held = || bench.webhooks.intake.held();
    const NEARLY: usize = 1024 * 1024 - 1;
    let mut stalled = Vec::new();
    for number in 1..=16 {
        stalled.push(bench.begin(NEARLY).await);
        until("the bytes", || held() == number * NEARLY).await;
    }
    // There is room for 16 bytes more.
    assert_eq!(deliver(&bench.url, &signature(b"{}"), CALLERS).await, [202; CALLERS]);
    assert_eq!(held(), 16 * NEARLY, "what fits makes nobody give way");
    let mut one_more = bench.begin(1000).await;
    assert_eq!(status(&mut stalled[0]).await, "429", "who began first");
    until("the bytes", || held() == 15 * NEARLY + 1000).await;
    for stream in stalled[1..].iter_mut().chain([&mut one_more]) {
        assert_eq!(status(stream).await, "408");
    }
    assert_eq!(held(), 0);
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), so).await.unwrap_or_else(|_| panic!("{what} never came"));
}
