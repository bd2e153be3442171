//! The HTTP API: this file is the table of its routes. Handlers read and ask; every decision is the engine's.

mod agents;
mod answers;
mod api_tokens;
mod audit;
mod audited;
mod auth;
mod authority;
mod body;
mod caller;
pub mod codes;
mod commands;
mod compress;
mod etag;
mod events;
mod executions;
mod extract;
#[cfg(test)]
mod fuzz;
mod groups;
mod health;
mod idempotency;
mod install;
mod limits;
mod link;
mod list;
mod live;
mod metrics;
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
mod settings;
mod sight;
mod sources;
mod standby;
mod syncs;
mod time;
mod tokens;
mod traced;
mod users;
mod validate;
mod view;
mod webhooks;
mod workflows;

pub use audited::Mark;
pub use limits::Limiter;
pub use live::Seats;
pub use problem::Problem;
pub use rule::Rule;
pub use standby::{Phase, front};
pub(crate) use tokens::make as make_token;

use crate::audit::Audit;
use crate::engine::Engine;
use crate::identity::Identity;
use crate::schedules::Scheduler;
use crate::settings::Current;
use crate::sync::Sources;
use crate::tls::Trust;
use crate::webhook::{self, Webhooks};
use audited::Mark::{Begun, Beside, Committed, Look};
use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use openapi::{Endpoint, delete, get, post};
use precondition::Objects;
use pulse_core::access::Verb;
use rule::Rule::{May, Open, Root, SignedIn, Whole};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::watch;

/// Bytes of a request's body.
pub const MAX_BODY: usize = 1024 * 1024;

/// What the handlers work with: one for all of them, since every request and each of its layers takes its own handle.
#[derive(Clone)]
pub struct App(Arc<Means>);

impl From<Means> for App {
    fn from(means: Means) -> Self {
        Self(Arc::new(means))
    }
}

impl Deref for App {
    type Target = Means;
    fn deref(&self) -> &Means {
        &self.0
    }
}

/// What there is to work with.
pub struct Means {
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
    /// The audit log.
    pub audit: Audit,
    /// How agents and people reach this controller.
    pub url: Arc<str>,
    /// How many requests are taken of whom.
    pub limiter: Arc<Limiter>,
    /// The settings of the moment.
    pub settings: Arc<Current>,
    /// The authority of our own that agents and people have to trust, where there is one.
    pub trust: Option<Trust>,
    /// False where tokens for further agents are not given out.
    pub enrolment: bool,
    /// True once the controller stops: open connections end then.
    pub stopping: watch::Receiver<bool>,
}

