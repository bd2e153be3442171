//! An issuer of OpenID Connect that vouches for people.

use super::Secret;
use super::listen::insecure_http;
use pulse_settings::Layers;

/// An issuer, and what it knows this controller as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its URL, as it says it of itself.
    pub issuer: String,
    /// The client's id there.
    pub client_id: String,
    /// The client's secret; a client without one is proven by PKCE alone.
    pub client_secret: Option<Secret>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that holds a person's groups.
    pub groups_claim: String,
    /// The claim that holds a person's name.
    pub user_claim: String,
    /// What people read on the button.
    pub name: String,
    /// The certificates of the authority that signed the issuer's, PEM; the machine's authorities where there is none.
    pub ca: Option<String>,
}

const OTHERS: [&str; 7] = [
    "PULSE_OIDC_CLIENT_ID",
    "PULSE_OIDC_CLIENT_SECRET",
    "PULSE_OIDC_SCOPES",
    "PULSE_OIDC_GROUPS_CLAIM",
    "PULSE_OIDC_USER_CLAIM",
    "PULSE_OIDC_NAME",
    "PULSE_OIDC_CA",
];

impl Oidc {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let Some(issuer) = layers.get("PULSE_OIDC_ISSUER") else {
            let given = OTHERS.iter().filter_map(|name| layers.get(name));
            errors.extend(given.map(|given| format!("{}: it says nothing without PULSE_OIDC_ISSUER", given.place)));
            return None;
        };
        let before = errors.len();
        if let Err(why) = check_url(&issuer.text, insecure_http(layers, errors)) {
            errors.push(format!("{}: {why}", issuer.place));
        }
        let text = |name, otherwise: &str| layers.get(name).map_or(otherwise, |given| given.text.trim()).to_owned();
        let client_id = text("PULSE_OIDC_CLIENT_ID", "");
        if client_id.is_empty() {
            errors.push(format!("{}: set PULSE_OIDC_CLIENT_ID, too", issuer.place));
        }
        let mut scopes: Vec<String> =
            text("PULSE_OIDC_SCOPES", "openid profile email groups").split_whitespace().map(str::to_owned).collect();
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        let oidc = Self {
            issuer: issuer.text.clone(),
            client_id,
            client_secret: layers.get("PULSE_OIDC_CLIENT_SECRET").map(|given| Secret::new(given.text.trim())),
            scopes,
            groups_claim: text("PULSE_OIDC_GROUPS_CLAIM", "groups"),
            user_claim: text("PULSE_OIDC_USER_CLAIM", "preferred_username"),
            name: text("PULSE_OIDC_NAME", "Single sign-on"),
            ca: layers.get("PULSE_OIDC_CA").and_then(|given| super::source_git::authority(given, errors)),
        };
        (errors.len() == before).then_some(oidc)
    }
}

fn check_url(text: &str, insecure: bool) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@', ' '])) else {
        return Err(format!("`{text}` is no URL such as https://auth.example.org"));
    };
    if text.starts_with("http://") && !is_loopback(rest) && !insecure {
        return Err("whoever can change what goes over plain HTTP could sign in as anybody; give an https:// URL".to_owned());
    }
    Ok(())
}

/// Whether a URL's host, which is what stands before the first slash, is this machine.
pub(super) fn is_loopback(behind_scheme: &str) -> bool {
    let host = behind_scheme.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
