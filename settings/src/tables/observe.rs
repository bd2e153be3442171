//! What the controller can be told of who watches it. Where a standard has a name in the environment, that is the name.

use crate::setting::{Kind, Setting};

const fn setting(env: &'static str, key: &'static str, flag: &'static str, kind: Kind, text: &'static str) -> Setting {
    Setting::new(env, key, flag, kind, text)
}

pub(super) const OBSERVE: &[Setting] = &[
    setting(
        "PULSE_METRICS_TOKEN",
        "metricsToken",
        "metrics-token-file",
        Kind::Text("TOKEN"),
        "The token without which nobody reads the metrics.",
    )
    .or_else("anybody reads them, and they name no workflow")
    .secret(),
    setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "otlpEndpoint",
        "otlp-endpoint",
        Kind::Text("URL"),
        "The collector that traces are sent to, by OTLP over HTTP.",
    )
    .or_else("none are made"),
    setting(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "otlpHeaders",
        "otlp-headers-file",
        Kind::Map,
        "Headers for the collector, as name=value,….",
    )
    .secret(),
    setting("OTEL_EXPORTER_OTLP_PROTOCOL", "otlpProtocol", "otlp-protocol", Kind::Word(&["http/json"]), "How traces are sent."),
    setting(
        "OTEL_SERVICE_NAME",
        "otlpServiceName",
        "otlp-service-name",
        Kind::Text("NAME"),
        "What this controller is called in traces.",
    )
    .or_else("pulse-controller"),
];
