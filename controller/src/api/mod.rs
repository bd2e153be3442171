//! The HTTP API: this file is the table of its routes. Handlers read and ask; every decision is the engine's.

mod agents;
mod answers;
mod api_tokens;
mod auth;
mod authority;
mod body;
mod caller;
pub mod codes;
mod compress;
mod etag;
mod events;
mod executions;
mod extract;
mod groups;
mod health;
mod idempotency;
mod limits;
mod link;
mod list;
mod live;
mod oidc;
mod openapi;
mod output;
mod path;
mod pauses;
mod precondition;
mod problem;
mod prompts;
mod refusals;
mod reply;
mod request;
mod rule;
mod schedules;
mod schemas;
mod search;
mod session;
mod sight;
mod sources;
mod standby;
mod syncs;
mod time;
mod tokens;
mod users;
mod validate;
mod view;
mod webhooks;
mod workflows;

pub use live::Seats;
pub use problem::Problem;
pub use rule::Rule;
pub use standby::{Phase, front};
pub(crate) use tokens::make as make_token;

use crate::config::Limits;
use crate::engine::Engine;
use crate::identity::Identity;
use crate::schedules::Scheduler;
use crate::sync::Sources;
use crate::tls::Trust;
use crate::webhook::{self, Webhooks};
use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use limits::Limiter;
use openapi::{Endpoint, delete, get, post};
use precondition::Objects;
use pulse_core::access::Verb;
use rule::Rule::{May, Open, Root, SignedIn, Whole};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Bytes of a request's body.
pub const MAX_BODY: usize = 1024 * 1024;

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    /// The executions and agents.
    pub engine: Engine,
    /// Where definitions come from.
    pub sources: Sources,
    /// The way in for webhooks.
    pub webhooks: Arc<Webhooks>,
    /// The schedules.
    pub schedules: Scheduler,
    /// The places of those who listen to changes.
    pub seats: Seats,
    /// Who may come in.
    pub identity: Arc<Identity>,
    /// How agents and people reach this controller.
    pub url: Arc<str>,
    /// How many requests are taken of whom.
    pub limits: Limits,
    /// The authority of our own that agents and people have to trust, where there is one.
    pub trust: Option<Trust>,
    /// False where tokens for further agents are not given out.
    pub enrolment: bool,
    /// True once the controller stops: open connections end then.
    pub stopping: watch::Receiver<bool>,
}

