//! What is answered while this controller is not the active one: that it lives, why it cannot serve yet, and that the caller shall
//! ask again. Once it is active, the API answers.

use super::answers::{DatabaseHealth, DetailedHealth, Health, LeaseHolder, Readiness};
use super::reply::Exposition;
use super::reply::Probed;
use super::time::rfc3339;
use super::{Problem, authority, health, metrics, path, request};
use crate::metrics::Metrics;
use crate::tls::Trust;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{any_service, get};
use pulse_core::Timestamp;
use pulse_store::Holder;
use std::time::Duration;
use tokio::sync::watch;

/// How far a controller has come.
#[derive(Debug, Clone)]
pub enum Phase {
    /// The database cannot be used yet.
    Connecting {
        /// Why not, once that is known.
        trouble: Option<String>,
    },
    /// Another controller has the leases.
    StandingBy {
        /// Which, and for how much longer unless it renews them.
        holder: Holder,
        /// When that was so.
        seen: Timestamp,
    },
    /// The leases are ours; what is open is taken up and the sources are looked at.
    TakingOver,
    /// The API answers.
    Active(Router),
    /// It was active, and the leases may have expired since it reached its database: another controller may be active.
    CutOff,
    /// It stops, or another controller has taken over.
    Over,
}

impl Phase {
    const fn role(&self) -> &'static str {
        match self {
            Self::Connecting { .. } => "connecting",
            Self::StandingBy { .. } => "standby",
            Self::TakingOver => "taking_over",
            Self::Active(_) => "active",
            Self::CutOff => "cut_off",
            Self::Over => "over",
        }
    }

    /// In words, why nothing else is answered.
    fn reason(&self) -> String {
        match self {
            Self::Connecting { trouble: None } => "connecting to the database".to_owned(),
            Self::Connecting { trouble: Some(trouble) } => format!("waiting for the database: {trouble}"),
            Self::StandingBy { holder, .. } if holder.expires_in == Duration::ZERO => {
                "standing by: the leases of this database are just becoming free".to_owned()
            }
            Self::StandingBy { holder, seen } => format!(
                "standing by: controller {} is active on this database; its leases expire at {} unless it renews them",
                place(holder),
                rfc3339(expiry(holder, *seen))
            ),
            Self::TakingOver => "taking over: what is open is being taken up".to_owned(),
            Self::Active(_) => "this controller became active this very moment".to_owned(),
            Self::CutOff => {
                "the database could not be reached for as long as the leases hold: another controller may be active; this \
                one goes on once it reaches the database and nobody has taken over"
                    .to_owned()
            }
            Self::Over => "this controller ends".to_owned(),
        }
    }
}

/// `host:port`, without what makes the name unique.
fn place(holder: &Holder) -> &str {
    holder.name.split('/').next().unwrap_or_default()
}

fn expiry(holder: &Holder, seen: Timestamp) -> Timestamp {
    Timestamp(seen.0.saturating_add(i64::try_from(holder.expires_in.as_micros()).unwrap_or(i64::MAX)))
}

#[derive(Clone)]
struct Front {
    phase: watch::Receiver<Phase>,
    /// What answers until the API does.
    waiting: Router,
}

/// Everything that a controller answers, in whatever phase it is. Whom to trust is the same in each.
pub fn front(phase: watch::Receiver<Phase>, trust: Option<Trust>, counted: Metrics) -> Router {
    let scraped = phase.clone();
    let waiting = Router::new()
        .route("/health", get(whole))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(ready))
        .route("/health/detailed", get(detailed))
        .route(
            metrics::PATH,
            get(async move |headers: HeaderMap| -> Result<Exposition, Problem> {
                let phase = scraped.borrow().role();
                metrics::answer(&counted, &headers, phase, None).await
            }),
        )
        .merge(crate::dashboard::router())
        .route(authority::PATH, get(async move || authority::answer(trust.as_ref())))
        .fallback(not_active)
        .layer(from_fn(request::identify))
        .layer(from_fn(request::harden))
        .with_state(phase.clone());
    Router::new().fallback(pass_on).layer(from_fn(path::canonical)).with_state(Front { phase, waiting })
}

async fn pass_on(State(front): State<Front>, request: Request) -> Response {
    let active = match &*front.phase.borrow() {
        Phase::Active(router) => Some(router.clone()),
        _ => None,
    };
    if let Some(router) = active {
        return any_service(router).call(request, ()).await;
    }
    let mut response = any_service(front.waiting).call(request, ()).await;
    // Where one address leads to several controllers, only a new connection finds the active one.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn ready(State(phase): State<watch::Receiver<Phase>>) -> Probed<Readiness> {
    let phase = phase.borrow().clone();
    Probed::ill(Readiness { status: health::word(false), role: Some(phase.role()), reason: Some(phase.reason()) })
}

async fn whole(State(phase): State<watch::Receiver<Phase>>) -> Probed<Health> {
    Probed::ill(health_of(&phase.borrow().clone()))
}

async fn detailed(State(phase): State<watch::Receiver<Phase>>) -> Probed<DetailedHealth> {
    Probed::ill(DetailedHealth { health: health_of(&phase.borrow().clone()), details: None })
}

