//! People, as their identity provider said them last.

use super::answers::{Page, UserView};
use super::extract::Parameters;
use super::list::{PageQuery, by_name};
use super::{App, Problem};
use axum::extract::State;
use pulse_store::User;

/// `GET /api/v1/users`: everybody who ever came in, by name.
pub(super) async fn list(State(app): State<App>, Parameters(query): Parameters<PageQuery>) -> Result<Page<UserView>, Problem> {
    let rows = app.engine.store().users().await?.into_iter();
    let readable = rows.filter_map(|row| row.inspect_err(|error| tracing::error!(%error, "a user cannot be read")).ok());
    by_name(readable.map(|user| (user.name.clone(), user)).collect(), &query, view)
}

fn view(user: User) -> UserView {
    UserView {
        name: user.name,
        display_name: user.display_name,
        email: user.email,
        groups: user.groups,
        provider: user.provider,
        first_seen_at: user.first_seen_at.into(),
        last_seen_at: user.last_seen_at.into(),
    }
}
