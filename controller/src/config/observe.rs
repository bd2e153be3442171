//! Who may read the metrics, and where traces go.

use super::Secret;
use super::listen::insecure_http;
use super::oidc::is_loopback;
use pulse_settings::Layers;

/// Who may read the metrics, and where traces go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observe {
    /// Without one anybody may read the metrics, which then name no workflow.
    pub metrics_token: Option<Secret>,
    /// Where traces go; without it none are made.
    pub traces: Option<Traces>,
}

/// A collector that speaks OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Where traces are posted, `/v1/traces` included.
    pub url: String,
    /// What goes with each request, such as an `Authorization`.
    pub headers: Vec<(String, Secret)>,
    /// What this controller is called there.
    pub service: String,
}

/// Shorter tokens can be guessed.
const SHORTEST: usize = 16;
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const OTHERS: [&str; 3] = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SERVICE_NAME"];
const PROTOCOL: &str = "http/json";

impl Observe {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        Self { metrics_token: metrics_token(layers, errors), traces: Traces::read(layers, errors) }
    }
}

fn metrics_token(layers: &Layers, errors: &mut Vec<String>) -> Option<Secret> {
    let given = layers.get("PULSE_METRICS_TOKEN")?;
    if !given.text.bytes().all(|byte| byte.is_ascii_graphic()) || given.text.len() < SHORTEST {
        errors.push(format!("{}: the token must have at least {SHORTEST} letters, digits or punctuation of ASCII", given.place));
        return None;
    }
    Some(Secret::new(given.text.clone()))
}

impl Traces {
    fn read(layers: &Layers, errors: &mut Vec<String>) -> Option<Self> {
        let Some(endpoint) = layers.get(ENDPOINT) else {
            // Names of a standard: other programs of the host may have them, so that alone they are no mistake.
            return None;
        };
        let before = errors.len();
        let base = endpoint.text.trim().trim_end_matches('/');
        let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' '])) {
            errors.push(format!("{}: `{}` is no URL such as http://127.0.0.1:4318", endpoint.place, endpoint.text));
        }
        if let Some(given) = layers.get(OTHERS[1])
            && given.text != PROTOCOL
        {
            errors.push(format!(
                "{}: `{}` is unsupported; traces are sent as {PROTOCOL}, which every collector takes where it takes http/protobuf",
                given.place, given.text
            ));
        }
        let mut headers = Vec::new();
        if let Some(given) = layers.get(OTHERS[0]) {
            match pairs(&given.text) {
                Ok(pairs) => headers = pairs,
                Err(why) => errors.push(format!("{}: {why}", given.place)),
            }
            if base.starts_with("http://") && !is_loopback(rest.unwrap_or("")) && !insecure_http(layers, &mut Vec::new()) {
                errors.push(format!(
                    "{}: over plain HTTP anybody on the way could read these headers; give {ENDPOINT} an https:// URL, or set \
                     PULSE_INSECURE_HTTP=true where you trust the network",
                    given.place
                ));
            }
        }
        let service = layers.get(OTHERS[2]).map_or("pulse-controller", |given| given.text.trim()).to_owned();
        (errors.len() == before).then(|| Self { url: format!("{base}/v1/traces"), headers, service })
    }
}

/// `name=value,name=value`, as the standard writes headers; values are percent-encoded.
fn pairs(text: &str) -> Result<Vec<(String, Secret)>, String> {
    let pair = |one: &str| {
        let (name, value) = one.split_once('=').ok_or("write headers as `name=value,name=value`")?;
        let (name, value) = (name.trim(), decoded(value.trim()).ok_or("a value is not percent-encoded rightly")?);
        let sane = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !sane || value.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("a header has letters, digits and dashes in its name, and no control characters in its value");
        }
        Ok((name.to_owned(), Secret::new(value)))
    };
    let given = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    given.map(pair).collect::<Result<_, _>>().map_err(str::to_owned)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = behind;
            continue;
        }
        let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &behind[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refusal};

    #[test]
    fn traces_are_off_until_a_collector_is_named() {
        assert_eq!(load(&[], &[]).unwrap().observe, super::Observe::default());
        assert!(load(&[], &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_SAMPLER", "always_on")]).unwrap().observe.traces.is_none());
        let values = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2, x-scope=ops"),
        ];
        let config = load(&[], &values).unwrap();
        let traces = config.observe.traces.clone().unwrap();
        assert_eq!((traces.url.as_str(), traces.service.as_str()), ("http://127.0.0.1:4318/v1/traces", "pulse-controller"));
        let headers: Vec<_> = traces.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(headers, [("authorization", "Bearer hunter2"), ("x-scope", "ops")]);
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_would_be_ignored_or_read_by_others_is_refused() {
        let at =
            |more: (&'static str, &'static str)| refusal(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://10.0.0.1:4318"), more]);
        assert!(at(("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")).starts_with("OTEL_EXPORTER_OTLP_PROTOCOL: `grpc` is unsupported"));
        let said = at(("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2"));
        assert!(said.contains("over plain HTTP") && !said.contains("hunter2"), "{said}");
        assert!(at(("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")).contains("name=value"));
        assert!(refusal(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")]).contains("no URL such as"));
        let short = refusal(&[], &[("PULSE_METRICS_TOKEN", "hunter2")]);
        assert!(short.contains("at least 16") && !short.contains("hunter2"), "{short}");
    }
}
