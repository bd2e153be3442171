//! The server itself: does it answer, what is it, do its clock and its certificate hold, and does it know us.

use super::check::Check;
use crate::client::{Client, Probe};
use crate::views::text;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Clocks this far apart make times hard to compare; this far apart, short-lived tokens and sessions go wrong. Seconds.
const APART: i64 = 5;
const FAR_APART: i64 = 60;
/// A certificate that ends within so many days.
const DAYS: i64 = 14;

/// Whether it answers; then whether it is the active one, and of which release, clock and database. `None`: it does not answer, `false`: it
/// is not the active one, so that nothing else can be asked.
pub fn met(client: &Client, now: Timestamp) -> (Vec<Check>, Option<bool>) {
    let probe = match client.probe() {
        Ok(probe) => probe,
        Err(failure) => return (vec![Check::of("server", &failure)], None),
    };
    let role = text(&probe.health, "/role");
    let active = role == "active";
    let server = match active {
        true => Check::ok("server", format!("{} answers and is the active controller", client.base())),
        false => Check::fail(
            "server",
            format!("{} answers, and is not the active controller ({role}): {}", client.base(), text(&probe.health, "/reason")),
            "ask the active controller, or the address before both; where none is active, see the controller's log",
        ),
    };
    (vec![server, release(&probe), clock(&probe, now), database(&probe, active)], Some(active))
}

fn release(probe: &Probe) -> Check {
    let (theirs, ours) = (text(&probe.health, "/release"), env!("CARGO_PKG_VERSION"));
    if theirs == ours {
        return Check::ok("release", format!("server and pulse are both {ours}"));
    }
    Check::warn("release", format!("the server is {theirs}, this pulse is {ours}"), "use the pulse of the server's release")
}

fn clock(probe: &Probe, now: Timestamp) -> Check {
    let said = probe.date.as_deref().and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(said) = said else {
        return Check::warn("clock", "the answer does not say the server's time", "is there a proxy that takes `Date` away?");
    };
    // The header has whole seconds, and the answer took its time.
    let apart = said.duration_since(now).as_secs();
    let (words, ntp) = (
        format!("the server's clock is {} s {}", apart.abs(), if apart > 0 { "ahead" } else { "behind" }),
        "set both machines' clocks by NTP",
    );
    match apart.abs() {
        0..=APART => Check::ok("clock", "the server's clock is ours"),
        far if far > FAR_APART => Check::fail("clock", words, ntp),
        _ => Check::warn("clock", words, ntp),
    }
}

fn database(probe: &Probe, active: bool) -> Check {
    if text(&probe.health, "/database/status") == "ok" {
        return Check::ok("database", "the database answers");
    }
    let reason = text(&probe.health, "/reason");
    let message = if active || reason.is_empty() { "the database does not answer".to_owned() } else { reason };
    Check::fail("database", message, "start the database; `pulse-controller doctor` on the server says more")
}

/// Until when its certificate is valid; nothing where it speaks plain http.
pub fn certificate(client: &Client, now: Timestamp) -> Option<Check> {
    let end = match client.certificate_end()? {
        Ok(end) => end,
        Err(failure) => return Some(Check::of("certificate", &failure)),
    };
    let days = end.duration_since(now).as_hours() / 24;
    let message = format!("the server's certificate is valid for {days} more days");
    Some(match days {
        ..0 => Check::fail("certificate", format!("the server's certificate ended {} days ago", -days), "renew it (docs/tls.md)"),
        0..DAYS => Check::warn("certificate", message, "renew it; PULSE_TLS=auto does so by itself (docs/tls.md)"),
        _ => Check::ok("certificate", message),
    })
}

/// Whether the server knows us.
pub fn token(client: &Client) -> (Check, bool) {
    match client.get("/session") {
        Ok(session) => (Check::ok("token", format!("you are {}", text(&session, "/principal/name"))), true),
        Err(failure) => (Check::of("token", &failure), false),
    }
}
