//! What `pulse-controller` can be told.

use super::{identity, keep, observe, source};
use crate::program::Program;
use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text)
}

/// The controller.
pub static CONTROLLER: Program = Program {
    name: "pulse-controller",
    // In the order of the docs.
    settings: &[LISTEN, DATA, source::SOURCE, identity::IDENTITY, keep::KEEP, observe::OBSERVE, REST],
    file: Some("/etc/pulse/controller.yaml"),
    file_names: &["PULSE_CONFIG"],
    others: &["PULSE_SERVER", "PULSE_TOKEN", "PULSE_TOKEN_FILE", "PULSE_CA", "PULSE_FAILPOINT", "PULSE_TEST_*", "PULSE_AGENT_*"],
};

const LISTEN: &[Setting] = &[
    setting("PULSE_LISTEN", "listen", "listen", Kind::Text("ADDRESS:PORT"), "Address and port to listen on.")
        .or("127.0.0.1:8080"),
    setting(
        "PULSE_PUBLIC_URL",
        "publicUrl",
        "public-url",
        Kind::Text("URL"),
        "The URL under which agents and people reach this controller.",
    )
    .or_else("its own address"),
    setting("PULSE_INSECURE_HTTP", "insecureHttp", "insecure-http", Kind::Bool, "Speak plain HTTP also to other machines.")
        .or("false"),
    setting(
        "PULSE_TLS",
        "tls",
        "tls",
        Kind::Word(&["off", "auto"]),
        "`auto`: speak https with a certificate of an authority of its own.",
    )
    .or_else("off, or by PULSE_TLS_CERT"),
    setting(
        "PULSE_TLS_CERT",
        "tlsCert",
        "tls-cert",
        Kind::Pem,
        "The certificate for https, and those between it and its authority, in PEM.",
    )
    .live(),
    setting("PULSE_TLS_KEY", "tlsKey", "tls-key-file", Kind::Pem, "The certificate's private key, in PEM.").watched().live(),
    setting(
        "PULSE_RATE_LIMIT",
        "rateLimit",
        "rate-limit",
        Kind::Text("RATE"),
        "How many requests are taken of each person or token: `600/m`, with `s`, `m` or `h`.",
    )
    .or("off")
    .live(),
    setting(
        "PULSE_RATE_LIMIT_STRANGERS",
        "rateLimitStrangers",
        "rate-limit-strangers",
        Kind::Text("RATE"),
        "How many are taken of each address from those who do not say who asks.",
    )
    .or("300/m")
    .live(),
    setting(
        "PULSE_WEBHOOK_SECRET",
        "webhookSecret",
        "webhook-secret-file",
        Kind::List("SECRET"),
        "What signs webhooks; two while it is changed. Without one they are off.",
    )
    .secret()
    .live(),
];

const DATA: &[Setting] = &[
    setting("PULSE_DATA_DIR", "dataDir", "data-dir", Kind::Path("FOLDER"), "The folder to keep everything in.")
        .or("/var/lib/pulse"),
    setting(
        "PULSE_DATABASE_URL",
        "databaseUrl",
        "database-url-file",
        Kind::Text("URL"),
        "The database: mariadb://user:password@host/database, or sqlite://FILE.",
    )
    .or_else("a SQLite file in the data folder")
    .secret(),
];

const REST: &[Setting] = &[
    setting(
        "PULSE_STOP_TIMEOUT",
        "stopTimeout",
        "stop-timeout",
        Kind::Duration,
        "How long requests that are being answered may go on after a stop, at most 10m.",
    )
    .or("10s")
    .live(),
    setting("PULSE_LOG", "log", "log", Kind::Text("FILTER"), "What to log, such as `debug` or `info,pulse_controller=debug`.")
        .or("info")
        .live(),
    setting("PULSE_LOG_FORMAT", "logFormat", "log-format", Kind::Word(&["text", "json"]), "The form of a line of the log.")
        .or("text"),
    setting("PULSE_LEGACY_ENABLED", "legacyEnabled", "", Kind::Bool, "The old PULSE's paths and its worker.").later(),
    setting("WORKER_API_KEY", "workerApiKey", "", Kind::Text("KEY"), "The old worker's key.").secret().later(),
];