/// One route: its method, its path, what it asks of its caller, what it leaves in the audit log, its handler with what that takes and
/// answers.
type Route = (Method, &'static str, Rule, Mark, Endpoint);

/// Every route there is.
#[rustfmt::skip]
fn routes() -> Vec<Route> {
    vec![
        (Method::GET,    "/docs",                                   Open,                   Look,                           get(openapi::page)),
        (Method::GET,    "/docs/style.css",                         Open,                   Look,                           get(openapi::style)),
        (Method::GET,    "/openapi.json",                           Open,                   Look,                           get(openapi::json)),
        (Method::GET,    "/install-agent.sh",                       Open,                   Look,                           get(install::script)),
        (Method::GET,    "/install-agent.sh.sha256",                Open,                   Look,                           get(install::script_sum)),
        (Method::GET,    "/downloads/{name}",                       Open,                   Look,                           get(install::download)),
        (Method::GET,    "/health",                                 Open,                   Look,                           get(health::whole)),
        (Method::GET,    "/health/live",                            Open,                   Look,                           get(health::live)),
        (Method::GET,    "/health/ready",                           Open,                   Look,                           get(health::ready)),
        (Method::GET,    "/health/detailed",                        Open,                   Look,                           get(health::detailed)),
        (Method::GET,    metrics::PATH,                             Open,                   Look,                           get(metrics::metrics)),
        (Method::GET,    authority::PATH,                           Open,                   Look,                           get(authority::certificate)),
        (Method::GET,    "/api/v1/session",                         Open,                   Look,                           get(session::look)),
        (Method::POST,   "/api/v1/session",                         Open,                   Beside("session.begin"),        post(session::sign_in)),
        (Method::DELETE, "/api/v1/session",                         SignedIn,               Beside("session.end"),          delete(session::sign_out)),
        (Method::GET,    "/auth/oidc/login",                        Open,                   Look,                           get(oidc::login)),
        (Method::GET,    "/auth/oidc/callback",                     Open,                   Beside("session.oidc"),         get(oidc::callback)),
        (Method::GET,    "/api/v1/tokens",                          Whole(Verb::Administer),Look,                           get(api_tokens::list)),
        (Method::POST,   "/api/v1/tokens",                          Whole(Verb::Administer),Begun("token.create"),          post(api_tokens::create)),
        (Method::POST,   "/api/v1/tokens/break-glass",              Root,                   Begun("token.break-glass"),     post(api_tokens::break_the_glass)),
        (Method::DELETE, "/api/v1/tokens/{id}",                     Whole(Verb::Administer),Begun("token.revoke"),          delete(api_tokens::revoke)),
        (Method::GET,    "/api/v1/audit",                           Whole(Verb::Audit),     Look,                           get(audit::list)),
        (Method::GET,    "/api/v1/audit/export",                    Whole(Verb::Audit),     Look,                           get(audit::export)),
        (Method::GET,    "/api/v1/audit/verify",                    Whole(Verb::Audit),     Look,                           get(audit::verify)),
        (Method::GET,    "/api/v1/users",                           Whole(Verb::Administer),Look,                           get(users::list)),
        (Method::GET,    "/api/v1/settings",                        Whole(Verb::Administer),Look,                           get(settings::read)),
        (Method::GET,    "/schemas/{name}",                         SignedIn,               Look,                           get(schemas::one)),
        (Method::GET,    "/api/v1/workflows",                       May(Verb::View),        Look,                           get(workflows::list)),
        (Method::GET,    "/api/v1/workflows/{name}",                May(Verb::View),        Look,                           get(workflows::one)),
        (Method::GET,    "/api/v1/schedules",                       May(Verb::View),        Look,                           get(schedules::list)),
        (Method::GET,    "/api/v1/schedules/{name}",                May(Verb::View),        Look,                           get(schedules::one)),
        (Method::GET,    "/api/v1/schedules/{name}/slots",          May(Verb::View),        Look,                           get(schedules::slots)),
        (Method::GET,    "/api/v1/groups",                          Whole(Verb::View),      Look,                           get(groups::list)),
        (Method::GET,    "/api/v1/agents",                          Whole(Verb::View),      Look,                           get(agents::list)),
        (Method::GET,    "/api/v1/agents/session",                  Open,                   Look,                           get(agents::session)),
        (Method::GET,    "/api/v1/agents/tokens",                   Whole(Verb::Administer),Look,                           get(tokens::list)),
        (Method::POST,   "/api/v1/agents/tokens",                   Whole(Verb::Administer),Begun("enrolment.create"),      post(tokens::create)),
        (Method::GET,    "/api/v1/agents/{name}",                   Whole(Verb::View),      Look,                           get(agents::one)),
        (Method::DELETE, "/api/v1/agents/{name}",                   Whole(Verb::Administer),Begun("agent.revoke"),          delete(agents::revoke)),
        (Method::POST,   "/api/v1/agents/{name}/replace",           Whole(Verb::Administer),Begun("agent.replace"),         post(agents::lifecycle::replace)),
        (Method::POST,   "/api/v1/agents/{name}/cordon",            May(Verb::Pause),       Begun("agent.cordon"),          post(agents::lifecycle::cordon)),
        (Method::POST,   "/api/v1/agents/{name}/drain",             May(Verb::Pause),       Begun("agent.drain"),           post(agents::lifecycle::cordon)),
        (Method::POST,   "/api/v1/agents/{name}/uncordon",          May(Verb::Pause),       Begun("agent.uncordon"),        post(agents::lifecycle::uncordon)),
        (Method::GET,    "/api/v1/executions",                      May(Verb::View),        Look,                           get(executions::list)),
        (Method::POST,   "/api/v1/executions",                      May(Verb::Run),         Committed("execution.start"),   post(executions::start)),
        (Method::GET,    "/api/v1/executions/{id}",                 May(Verb::View),        Look,                           get(executions::one)),
        (Method::GET,    "/api/v1/executions/{id}/events",          May(Verb::View),        Look,                           get(events::list)),
        (Method::GET,    "/api/v1/executions/{id}/output",          May(Verb::View),        Look,                           get(output::read)),
        (Method::GET,    "/api/v1/executions/{id}/why",             May(Verb::View),        Look,                           get(executions::why)),
        (Method::POST,   "/api/v1/executions/{id}/cancel",          May(Verb::Cancel),      Committed("execution.cancel"),  post(executions::cancel)),
        (Method::POST,   "/api/v1/executions/{id}/resolve",         May(Verb::Resolve),     Committed("execution.resolve"), post(executions::resolve)),
        (Method::POST,   "/api/v1/executions/{id}/retry",           May(Verb::Run),         Committed("execution.retry"),   post(executions::retry)),
        (Method::POST,   "/api/v1/commands",                        May(Verb::Command),     Committed("command.run"),       post(commands::run)),
        (Method::GET,    "/api/v1/prompts",                         May(Verb::View),        Look,                           get(prompts::list)),
        (Method::GET,    "/api/v1/prompts/{id}",                    May(Verb::View),        Look,                           get(prompts::one)),
        (Method::POST,   "/api/v1/prompts/{id}/answer",             May(Verb::Answer),      Committed("prompt.answer"),     post(prompts::answer)),
        (Method::GET,    "/api/v1/pauses",                          May(Verb::View),        Look,                           get(pauses::list)),
        (Method::POST,   "/api/v1/pauses",                          May(Verb::Pause),       Begun("pause.set"),             post(pauses::create)),
        (Method::GET,    "/api/v1/pauses/{id}",                     May(Verb::View),        Look,                           get(pauses::one)),
        (Method::DELETE, "/api/v1/pauses/{id}",                     May(Verb::Pause),       Begun("pause.end"),             delete(pauses::end)),
        (Method::GET,    "/api/v1/sources",                         Whole(Verb::View),      Look,                           get(sources::list)),
        (Method::GET,    "/api/v1/sources/{name}",                  Whole(Verb::View),      Look,                           get(sources::one)),
        (Method::GET,    "/api/v1/syncs",                           Whole(Verb::View),      Look,                           get(syncs::list)),
        (Method::POST,   "/api/v1/syncs",                           Whole(Verb::Run),       Begun("source.sync"),           post(syncs::sync)),
        (Method::GET,    "/api/v1/syncs/{id}",                      Whole(Verb::View),      Look,                           get(syncs::one)),
        (Method::POST,   "/api/v1/syncs/{id}/confirm",              Whole(Verb::Administer),Begun("sync.confirm"),          post(syncs::confirm)),
        (Method::POST,   "/api/v1/validate",                        Whole(Verb::View),      Look,                           post(validate::validate)),
        (Method::POST,   "/api/v1/plan",                            Whole(Verb::View),      Look,                           post(validate::plan)),
        (Method::POST,   webhook::PATH,                             Open,                   Look,                           post(webhooks::gitea)),
        (Method::GET,    webhook::PATH,                             Open,                   Look,                           get(webhooks::not_post)),
        (Method::GET,    "/api/v1/events",                          May(Verb::View),        Look,                           get(live::upgrade)),
    ]
}

/// The OpenAPI document.
pub fn openapi() -> serde_json::Value {
    openapi::document(&routes())
}

/// Methods, paths and rules of every route.
pub fn table() -> Vec<(Method, &'static str, Rule)> {
    routes().into_iter().map(|(method, path, rule, ..)| (method, path, rule)).collect()
}

/// Methods and paths of every route, and what each leaves in the audit log.
pub fn marks() -> Vec<(Method, &'static str, Mark)> {
    routes().into_iter().map(|(method, path, _, mark, _)| (method, path, mark)).collect()
}

/// The rule and the mark of each route.
struct Rules(HashMap<&'static str, Vec<(Method, Rule, Mark)>>);

impl Rules {
    fn of(&self, method: &Method, path: &str) -> Option<Rule> {
        self.row(method, path).map(|(rule, _)| rule)
    }

    /// A method that the path does not have changes nothing.
    fn mark(&self, method: &Method, path: &str) -> Mark {
        self.row(method, path).map_or(Look, |(_, mark)| mark)
    }

    /// This path, if it is a route's, as the table has it.
    fn known(&self, path: &str) -> Option<&'static str> {
        self.0.get_key_value(path).map(|(known, _)| *known)
    }

    fn row(&self, method: &Method, path: &str) -> Option<(Rule, Mark)> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(path)?.iter().find(|(its, ..)| *its == method).map(|(_, rule, mark)| (*rule, *mark))
    }
}

