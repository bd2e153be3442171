//! The document as a page for people: plain HTML, made once, with nothing that a strict policy would have to allow.

use super::super::reply::{HtmlPage, StyleSheet};
use super::document;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::Value;
use std::fmt::Write;
use std::sync::LazyLock;

/// Nothing but the style sheet is loaded, and nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<String> = LazyLock::new(|| render(&document(&super::super::routes())));

/// `GET /docs`.
pub(in crate::api) async fn page() -> HtmlPage {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    HtmlPage((headers, PAGE.as_str()).into_response())
}

/// `GET /docs/style.css`.
pub(in crate::api) async fn style() -> StyleSheet {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    StyleSheet((headers, include_str!("style.css")).into_response())
}

fn render(document: &Value) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>PULSE: the API</title><link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body><h1>The API of PULSE</h1>\
         <p>The same for machines: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        write(&mut html, format_args!("<h2>{}</h2><p>{}</p>", text(&tag["name"]), text(&tag["description"])));
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    render_operation(&mut html, method, path, operation);
                }
            }
        }
    }
    html.push_str("<h2>Schemas</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let pretty = escape(&format!("{schema:#}"));
        let name = escape(name);
        write(
            &mut html,
            format_args!("<details id=\"{name}\"><summary><code>{name}</code></summary><pre>{pretty}</pre></details>"),
        );
    }
    html.push_str("</body></html>\n");
    html
}

fn render_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let (method, path) = (escape(&method.to_ascii_uppercase()), escape(path));
    let head = format_args!(
        "<details id=\"{}\"><summary><code><span class=\"method\">{method}</span> {path}</code> {}</summary>",
        text(&operation["operationId"]),
        text(&operation["summary"]),
    )
    .to_string();
    html.push_str(&head);
    if let Some(parameters) = operation["parameters"].as_array() {
        html.push_str("<table><tr><th>parameter</th><th>in</th><th></th></tr>");
        for parameter in parameters {
            let (name, place, said) = (text(&parameter["name"]), text(&parameter["in"]), text(&parameter["description"]));
            write(html, format_args!("<tr><td><code>{name}</code></td><td>{place}</td><td>{said}</td></tr>"));
        }
        html.push_str("</table>");
    }
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        write(html, format_args!("<p>Body: {}</p>", schemas(content.values())));
    }
    html.push_str("<table><tr><th>status</th><th></th><th>content</th></tr>");
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let content = answer["content"].as_object().into_iter().flatten().map(|(_, content)| content);
        let said = text(&answer["description"]);
        write(html, format_args!("<tr><td>{}</td><td>{said}</td><td>{}</td></tr>", escape(status), schemas(content)));
    }
    html.push_str("</table></details>");
}

/// Links to the schemas of some content.
fn schemas<'a>(contents: impl Iterator<Item = &'a Value>) -> String {
    let name = |content: &'a Value| {
        let schema = &content["schema"];
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
        let name = escape(reference.rsplit('/').next()?);
        Some(format!("<a href=\"#{name}\"><code>{name}</code></a>"))
    };
    contents.filter_map(name).collect::<Vec<_>>().join(", ")
}

fn write(html: &mut String, said: std::fmt::Arguments<'_>) {
    html.write_fmt(said).expect("a text takes everything");
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