/// One route: its method, its path, what it asks of its caller, its handler with what that takes and answers.
type Route = (Method, &'static str, Rule, Endpoint);

/// Every route there is.
#[rustfmt::skip]
fn routes() -> Vec<Route> {
    vec![
        (Method::GET,    "/docs",                                   Open,                   get(openapi::page)),
        (Method::GET,    "/docs/style.css",                         Open,                   get(openapi::style)),
        (Method::GET,    "/openapi.json",                           Open,                   get(openapi::json)),
        (Method::GET,    "/health",                                 Open,                   get(health::whole)),
        (Method::GET,    "/health/live",                            Open,                   get(health::live)),
        (Method::GET,    "/health/ready",                           Open,                   get(health::ready)),
        (Method::GET,    authority::PATH,                           Open,                   get(authority::certificate)),
        (Method::GET,    "/api/v1/session",                         Open,                   get(session::look)),
        (Method::POST,   "/api/v1/session",                         Open,                   post(session::sign_in)),
        (Method::DELETE, "/api/v1/session",                         SignedIn,               delete(session::sign_out)),
        (Method::GET,    "/auth/oidc/login",                        Open,                   get(oidc::login)),
        (Method::GET,    "/auth/oidc/callback",                     Open,                   get(oidc::callback)),
        (Method::GET,    "/api/v1/tokens",                          Whole(Verb::Administer),get(api_tokens::list)),
        (Method::POST,   "/api/v1/tokens",                          Whole(Verb::Administer),post(api_tokens::create)),
        (Method::POST,   "/api/v1/tokens/break-glass",              Root,                   post(api_tokens::break_the_glass)),
        (Method::DELETE, "/api/v1/tokens/{id}",                     Whole(Verb::Administer),delete(api_tokens::revoke)),
        (Method::GET,    "/api/v1/users",                           Whole(Verb::Administer),get(users::list)),
        (Method::GET,    "/schemas/{name}",                         SignedIn,               get(schemas::one)),
        (Method::GET,    "/api/v1/workflows",                       May(Verb::View),        get(workflows::list)),
        (Method::GET,    "/api/v1/workflows/{name}",                May(Verb::View),        get(workflows::one)),
        (Method::GET,    "/api/v1/schedules",                       May(Verb::View),        get(schedules::list)),
        (Method::GET,    "/api/v1/schedules/{name}",                May(Verb::View),        get(schedules::one)),
        (Method::GET,    "/api/v1/schedules/{name}/slots",          May(Verb::View),        get(schedules::slots)),
        (Method::GET,    "/api/v1/groups",                          Whole(Verb::View),      get(groups::list)),
        (Method::GET,    "/api/v1/agents",                          Whole(Verb::View),      get(agents::list)),
        (Method::GET,    "/api/v1/agents/session",                  Open,                   get(agents::session)),
        (Method::GET,    "/api/v1/agents/tokens",                   Whole(Verb::Administer),get(tokens::list)),
        (Method::POST,   "/api/v1/agents/tokens",                   Whole(Verb::Administer),post(tokens::create)),
        (Method::GET,    "/api/v1/agents/{name}",                   Whole(Verb::View),      get(agents::one)),
        (Method::DELETE, "/api/v1/agents/{name}",                   Whole(Verb::Administer),delete(agents::revoke)),
        (Method::POST,   "/api/v1/agents/{name}/replace",           Whole(Verb::Administer),post(agents::lifecycle::replace)),
        (Method::POST,   "/api/v1/agents/{name}/cordon",            May(Verb::Pause),       post(agents::lifecycle::cordon)),
        (Method::POST,   "/api/v1/agents/{name}/drain",             May(Verb::Pause),       post(agents::lifecycle::cordon)),
        (Method::POST,   "/api/v1/agents/{name}/uncordon",          May(Verb::Pause),       post(agents::lifecycle::uncordon)),
        (Method::GET,    "/api/v1/executions",                      May(Verb::View),        get(executions::list)),
        (Method::POST,   "/api/v1/executions",                      May(Verb::Run),         post(executions::start)),
        (Method::GET,    "/api/v1/executions/{id}",                 May(Verb::View),        get(executions::one)),
        (Method::GET,    "/api/v1/executions/{id}/events",          May(Verb::View),        get(events::list)),
        (Method::GET,    "/api/v1/executions/{id}/output",          May(Verb::View),        get(output::read)),
        (Method::GET,    "/api/v1/executions/{id}/why",             May(Verb::View),        get(executions::why)),
        (Method::POST,   "/api/v1/executions/{id}/cancel",          May(Verb::Cancel),      post(executions::cancel)),
        (Method::POST,   "/api/v1/executions/{id}/resolve",         May(Verb::Resolve),     post(executions::resolve)),
        (Method::POST,   "/api/v1/executions/{id}/retry",           May(Verb::Run),         post(executions::retry)),
        (Method::GET,    "/api/v1/prompts",                         May(Verb::View),        get(prompts::list)),
        (Method::GET,    "/api/v1/prompts/{id}",                    May(Verb::View),        get(prompts::one)),
        (Method::POST,   "/api/v1/prompts/{id}/answer",             May(Verb::Answer),      post(prompts::answer)),
        (Method::GET,    "/api/v1/pauses",                          May(Verb::View),        get(pauses::list)),
        (Method::POST,   "/api/v1/pauses",                          May(Verb::Pause),       post(pauses::create)),
        (Method::GET,    "/api/v1/pauses/{id}",                     May(Verb::View),        get(pauses::one)),
        (Method::DELETE, "/api/v1/pauses/{id}",                     May(Verb::Pause),       delete(pauses::end)),
        (Method::GET,    "/api/v1/sources",                         Whole(Verb::View),      get(sources::list)),
        (Method::GET,    "/api/v1/sources/{name}",                  Whole(Verb::View),      get(sources::one)),
        (Method::GET,    "/api/v1/syncs",                           Whole(Verb::View),      get(syncs::list)),
        (Method::POST,   "/api/v1/syncs",                           Whole(Verb::Run),       post(syncs::sync)),
        (Method::GET,    "/api/v1/syncs/{id}",                      Whole(Verb::View),      get(syncs::one)),
        (Method::POST,   "/api/v1/syncs/{id}/confirm",              Whole(Verb::Administer),post(syncs::confirm)),
        (Method::POST,   "/api/v1/validate",                        Whole(Verb::View),      post(validate::validate)),
        (Method::POST,   "/api/v1/plan",                            Whole(Verb::View),      post(validate::plan)),
        (Method::POST,   webhook::PATH,                             Open,                   post(webhooks::gitea)),
        (Method::GET,    webhook::PATH,                             Open,                   get(webhooks::not_post)),
        (Method::GET,    "/api/v1/events",                          May(Verb::View),        get(live::upgrade)),
    ]
}

/// The OpenAPI document.
pub fn openapi() -> serde_json::Value {
    openapi::document(&routes())
}

/// Methods, paths and rules of every route.
pub fn table() -> Vec<(Method, &'static str, Rule)> {
    routes().into_iter().map(|(method, path, rule, _)| (method, path, rule)).collect()
}

/// The rule of each route.
struct Rules(HashMap<&'static str, Vec<(Method, Rule)>>);

impl Rules {
    fn of(&self, method: &Method, path: &str) -> Option<Rule> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(path)?.iter().find(|(its, _)| *its == method).map(|(_, rule)| *rule)
    }
}

/// The whole API. A layer stands around those above it.
pub fn router(app: App) -> Router {
    let mut rules: HashMap<_, Vec<_>> = HashMap::new();
    table().into_iter().for_each(|(method, path, rule)| rules.entry(path).or_default().push((method, rule)));
    let rules = Arc::new(Rules(rules));
    let limiter = Arc::new(Limiter::new(app.limits, Arc::clone(&rules)));
    let objects = Objects::of(routes(), Arc::clone(&rules), app.clone());
    let routes = routes().into_iter().fold(Router::new(), |router, (_, path, _, handler)| router.route(path, handler.router));
    routes
        // Before the layers, so that a stranger is not told which methods a path has.
        .method_not_allowed_fallback(request::wrong_method)
        .route_layer(from_fn_with_state(objects, precondition::judge))
        .route_layer(from_fn_with_state(Arc::clone(&limiter), limits::principals))
        .route_layer(from_fn_with_state((app.clone(), rules), auth::authorise))
        .merge(crate::dashboard::router().method_not_allowed_fallback(request::wrong_method))
        .fallback(request::unknown_path)
        .layer(from_fn_with_state(limiter, limits::strangers))
        .layer(from_fn(etag::add))
        .layer(from_fn(link::add))
        .layer(compress::layer())
        .layer(from_fn(etag::mark_compressed))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(request::panicked))
        .layer(from_fn(request::identify))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}
