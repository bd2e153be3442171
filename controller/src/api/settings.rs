//! The settings of this controller as they count. No secret is in them.

use super::answers::{SettingView, SettingsView};
use super::{App, Problem};
use axum::extract::State;
use axum::response::Json;
use pulse_settings::Effective;

/// `GET /api/v1/settings`.
pub(super) async fn read(State(app): State<App>) -> Result<Json<SettingsView>, Problem> {
    let view = app.settings.view();
    let items = view.all.iter().map(|one| setting(one, view.waiting.contains(&one.setting.key))).collect();
    Ok(Json(SettingsView { items, warnings: view.warnings, read_at: view.read_at.into() }))
}

fn setting(one: &Effective, waiting: bool) -> SettingView {
    SettingView {
        name: one.setting.key,
        environment: Some(one.setting.env).filter(|env| !env.is_empty()),
        value: one.value.clone(),
        otherwise: one.otherwise,
        origin: one.place.origin(),
        place: one.place.within(),
        held_in: one.held_in.clone(),
        secret: one.setting.secret,
        live: one.is_live(),
        waiting,
        text: one.setting.text,
    }
}
