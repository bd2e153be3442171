//! What the controller can be told of who comes in.

use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text).live()
}

pub(super) const IDENTITY: &[Setting] = &[
    setting("PULSE_ADMIN_TOKEN", "adminToken", "admin-token-file", Kind::Text("TOKEN"), "The administrator's token.")
        .or_else("made at the first start, in the data folder")
        .secret(),
    setting(
        "PULSE_TRUSTED_PROXIES",
        "trustedProxies",
        "trusted-proxies",
        Kind::List("ADDRESS"),
        "The proxies that may say by headers who somebody is: `10.0.0.7,10.1.0.0/24`.",
    ),
    setting("PULSE_ADMIN_GROUPS", "adminGroups", "admin-groups", Kind::List("GROUP"), "Groups whose members administer.")
        .or("admin"),
    setting(
        "PULSE_OPERATOR_GROUPS",
        "operatorGroups",
        "operator-groups",
        Kind::List("GROUP"),
        "Groups whose members run, answer and cancel.",
    )
    .or("employee,operator"),
    setting("PULSE_VIEWER_GROUPS", "viewerGroups", "viewer-groups", Kind::List("GROUP"), "Groups whose members look.")
        .or("viewer"),
    setting(
        "PULSE_AUDITOR_GROUPS",
        "auditorGroups",
        "auditor-groups",
        Kind::List("GROUP"),
        "Groups whose members look, and read who did what.",
    )
    .or("auditor"),
    setting(
        "PULSE_OIDC_ISSUER",
        "oidcIssuer",
        "oidc-issuer",
        Kind::Text("URL"),
        "The issuer of OpenID Connect where people sign in.",
    ),
    setting(
        "PULSE_OIDC_CLIENT_ID",
        "oidcClientId",
        "oidc-client-id",
        Kind::Text("ID"),
        "What the issuer knows this controller as.",
    ),
    setting(
        "PULSE_OIDC_CLIENT_SECRET",
        "oidcClientSecret",
        "oidc-client-secret-file",
        Kind::Text("SECRET"),
        "The client's secret.",
    )
    .secret(),
    setting(
        "PULSE_OIDC_SCOPES",
        "oidcScopes",
        "oidc-scopes",
        Kind::Text("SCOPES"),
        "What the issuer is asked for, with spaces between.",
    )
    .or("openid profile email groups"),
    setting(
        "PULSE_OIDC_GROUPS_CLAIM",
        "oidcGroupsClaim",
        "oidc-groups-claim",
        Kind::Text("CLAIM"),
        "The claim that holds a person's groups.",
    )
    .or("groups"),
    setting(
        "PULSE_OIDC_USER_CLAIM",
        "oidcUserClaim",
        "oidc-user-claim",
        Kind::Text("CLAIM"),
        "The claim that holds a person's name.",
    )
    .or("preferred_username"),
    setting("PULSE_OIDC_NAME", "oidcName", "oidc-name", Kind::Text("NAME"), "What people read on the button.")
        .or("Single sign-on"),
    setting("PULSE_OIDC_CA", "oidcCa", "oidc-ca", Kind::Pem, "The certificate authority of the issuer: a PEM file, or its text.")
        .or_else("the machine's authorities"),
    setting(
        "PULSE_SESSION_LIFE",
        "sessionLife",
        "session-life",
        Kind::Duration,
        "How long the session of a browser lasts at most, 1m to 720h; those that began before keep theirs.",
    )
    .or("24h"),
    setting("PULSE_SESSION_IDLE", "sessionIdle", "session-idle", Kind::Duration, "After how long without use it ends.").or("8h"),
];
