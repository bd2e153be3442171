//! Signing in at an issuer of OpenID Connect: a real one, and one that lies.

use super::issuer::{Browser, Issuer, PUBLIC, Page, SECRET};
use crate::harness::Server;
use pulse_controller::config::{Oidc, People, Secret};
use serde_json::{Value, json};

const CALLBACK: &str = "/auth/oidc/callback";

fn server(issuer: &Issuer) -> Server {
    Server::told(|config| {
        config.listen.public_url = Some(PUBLIC.to_owned());
        let oidc = Oidc {
            issuer: issuer.url.clone(),
            client_id: "pulse".to_owned(),
            client_secret: Some(Secret::new(SECRET)),
            scopes: ["openid", "profile", "email", "groups"].map(str::to_owned).to_vec(),
            groups_claim: "groups".to_owned(),
            user_claim: "preferred_username".to_owned(),
            name: "The House".to_owned(),
            ca: None,
        };
        config.people = People { oidc: Some(oidc), ..People::default() };
    })
}

fn login(back: &str) -> String {
    format!("{PUBLIC}/auth/oidc/login?returnTo={back}")
}

fn session(browser: &mut Browser) -> (u16, Value) {
    let page = browser.ask(&format!("{PUBLIC}/api/v1/session"));
    (page.status, serde_json::from_str(&page.body).unwrap())
}

fn code_of(page: &Page) -> Value {
    serde_json::from_str::<Value>(&page.body).unwrap()["code"].clone()
}

#[test]
fn a_person_signs_in_works_and_signs_out() {
    let issuer = Issuer::real();
    let mut server = server(&issuer);
    {
        let mut browser = Browser::of(&server);
        let (status, stranger) = session(&mut browser);
        assert_eq!((status, &stranger["providers"][0]["name"]), (401, &json!("The House")));
        assert_eq!(stranger["providers"][0]["url"], "/auth/oidc/login");
        let page = browser.follow(&login("/api/v1/session"), None);
        assert_eq!((page.url.as_str(), page.status), (format!("{PUBLIC}/api/v1/session").as_str(), 200), "{}", page.body);
        let said: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(said["principal"]["name"], "anna");
        assert_eq!(said["principal"]["displayName"], "Anna Müller");
        assert_eq!((&said["principal"]["roles"], &said["principal"]["means"]), (&json!(["operator"]), &json!("oidc")));
        let end = said["providers"][0]["signOutUrl"].as_str().unwrap();
        assert!(end.starts_with(&issuer.url) && end.contains("client_id=pulse"), "{end}");
        // A guest of the house, whose groups mean nothing here.
        issuer.tell("/as/guest");
        let mut guest = browser.another();
        guest.follow(&login("/"), None);
        assert_eq!(session(&mut guest).1["rights"], json!(["answer"]));
        assert_eq!(guest.ask(&format!("{PUBLIC}/api/v1/workflows")).status, 403);
        // The same name of another subject is somebody else.
        issuer.tell("/as/twin");
        let mut twin = browser.another();
        let refused = twin.follow(&login("/"), None);
        assert_eq!((refused.status, code_of(&refused)), (403, json!("name_taken")));
        assert_eq!(session(&mut twin).0, 401);
    }
    // The issuer ends, and the controller begins anew: who is in stays in.
    let cookies = {
        issuer.tell("/as/boss");
        let mut browser = Browser::of(&server);
        browser.follow(&login("/"), None);
        browser.into_cookies()
    };
    drop(issuer);
    server.restart();
    let mut browser = Browser::with(&server, cookies);
    let (status, said) = session(&mut browser);
    assert_eq!((status, &said["principal"]["roles"]), (200, &json!(["admin"])));
    assert_eq!(browser.ask(&login("/")).status, 503, "nobody else can sign in now");
}

#[test]
fn a_way_back_that_was_not_begun_here_leads_nowhere() {
    let issuer = Issuer::real();
    let server = server(&issuer);
    let mut browser = Browser::of(&server);
    let back = browser.follow(&login("/"), Some(CALLBACK)).url;
    // Another browser brings the code of this one: a forged sign-in.
    let mut other = browser.another();
    let stolen = other.ask(&back);
    assert_eq!((stolen.status, code_of(&stolen)), (401, json!("not_signed_in")));
    assert_eq!(session(&mut other).0, 401);
    // This one comes back, and comes back once more.
    assert_eq!(browser.ask(&back).status, 303);
    assert_eq!(session(&mut browser).0, 200);
    assert_eq!(browser.another().ask(&back).status, 401);
    let again = browser.ask(&back);
    assert_eq!((again.status, code_of(&again)), (401, json!("not_signed_in")));
    for query in ["", "?state=x&code=y", "?error=access_denied"] {
        assert_eq!(browser.ask(&format!("{PUBLIC}{CALLBACK}{query}")).status, 401, "{query}");
    }
    let elsewhere = browser.another().follow(&login("//evil.example"), None);
    assert_eq!(elsewhere.url, format!("{PUBLIC}/"), "the way back leads nowhere else");
}

#[test]
fn no_lie_of_a_token_is_believed() {
    let issuer = Issuer::liar();
    let server = server(&issuer);
    let mut honest = Browser::of(&server);
    honest.follow(&login("/"), None);
    assert_eq!(session(&mut honest).1["principal"]["name"], "anna");
    for lie in [
        "unsigned",
        "symmetric",
        "stranger",
        "elsewhere",
        "changed",
        "audience",
        "audiences",
        "issuer",
        "expired",
        "early",
        "nonce",
        "groups",
        "name",
        "mix-up",
    ] {
        issuer.tell(&format!("/lie/{lie}"));
        let mut browser = Browser::of(&server);
        let refused = browser.follow(&login("/"), None);
        assert_eq!((refused.status, code_of(&refused)), (401, json!("not_signed_in")), "{lie}: {}", refused.body);
        assert_eq!(session(&mut browser).0, 401, "{lie}");
    }
}
