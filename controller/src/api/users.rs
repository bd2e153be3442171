//! People, as their identity provider said them last.

use super::extract::Parameters;
use super::list::{PageQuery, by_name};
use super::time::rfc3339;
use super::{App, Problem};
use axum::extract::State;
use axum::response::Json;
use pulse_store::User;
use serde_json::{Value, json};

/// `GET /api/v1/users`: everybody who ever came in, by name.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Json<Value>, Problem> {
    let rows = app.engine.store().users().await?.into_iter();
    let readable = rows.filter_map(|row| row.inspect_err(|error| tracing::error!(%error, "a user cannot be read")).ok());
    Ok(Json(by_name(readable.map(|user| (user.name.clone(), user)).collect(), &query, |user| view(&user))?))
}

fn view(user: &User) -> Value {
    json!({
        "name": user.name,
        "displayName": user.display_name,
        "email": user.email,
        "groups": user.groups,
        "provider": user.provider,
        "firstSeenAt": rfc3339(user.first_seen_at),
        "lastSeenAt": rfc3339(user.last_seen_at),
    })
}
