//! More plans and checks than there is room for, over a real connection.

use crate::agents::FleetHandle;
use crate::api::{App, Means, Seats, router};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::identity::Identity;
use crate::schedules::Scheduler;
use crate::source::tree::{SourceError, Tree};
use crate::source::{Given, Source};
use crate::sync::{Sources, Syncer};
use crate::webhook::Webhooks;
use pulse_core::source_status::{SourceAddress, SourceKind};
use pulse_store::Store;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

const TOKEN: &str = "a-token-for-tests";

/// An empty source that is read once its gate is open.
#[derive(Default)]
struct Gated {
    /// Readers that have come, and whether it is open.
    state: Mutex<(usize, bool)>,
    opened: Condvar,
}

impl Gated {
    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.opened.notify_all();
    }

    fn readers(&self) -> usize {
        self.state.lock().unwrap().0
    }
}

impl Source for Gated {
    fn address(&self) -> SourceAddress {
        SourceAddress { kind: SourceKind::Git, url: "https://git.example.org/ops.git".into(), branch: None, path: None }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        drop(self.opened.wait_timeout_while(state, Duration::from_secs(60), |(_, open)| !*open).unwrap());
        Ok(Box::new(Given::new(Vec::new())))
    }

    fn look_at(&self, _: &str) -> Result<Box<dyn Tree>, SourceError> {
        self.look()
    }
}

struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

impl Answer {
    fn is_overloaded(&self) -> bool {
        let Self { status, retry_after, body } = self;
        (*status, retry_after.as_deref(), &body["code"]) == (503, Some("1"), &json!("overloaded"))
    }
}

fn post(url: String, body: Value) -> tokio::task::JoinHandle<Answer> {
    tokio::task::spawn_blocking(move || {
        let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let request =
            http.post(&url).header("content-type", "application/json").header("authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.send(body.to_string()).unwrap();
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        Answer { status, retry_after, body: serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap() }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_its_room_it_is_overloaded_and_says_when_to_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("pulse.db").display()), "test").await.unwrap();
    let engine = Engine::new(store.clone(), FleetHandle::default());
    let source = Arc::new(Gated::default());
    let syncer = Syncer::new("ops", Arc::clone(&source) as Arc<dyn Source>, Duration::from_secs(3600), engine.clone());
    let sources = Sources::new([syncer]);
    let checks = sources.checks.room();
    let app = App::from(Means {
        schedules: Scheduler::new(engine.clone(), Clock::machine(), true),
        engine,
        sources,
        webhooks: Arc::new(Webhooks::new(None)),
        seats: Seats::default(),
        audit: crate::audit::Audit::start(store.clone()),
        identity: Identity::for_tests(&store, TOKEN).await,
        url: "http://x".into(),
        limiter: Arc::new(crate::api::Limiter::new(crate::config::Limits::default())),
        settings: crate::settings::Current::new(crate::config::Config::for_tests()),
        trust: None,
        enrolment: false,
        stopping: watch::channel(false).1,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = |path: &str| format!("http://{}/api/v1/{path}", listener.local_addr().unwrap());
    let [plan, validate, syncs] = ["plan", "validate", "syncs"].map(at);
    tokio::spawn(async move { axum::serve(listener, router(app)).await });

    // Of three plans one is read, one waits and one is sent away, whichever that is; and one thread reads.
    let mut asked: Vec<_> = (0..3).map(|_| post(plan.clone(), json!({ "ref": "main" }))).collect();
    let (away, number, _) =
        tokio::time::timeout(Duration::from_secs(30), futures_util::future::select_all(&mut asked)).await.unwrap();
    let away = away.unwrap();
    assert!(away.is_overloaded(), "{}", away.body);
    drop(asked.remove(number));
    let read = async {
        while source.readers() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("one is read");
    // A look is no plan, and files are of no source.
    let look = post(syncs, json!({}));
    let files = json!({ "files": [] });
    for url in [&plan, &validate] {
        assert_eq!(post(url.clone(), files.clone()).await.unwrap().status, 200);
    }
    let room = checks.try_acquire_many_owned(u32::try_from(crate::sync::CHECKS).unwrap()).unwrap();
    for url in [&plan, &validate] {
        assert!(post(url.clone(), files.clone()).await.unwrap().is_overloaded());
    }
    drop(room);
    assert_eq!(post(validate, files).await.unwrap().status, 200);
    assert_eq!(source.readers(), 1);
    source.open();
    for asked in asked.into_iter().chain([look]) {
        let answer = asked.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(source.readers(), 3);
}
