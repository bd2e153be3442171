//! Does the time of a refusal tell how much of a secret was right? Two kinds of guesses, one that is wrong at the last character only and one
//! that is wrong from the first, are judged in random order, and Welch's t says whether their times differ (Reparaz et al., "Dude, is my
//! code constant time?", 2017: beyond 4.5 they do). A comparison that stops at the first difference must be found out.
//!
//! 20,000 guesses of each kind; a million with `PULSE_TEST_FULL=1`.

use super::admin::Admin;
use super::secret;
use crate::config::{AdminToken, Secret, WebhookSecrets};
use crate::webhook::{Claim, Verifier};
use axum::http::{HeaderMap, HeaderValue};
use std::hint::black_box;
use std::time::Instant;

/// Beyond this, two means differ.
const LIMIT: f64 = 4.5;
/// The slowest tenth is what the machine did meanwhile, and is left out.
const KEPT: f64 = 0.9;

/// Nanoseconds of each judgement, of the guesses that are nearly right and of those that are not.
#[expect(clippy::disallowed_methods, reason = "time is what is measured here; the order of guesses is random")]
fn times(guesses: &[String; 2], judge: impl Fn(&str) -> bool) -> [Vec<f64>; 2] {
    let each = if std::env::var_os("PULSE_TEST_FULL").is_some() { 1_000_000 } else { 20_000 };
    let mut kinds = vec![0_u8; each / 4];
    getrandom::fill(&mut kinds).unwrap();
    let mut times = [Vec::with_capacity(each), Vec::with_capacity(each)];
    // In the same memory, so that nothing but its content differs.
    let mut guess = guesses[0].clone();
    for kind in kinds.iter().flat_map(|byte| (0..8).map(move |bit| usize::from(byte >> bit & 1))) {
        guess.clear();
        guess.push_str(&guesses[kind]);
        let began = Instant::now();
        let is_right = judge(black_box(&guess));
        times[kind].push(began.elapsed().as_nanos() as f64);
        assert!(!is_right);
    }
    times
}

/// Welch's t of two samples, each without what is slower than nine tenths of both.
fn t(times: &[Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let most = all[(all.len() as f64 * KEPT) as usize];
    let [(mean_a, error_a), (mean_b, error_b)] = times.each_ref().map(|times| {
        let kept: Vec<f64> = times.iter().copied().filter(|time| *time <= most).collect();
        let mean = kept.iter().sum::<f64>() / kept.len() as f64;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (kept.len() as f64 - 1.0);
        (mean, variance / kept.len() as f64)
    });
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}

/// The t of a judge that should tell nothing. One that is beyond the limit by chance is not so again.
fn told(right: &str, judge: impl Fn(&str) -> bool) -> f64 {
    let guesses = guesses(right);
    (0..3).map(|_| t(&times(&guesses, &judge)).abs()).fold(f64::INFINITY, f64::min)
}

const SECRET: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// The text, wrong in its last hex digit only, and wrong in each. A digit stays a digit and a letter a letter, because reading them may take
/// different times, and tells nothing but what was guessed.
fn guesses(text: &str) -> [String; 2] {
    let next = |digit: char| match digit {
        '9' => '0',
        'f' => 'a',
        other => char::from(other as u8 + 1),
    };
    let (first, last) = text.split_at(text.len() - 1);
    let last: String = last.chars().map(next).collect();
    [format!("{first}{last}"), text.chars().map(next).collect()]
}

#[test]
fn a_comparison_that_stops_early_is_found_out() {
    let stops = |guess: &str| guess.bytes().zip(SECRET.bytes()).all(|(a, b)| a == b);
    let found = told(SECRET, stops);
    assert!(found > LIMIT, "t = {found}");
}

#[test]
fn refusing_a_token_tells_nothing_of_it() {
    let admin = Admin::new(&AdminToken(Secret::new(SECRET)));
    let found = told(SECRET, |guess| admin.is(guess));
    assert!(found < LIMIT, "the administrator's token: t = {found}");
    // The worst case: the hash of the guess is nearly right.
    let found = told(SECRET, |guess| secret::is_equal(guess, SECRET));
    assert!(found < LIMIT, "a token of the API: t = {found}");
}

#[test]
fn refusing_a_delivery_tells_nothing_of_its_signature() {
    let verifier = Verifier::new(&WebhookSecrets::parse(SECRET).unwrap());
    let judge = |guess: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-gitea-signature", HeaderValue::from_str(guess).unwrap());
        verifier.holds(&Claim::read(&headers).unwrap(), b"{}")
    };
    let found = told(&signature_of(b"{}"), judge);
    assert!(found < LIMIT, "t = {found}");
}

/// As Gitea signs a body.
fn signature_of(body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
