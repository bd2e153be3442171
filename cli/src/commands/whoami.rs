//! `pulse whoami`: who the server takes you for, and what you may do.

use super::fields;
use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::views::{listed, text};
use serde_json::Value;

/// Show who the server takes you for, and what you may do to something at least
#[derive(Debug, clap::Args)]
pub struct Whoami {}

impl Whoami {
    /// Runs it.
    pub fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml, Format::Name])?;
        let answer = common.client()?.get("/session")?;
        match format {
            Format::Json => output::print(&output::json(&answer))?,
            Format::Yaml => output::print(&output::yaml(&answer)?)?,
            Format::Name => output::print(&text(&answer, "/principal/name"))?,
            _ => output::print(&said(&answer))?,
        }
        Ok(Exit::Success)
    }
}

fn said(session: &Value) -> String {
    let means = match text(session, "/principal/means").as_str() {
        "admin_token" => "the administrator's own token".to_owned(),
        "api_token" => "a token of the API".to_owned(),
        "proxy" => "a proxy that vouches for you".to_owned(),
        "oidc" => "an identity provider".to_owned(),
        other => other.to_owned(),
    };
    // The administrator's own token has no role: it may everything.
    let everything = text(session, "/principal/kind") == "root";
    let rights = listed(session, "/rights", ", ");
    fields(&[
        ("Name", text(session, "/principal/name")),
        ("Called", text(session, "/principal/displayName")),
        ("Mail", text(session, "/principal/email")),
        ("Came by", means),
        ("Groups", listed(session, "/principal/groups", ", ")),
        ("Roles", listed(session, "/principal/roles", ", ")),
        ("Rights", if everything { "everything, whatever policies say".to_owned() } else { rights }),
    ])
}
