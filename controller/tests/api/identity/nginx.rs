//! Behind a real nginx that asks somebody else who it is (`auth_request`), as docs/identity.md tells how to set one up. Who answers nginx stands
//! in for Authelia: a cookie says who it is.

use crate::harness::{Answer, Server};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running nginx before a controller.
struct Proxy {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// `more` stands in the server's part of its configuration.
    fn before(server: &Server, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (upstream, judge) = (server.serving().address, judge());
        let text = format!(
            "daemon off; pid nginx.pid; error_log stderr; events {{}}
             http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
             server {{ listen 127.0.0.1:{port}; {more}
               location = /judge {{ internal; proxy_pass http://{judge}; proxy_pass_request_body off; proxy_set_header Content-Length ''; }}
               location / {{ auth_request /judge;
                 auth_request_set $user $upstream_http_remote_user; auth_request_set $groups $upstream_http_remote_groups;
                 auth_request_set $name $upstream_http_remote_name; auth_request_set $email $upstream_http_remote_email;
                 proxy_set_header Remote-User $user; proxy_set_header Remote-Groups $groups; proxy_set_header Remote-Name $name;
                 proxy_set_header Remote-Email $email; proxy_set_header Host $http_host; proxy_pass http://{upstream}; }} }} }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), text).unwrap();
        let mut command = Command::new(binary());
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).args(["-c", "nginx.conf"]).stderr(Stdio::null());
        let child = command.spawn().expect("nginx; `make setup` installs it");
        let address = format!("127.0.0.1:{port}");
        listens(&address);
        Self { child, address, _folder: folder }
    }

    fn ask(&self, server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        server.send_to(&format!("http://{}", self.address), method, path, headers, body)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its workers end with it, where it is asked to; killed it would leave them.
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
        self.child.wait().unwrap();
    }
}

fn binary() -> PathBuf {
    ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
        .expect("no nginx; `make setup` installs it")
}

#[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
fn listens(address: &str) {
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < patience, "nginx does not listen on {address}");
        std::thread::yield_now();
    }
}

/// Who knows people by their cookie; answers its address.
fn judge() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let cookie = lines.filter(|line| line.to_ascii_lowercase().starts_with("cookie:")).last().unwrap_or_default();
            let said = match cookie.split("who=").nth(1).unwrap_or_default() {
                "anna" => {
                    "200 OK\r\nRemote-User: anna\r\nRemote-Groups: employee\r\nRemote-Name: Anna\r\nRemote-Email: anna@example.org"
                }
                "nobody" => "200 OK",
                _ => "401 Unauthorized",
            };
            drop(write!(stream, "HTTP/1.0 {said}\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    address
}

const ANNA: (&str, &str) = ("cookie", "who=anna");

#[test]
fn people_come_in_through_nginx_and_nobody_writes_their_own_name() {
    let server = Server::behind("127.0.0.1", &[]);
    let proxy = Proxy::before(&server, "");
    let session = proxy.ask(&server, "GET", "/api/v1/session", &[ANNA], b"").ok();
    assert_eq!(
        (session["principal"]["name"].as_str(), session["principal"]["email"].as_str()),
        (Some("anna"), Some("anna@example.org"))
    );
    assert_eq!(proxy.ask(&server, "GET", "/api/v1/workflows", &[], b"").status, 401, "nginx lets no stranger through");
    // What a client says of itself is replaced, and where there is nothing to replace it with, taken away.
    let liar = [ANNA, ("remote-user", "boss"), ("remote-groups", "admin")];
    assert_eq!(
        proxy.ask(&server, "GET", "/api/v1/session", &liar, b"").ok()["principal"]["roles"],
        serde_json::json!(["operator"])
    );
    let nobody = [("cookie", "who=nobody"), ("remote-user", "boss"), ("remote-groups", "admin")];
    proxy.ask(&server, "GET", "/api/v1/workflows", &nobody, b"").refused(401, "unauthorized");
    let hop = [("cookie", "who=nobody"), ("connection", "close, Remote-User"), ("remote-user", "boss")];
    proxy.ask(&server, "GET", "/api/v1/workflows", &hop, b"").refused(401, "unauthorized");
    // A change from our own page.
    let csrf = session["csrf"].as_str().unwrap();
    let change = [ANNA, ("x-pulse-csrf", csrf), ("content-type", "application/json")];
    let pause = proxy.ask(&server, "POST", "/api/v1/pauses", &change, br#"{"scope": "all", "reason": "x"}"#);
    assert_eq!((pause.status, pause.ok()["createdBy"].as_str().unwrap().to_owned()), (201, "anna".to_owned()));
}

#[test]
fn other_spellings_are_dropped_by_nginx_and_refused_where_it_lets_them_through() {
    let server = Server::behind("127.0.0.1", &[]);
    let strict = Proxy::before(&server, "");
    let lenient = Proxy::before(&server, "underscores_in_headers on; ignore_invalid_headers off;");
    for name in ["remote_user", "remote.user"] {
        let headers = [ANNA, (name, "boss")];
        let session = strict.ask(&server, "GET", "/api/v1/session", &headers, b"").ok();
        assert_eq!(session["principal"]["name"], "anna", "{name}");
        lenient.ask(&server, "GET", "/api/v1/session", &headers, b"").refused(400, "bad_identity_header");
    }
}
