//! TLS with the real programs: an authority of the controller's own that agents know by their token, certificates that are given and
//! exchanged, and everybody who is not to be trusted.

use crate::harness::{Agent, Scene, pulse, step, wait};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

fn run(scene: &Scene, further: &[(&str, &str)], arguments: &[&str]) -> Output {
    let api = scene.controller.api();
    let mut command = Command::new(pulse());
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", scene.root());
    command.env("PULSE_SERVER", api.address()).env("PULSE_TOKEN", api.admin_token()).envs(further.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until the agent has said this, and twice: it tries again.
fn wait_said(agent: &Agent, words: &str) {
    wait(&format!("the agent to say `{words}` twice"), || (agent.log().matches(words).count() > 1).then_some(()));
}

/// Starts an agent that shall not be let in, with this server and token.
fn stranger(scene: &Scene, name: &str, server: &str, token: &str, further: &[(String, String)]) -> Agent {
    let mut agent = Agent::new(scene.root(), server, name, token, 1);
    agent.start(further);
    agent
}

#[test]
fn an_authority_of_its_own_is_known_by_the_token_alone() {
    let mut scene = Scene::new("tls: an authority of its own");
    scene.write_workflow("hello", &json!({ "steps": [step("greet", &["a1"], &scene.signed("echo hello"))] }));
    scene.controller.set([("PULSE_TLS", "auto".to_owned())]);
    scene.controller.launch(&[]);
    let file = scene.path("controller/tls/authority.pem");
    let authority = wait("the authority to be made", || std::fs::read_to_string(&file).ok());
    scene.controller.secure(&authority);
    scene.controller.wait_ready();
    scene.controller.api().wait_synced();
    // Whoever connects and says nothing holds up nobody.
    let port = scene.controller.api().address().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let stalled: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    scene.set_up_agents(&["a1"], 2);
    assert_eq!(scene.run("hello")["status"], "succeeded");
    drop(stalled);

    // Anybody may have it; only the fingerprint, which came another way, makes it worth something.
    let api = scene.controller.api().clone();
    assert_eq!(api.try_get("/ca.pem"), Some((200, authority.clone().into())));
    let fingerprint = api.token().rsplit_once("_ca_").unwrap().1.to_owned();
    assert!(scene.controller.log().contains(&fingerprint), "the log says the fingerprint");

    let trusted = [("PULSE_CA", file.to_str().unwrap())];
    let agents = run(&scene, &trusted, &["get", "agents"]);
    assert!(text(&agents.stdout).contains("a1"), "{}", text(&agents.stderr));
    let unknown = text(&run(&scene, &[], &["get", "agents"]).stderr);
    assert!(unknown.contains("PULSE_CA"), "{unknown}");

    // Its next start, and the controller's: what it has learnt is kept, and the token is not needed.
    scene.agents[0].terminate();
    scene.controller.terminate();
    scene.controller.start(&[]);
    scene.agents[0].start(&[("PULSE_AGENT_TOKEN".to_owned(), String::new())]);
    scene.controller.api().wait_online("a1");
    assert_eq!(scene.run("hello")["status"], "succeeded");

    let (secure, plain) = (api.address().to_owned(), api.address().replace("https://", "http://"));
    let forged = api.token().replace(&fingerprint, &"0".repeat(64));
    let other = stranger(&scene, "forged", &secure, &forged, &[]);
    wait_said(&other, "did not show the authority whose fingerprint the enrolment token carries");
    let downgraded = stranger(&scene, "plain", &plain, &api.token(), &[]);
    wait_said(&downgraded, "This address speaks https only: write https:// to it");
    assert!(api.agent("forged").is_none() && api.agent("plain").is_none());
    scene.agents.extend([other, downgraded]);
    scene.judge();
}

struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new(name: &str) -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self(Issuer::new(params, key), pem)
    }

    /// Writes a new certificate for this name.
    fn write(&self, folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    }
}

#[test]
fn a_certificate_that_is_given_is_exchanged_without_a_restart() {
    let mut scene = Scene::new("tls: a certificate is exchanged");
    scene.write_workflow("hello", &json!({ "steps": [step("greet", &["a1"], &scene.signed("echo hello"))] }));
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    old.write(scene.root(), "127.0.0.1");
    let file = |name: &str| scene.path(name).display().to_string();
    let ca = |name: &str, pems: &[&str]| {
        std::fs::write(scene.path(name), pems.concat()).unwrap();
        ("PULSE_CA".to_owned(), scene.path(name).display().to_string())
    };
    let (both, only_new) = (ca("both.pem", &[&old.1, &new.1]), ca("new.pem", &[&new.1]));
    let settings = [("PULSE_TLS_CERT", file("server.pem")), ("PULSE_TLS_KEY_FILE", file("server.key"))];
    scene.controller.set(settings);
    scene.controller.secure(&old.1);
    scene.controller.start(&[]);
    let token = scene.api().token();
    assert!(!token.contains("_ca_"), "somebody else's authority is no business of ours: {token}");
    scene.enrol("a1", 2);
    scene.agents[0].start(std::slice::from_ref(&both));
    scene.api().wait_online("a1");
    let api = scene.api().clone();
    let b1 = stranger(&scene, "b1", api.address(), &token, std::slice::from_ref(&only_new));
    wait_said(&b1, "of an authority that this agent does not trust: set PULSE_CA");
    assert!(api.agent("b1").is_none());
    scene.agents.push(b1);

    new.write(scene.root(), "127.0.0.1");
    let exchanged = api.clone().secure(&new.1);
    wait("new connections to get the new certificate", || exchanged.is_ready().then_some(()));
    exchanged.wait_online("b1");
    let log = scene.agents[0].log();
    assert_eq!(log.matches("connected epoch").count(), 1, "who was connected stays so: {log}");
    scene.controller.secure(&new.1);
    assert_eq!(scene.run("hello")["status"], "succeeded");

    // One that is for somebody else, and then something that is no certificate: the last good one stays in use.
    new.write(scene.root(), "other.example.org");
    let log = |words: &str| scene.controller.log().matches(words).count();
    wait("the certificate to be read again", || (log("was read again") == 2).then_some(()));
    std::fs::write(scene.path("server.pem"), "no PEM").unwrap();
    wait("the broken file to be found", || (log("the certificate that was read before stays in use") == 1).then_some(()));
    let c1 = stranger(&scene, "c1", api.address(), &token, std::slice::from_ref(&both));
    wait_said(&c1, "is not for `127.0.0.1`: give PULSE_SERVER a name that it is for");
    scene.agents.push(c1);
    scene.controller.terminate();
    scene.controller.launch(&[]);
    assert_eq!(scene.controller.wait_ended(), Some(1), "nothing good is left at a start");
    assert!(scene.controller.log().contains("holds no certificate"), "{}", scene.controller.log());
}