fn health_of(phase: &Phase) -> Health {
    let holder = match phase {
        Phase::StandingBy { holder, seen } => {
            Some(LeaseHolder { name: place(holder).to_owned(), leases_expire_at: expiry(holder, *seen).into() })
        }
        _ => None,
    };
    Health {
        status: health::word(false),
        release: env!("CARGO_PKG_VERSION"),
        role: phase.role(),
        reason: Some(phase.reason()),
        stopping: matches!(phase, Phase::Over),
        database: DatabaseHealth { status: health::word(!matches!(phase, Phase::Connecting { .. } | Phase::CutOff)) },
        holder,
    }
}

/// Whoever asks again in a moment finds this controller active, or another one behind the same address.
async fn not_active(State(phase): State<watch::Receiver<Phase>>, body: Body) -> Problem {
    let reason = phase.borrow().reason();
    request::drain(body).await;
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "standing_by", reason)
        .with_help("ask again in a moment, or ask the active controller")
}

#[cfg(test)]
mod tests {
    use super::{Phase, front};
    use crate::metrics::Metrics;
    use axum::Router;
    use axum::routing::get;
    use pulse_core::Timestamp;
    use pulse_store::Holder;
    use serde_json::Value;
    use std::time::Duration;
    use tokio::sync::watch;

    struct Asked {
        status: u16,
        retry_after: Option<String>,
        connection: Option<String>,
        body: String,
    }

    async fn asker(phases: watch::Receiver<Phase>) -> impl AsyncFn(&'static str) -> Asked {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, front(phases, None, Metrics::default())).await });
        async move |path: &'static str| {
            let url = format!("http://{address}{path}");
            let ask = move || {
                let http = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
                let mut answer = http.get(&url).call().unwrap();
                let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
                let (retry_after, connection) = (header("retry-after"), header("connection"));
                let (status, body) = (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap());
                Asked { status, retry_after, connection, body }
            };
            tokio::task::spawn_blocking(ask).await.unwrap()
        }
    }

    #[tokio::test]
    async fn until_it_is_active_it_lives_and_says_why_it_cannot_serve() {
        let holder = Holder { name: "pulse-0:8080/x".into(), expires_in: Duration::from_secs(8) };
        let trouble = Some("connection refused".to_owned());
        for (phase, role, words) in [
            (Phase::Connecting { trouble: None }, "connecting", "connecting to the database"),
            (Phase::Connecting { trouble }, "connecting", "waiting for the database: connection refused"),
            (
                Phase::StandingBy { holder, seen: Timestamp(1_000_000) },
                "standby",
                "controller pulse-0:8080 is active on this database; its leases expire at 1970-01-01T00:00:09.000000Z",
            ),
            (Phase::TakingOver, "taking_over", "taking over"),
            (Phase::CutOff, "cut_off", "the database could not be reached"),
            (Phase::Over, "over", "ends"),
        ] {
            let (_phase, phases) = watch::channel(phase);
            let ask = asker(phases).await;
            assert_eq!(ask("/health/live").await.status, 200);
            let page = ask("/prompts").await;
            assert_eq!((page.status, page.body.starts_with("<!doctype html>")), (200, true), "the page that tells people why");
            let metrics = ask("/metrics").await;
            let told = (format!("pulse_phase{{phase=\"{role}\"}} 1.0"), "pulse_leader 0.0");
            assert!(metrics.status == 200 && metrics.body.contains(&told.0) && metrics.body.contains(told.1), "{}", metrics.body);
            assert!(!metrics.body.contains("pulse_agents{"), "what the active one knows is not told: {}", metrics.body);
            for path in ["/health", "/health/ready", "/health/detailed"] {
                let health = ask(path).await;
                let body: Value = serde_json::from_str(&health.body).unwrap();
                assert_eq!((health.status, body["role"].as_str()), (503, Some(role)));
                assert!(body["reason"].as_str().unwrap().contains(words), "{body}");
            }
            for path in ["/api/v1/workflows", "/api/v1/agents/session", "/webhooks/gitea", "/nothing"] {
                let refused = ask(path).await;
                let body: Value = serde_json::from_str(&refused.body).unwrap();
                assert_eq!((refused.status, body["code"].as_str()), (503, Some("standing_by")), "{path}");
                assert!(body["detail"].as_str().unwrap().contains(words), "{body}");
                assert_eq!((refused.retry_after.as_deref(), refused.connection.as_deref()), (Some("1"), Some("close")));
            }
        }
    }

    #[tokio::test]
    async fn once_it_is_active_the_api_answers() {
        let (phase, phases) = watch::channel(Phase::TakingOver);
        let ask = asker(phases).await;
        assert_eq!(ask("/x").await.status, 503);
        phase.send_replace(Phase::Active(Router::new().route("/x", get(async || "the API"))));
        let answer = ask("/x").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "the API"));
        phase.send_replace(Phase::CutOff);
        assert_eq!(ask("/x").await.status, 503);
        phase.send_replace(Phase::Active(Router::new().route("/x", get(async || "the API"))));
        assert_eq!(ask("/x").await.status, 200);
        phase.send_replace(Phase::Over);
        assert_eq!(ask("/x").await.status, 503);
    }
}