/// The whole API. A layer stands around those above it.
pub fn router(app: App) -> Router {
    let mut rules: HashMap<_, Vec<_>> = HashMap::new();
    let all = routes().into_iter();
    all.for_each(|(method, path, rule, mark, _)| rules.entry(path).or_default().push((method, rule, mark)));
    let rules = Arc::new(Rules(rules));
    let limiter = Arc::clone(&app.limiter);
    let measured = (app.engine.metrics().clone(), Arc::clone(&rules));
    let objects = Objects::of(routes(), Arc::clone(&rules), app.clone());
    let routes = routes().into_iter().fold(Router::new(), |router, (_, path, .., handler)| router.route(path, handler.router));
    routes
        // Before the layers, so that a stranger is not told which methods a path has.
        .method_not_allowed_fallback(request::wrong_method)
        .route_layer(from_fn_with_state((app.clone(), Arc::clone(&rules)), audited::inner))
        .route_layer(from_fn_with_state(objects, precondition::judge))
        .route_layer(from_fn_with_state(Arc::clone(&limiter), limits::principals))
        .route_layer(from_fn_with_state((app.clone(), Arc::clone(&rules)), auth::authorise))
        .route_layer(from_fn_with_state((app.clone(), Arc::clone(&rules)), audited::outer))
        .merge(crate::dashboard::router().method_not_allowed_fallback(request::wrong_method))
        .fallback(request::unknown_path)
        .layer(from_fn_with_state((limiter, rules), limits::strangers))
        .layer(from_fn(etag::add))
        .layer(from_fn(link::add))
        .layer(compress::layer())
        .layer(from_fn(etag::mark_compressed))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(request::panicked))
        .layer(from_fn(request::identify))
        .layer(from_fn(request::harden))
        .layer(from_fn_with_state(measured, metrics::measure))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}
