//! The HTTP API: this file is the table of its routes. Handlers read and ask; every decision is the engine's.

mod agents;
mod auth;
mod body;
mod events;
mod executions;
mod extract;
mod groups;
mod health;
mod list;
mod live;
mod output;
mod pauses;
mod problem;
mod prompts;
mod refusals;
mod request;
mod schedules;
mod schemas;
mod search;
mod sources;
mod standby;
mod syncs;
mod time;
mod tokens;
mod validate;
mod view;
mod webhooks;
mod workflows;

pub use auth::Admin;
pub use live::Seats;
pub use problem::Problem;
pub use standby::{Phase, front};
pub(crate) use tokens::make as make_token;

use crate::engine::Engine;
use crate::schedules::Scheduler;
use crate::sync::Sources;
use crate::webhook::{self, Webhooks};
use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post};
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
    pub admin: Arc<Admin>,
    /// How agents and people reach this controller.
    pub url: Arc<str>,
    /// False where tokens for further agents are not given out.
    pub enrolment: bool,
    /// True once the controller stops: open connections end then.
    pub stopping: watch::Receiver<bool>,
}

/// One route: its method, its path, its handler.
type Route = (Method, &'static str, MethodRouter<App>);

/// Every route there is. Which of them need no token stands in `auth.rs`.
#[rustfmt::skip]
fn routes() -> Vec<Route> {
    vec![
        (Method::GET,    "/",                                        get(health::welcome)),
        (Method::GET,    "/health",                                  get(health::whole)),
        (Method::GET,    "/health/live",                             get(health::live)),
        (Method::GET,    "/health/ready",                            get(health::ready)),
        (Method::GET,    "/schemas/{name}",                          get(schemas::one)),
        (Method::GET,    "/api/v1/workflows",                        get(workflows::list)),
        (Method::GET,    "/api/v1/workflows/{name}",                 get(workflows::one)),
        (Method::GET,    "/api/v1/schedules",                        get(schedules::list)),
        (Method::GET,    "/api/v1/schedules/{name}",                 get(schedules::one)),
        (Method::GET,    "/api/v1/schedules/{name}/slots",           get(schedules::slots)),
        (Method::GET,    "/api/v1/groups",                           get(groups::list)),
        (Method::GET,    "/api/v1/agents",                           get(agents::list)),
        (Method::GET,    "/api/v1/agents/session",                   get(agents::session)),
        (Method::GET,    "/api/v1/agents/tokens",                    get(tokens::list)),
        (Method::POST,   "/api/v1/agents/tokens",                    post(tokens::create)),
        (Method::GET,    "/api/v1/agents/{name}",                    get(agents::one)),
        (Method::DELETE, "/api/v1/agents/{name}",                    delete(agents::revoke)),
        (Method::GET,    "/api/v1/executions",                       get(executions::list)),
        (Method::POST,   "/api/v1/executions",                       post(executions::start)),
        (Method::GET,    "/api/v1/executions/{id}",                  get(executions::one)),
        (Method::GET,    "/api/v1/executions/{id}/events",           get(events::list)),
        (Method::GET,    "/api/v1/executions/{id}/output",           get(output::read)),
        (Method::GET,    "/api/v1/executions/{id}/why",              get(executions::why)),
        (Method::POST,   "/api/v1/executions/{id}/cancel",           post(executions::cancel)),
        (Method::POST,   "/api/v1/executions/{id}/resolve",          post(executions::resolve)),
        (Method::POST,   "/api/v1/executions/{id}/retry",            post(executions::retry)),
        (Method::GET,    "/api/v1/prompts",                          get(prompts::list)),
        (Method::GET,    "/api/v1/prompts/{id}",                     get(prompts::one)),
        (Method::POST,   "/api/v1/prompts/{id}/answer",              post(prompts::answer)),
        (Method::GET,    "/api/v1/pauses",                           get(pauses::list)),
        (Method::POST,   "/api/v1/pauses",                           post(pauses::create)),
        (Method::DELETE, "/api/v1/pauses/{id}",                      delete(pauses::end)),
        (Method::GET,    "/api/v1/sources",                          get(sources::list)),
        (Method::GET,    "/api/v1/sources/{name}",                   get(sources::one)),
        (Method::GET,    "/api/v1/syncs",                            get(syncs::list)),
        (Method::POST,   "/api/v1/syncs",                            post(syncs::sync)),
        (Method::GET,    "/api/v1/syncs/{id}",                       get(syncs::one)),
        (Method::POST,   "/api/v1/syncs/{id}/confirm",               post(syncs::confirm)),
        (Method::POST,   "/api/v1/validate",                         post(validate::validate)),
        (Method::POST,   "/api/v1/plan",                             post(validate::plan)),
        (Method::POST,   webhook::PATH,                              post(webhooks::gitea)),
        (Method::GET,    webhook::PATH,                              get(webhooks::not_post)),
        (Method::GET,    "/api/v1/events",                           get(live::upgrade)),
    ]
}

/// Methods and paths of every route, and whether it is open to anybody.
pub fn table() -> Vec<(Method, &'static str, bool)> {
    let of = |(method, path, _): Route| (method.clone(), path, auth::is_public(&method, path));
    routes().into_iter().map(of).collect()
}

/// The whole API.
pub fn router(app: App) -> Router {
    let routes = routes().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler));
    routes
        .method_not_allowed_fallback(request::wrong_method)
        .route_layer(from_fn_with_state(app.clone(), auth::authorise))
        .fallback(request::unknown_path)
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(request::panicked))
        .layer(from_fn(request::identify))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}
