//! Enrolment tokens and their races.

use crate::bench::{Bench, NOW, agent};
use pulse_core::time::Timestamp;
use pulse_store::{Enrolled, Enrolment, NewToken, Store};
use uuid::Uuid;

pub async fn token(store: &Store, secret_hash: &str, uses: u32, names: &[&str]) {
    token_for(store, secret_hash, uses, names, None).await;
}

async fn token_for(store: &Store, secret_hash: &str, uses: u32, names: &[&str], replaces: Option<Timestamp>) {
    let token = NewToken {
        id: Uuid::now_v7(),
        secret_hash: secret_hash.to_owned(),
        uses,
        expires_at: Timestamp(NOW.0 + 1000),
        labels: [("role".to_owned(), "web".to_owned())].into(),
        names: names.iter().map(|name| agent(name)).collect(),
        replaces,
        created_by: "anna".to_owned(),
        created_at: NOW,
    };
    store.create_token(&token).await.expect("made");
}

pub fn enrolment(name: &str, key: &str, secret_hash: &str) -> Enrolment {
    Enrolment { name: agent(name), public_key: key.to_owned(), secret_hash: secret_hash.to_owned(), now: NOW }
}

pub async fn of_fifty_agents_with_a_one_use_token_one_is_enrolled(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 1, &[]).await;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.enrol(&enrolment(&format!("web{n}"), &format!("key{n}"), "s1")).await })
        })
        .collect();
    let mut enrolled = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(Enrolled::New) => enrolled += 1,
            Ok(Enrolled::Already) => panic!("each has its own name"),
            Err(error) => assert_eq!(error.code(), "token_spent", "{error}"),
        }
    }
    assert_eq!(enrolled, 1);
    let agents = store.agents().await.expect("readable");
    let [Ok(only)] = agents.as_slice() else { panic!("{agents:?}") };
    assert_eq!(only.token_labels.get("role").map(String::as_str), Some("web"));
    assert_eq!(store.tokens().await.expect("readable")[0].as_ref().expect("readable").uses_left, 0);
}

pub async fn a_token_says_why_it_is_refused(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 2, &["web1", "web2"]).await;
    let code = async |enrolment: Enrolment| store.enrol(&enrolment).await.expect_err("refused").code();
    assert_eq!(code(enrolment("web1", "k", "nothing")).await, "token_unknown");
    assert_eq!(code(enrolment("web9", "k", "s1")).await, "name_not_allowed");
    assert_eq!(code(Enrolment { now: Timestamp(NOW.0 + 1000), ..enrolment("web1", "k", "s1") }).await, "token_expired");
    store.enrol(&enrolment("web1", "k1", "s1")).await.expect("enrolled");
    assert_eq!(code(enrolment("web1", "another key", "s1")).await, "name_taken");
    // None of the refusals has cost a use.
    store.enrol(&enrolment("web2", "k2", "s1")).await.expect("enrolled");
    assert_eq!(code(enrolment("web2", "another key", "s1")).await, "token_spent");
}

pub async fn a_repeated_enrolment_costs_no_use(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 2, &[]).await;
    assert_eq!(store.enrol(&enrolment("web1", "k1", "s1")).await.expect("enrolled"), Enrolled::New);
    assert_eq!(store.enrol(&enrolment("web1", "k1", "s1")).await.expect("known"), Enrolled::Already);
    assert_eq!(store.tokens().await.expect("readable")[0].as_ref().expect("readable").uses_left, 1);
}

pub async fn a_revoked_name_is_enrolled_anew(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 2, &[]).await;
    store.enrol(&enrolment("web1", "k1", "s1")).await.expect("enrolled");
    assert!(store.revoke_agent(&agent("web1"), NOW).await.expect("revoked"));
    assert!(!store.revoke_agent(&agent("web1"), NOW).await.expect("once"));
    let revoked = store.agent(&agent("web1")).await.expect("readable").expect("there");
    assert_eq!(revoked.revoked_at, Some(NOW));
    assert_eq!(store.enrol(&enrolment("web1", "k2", "s1")).await.expect("enrolled"), Enrolled::New);
    let anew = store.agent(&agent("web1")).await.expect("readable").expect("there");
    assert_eq!((anew.public_key.as_str(), anew.revoked_at, anew.incarnation), ("k2", None, None));
    assert!(anew.epoch > revoked.epoch, "an old session's messages stay old");
}

pub async fn a_name_is_taken_over_by_the_token_that_was_made_for_it_alone(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 9, &[]).await;
    store.enrol(&enrolment("web1", "k1", "s1")).await.expect("enrolled");
    let code = async |enrolment: Enrolment| store.enrol(&enrolment).await.expect_err("refused").code();
    assert_eq!(code(enrolment("web1", "k2", "s1")).await, "name_taken");
    // Against an enrolment that was another one.
    token_for(&store, "old", 1, &["web1"], Some(Timestamp(NOW.0 - 1))).await;
    assert_eq!(code(enrolment("web1", "k2", "old")).await, "replaced_since");
    for secret in ["r1", "r2"] {
        token_for(&store, secret, 1, &["web1"], Some(NOW)).await;
    }
    let row = async || store.agent(&agent("web1")).await.expect("readable").expect("there");
    let before = row().await;
    let anew = |key, secret| Enrolment { now: Timestamp(NOW.0 + 5), ..enrolment("web1", key, secret) };
    assert_eq!(store.enrol(&anew("k2", "r1")).await.expect("replaced"), Enrolled::New);
    let after = row().await;
    assert_eq!((after.public_key.as_str(), after.incarnation, after.sequence), ("k2", None, 0));
    assert!(after.epoch > before.epoch, "what the old session says is old");
    assert_eq!(store.enrol(&anew("k2", "r1")).await.expect("an answer got lost"), Enrolled::Already);
    assert_eq!(code(anew("k3", "r2")).await, "replaced_since", "of two such tokens one counts");
    assert_eq!(code(anew("k3", "r1")).await, "token_spent");
}
