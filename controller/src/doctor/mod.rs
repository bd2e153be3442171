//! `pulse-controller doctor`: would a controller with these settings work on this machine? Each check is ok, a warning or a failure, and says
//! what to do. Nothing is changed, and a running controller is not disturbed.

mod check;
mod database;
mod folder;
mod host;
mod running;
mod source;
#[cfg(test)]
mod tests;

use crate::clock;
use crate::config::{Config, ConfigError, DoctorFlags, Environment, Report};
use crate::tls;
use check::Check;
use pulse_core::Timestamp;

/// A day, in microseconds.
const DAY: i64 = 86_400 * 1_000_000;
/// A certificate that ends within so many days.
const DAYS: i64 = 14;

/// Looks at everything and prints it; an error where something failed.
pub async fn run(flags: &DoctorFlags, environment: &Environment) -> anyhow::Result<()> {
    let checks = match Config::load(&flags.serve, environment) {
        Ok(config) => examine(&config).await,
        Err(ConfigError(errors)) => errors.into_iter().map(|error| Check::fail("settings", error, "mend this setting")).collect(),
    };
    match flags.output {
        Report::Text => print!("{}", check::text(&checks)),
        Report::Json => println!("{:#}", check::view(&checks)),
    }
    let failed = checks.iter().filter(|check| check.is_failure()).count();
    if failed > 0 {
        anyhow::bail!("{failed} of {} checks failed", checks.len());
    }
    Ok(())
}

async fn examine(config: &Config) -> Vec<Check> {
    let warned = config.warnings.iter().map(|warning| Check::warn("settings", warning.clone(), "see docs/settings.md"));
    let mut checks: Vec<Check> = warned.collect();
    if checks.is_empty() {
        checks.push(Check::ok("settings", "every setting is understood"));
    }
    checks.extend(folder::check(config));
    checks.push(running::check(config).await);
    checks.push(database::check(config).await);
    checks.push(source::check(config).await);
    checks.extend(certificate(config, clock::now()));
    checks.extend(host::check());
    checks
}

/// The certificate of the settings; one of our own authority renews itself.
fn certificate(config: &Config, now: Timestamp) -> Option<Check> {
    const RENEW: &str = "renew it and put the new one into the same files; a running controller takes it up by itself";
    let end = match tls::given_end(&config.tls)? {
        Ok(end) => end,
        Err(why) => return Some(Check::fail("certificate", why, "mend PULSE_TLS_CERT and PULSE_TLS_KEY (docs/tls.md)")),
    };
    let days = end.0.saturating_sub(now.0) / DAY;
    Some(match days {
        _ if end <= now => Check::fail("certificate", "the certificate has ended: nobody who checks it connects", RENEW),
        0..DAYS => Check::warn("certificate", format!("the certificate ends in {days} days"), RENEW),
        _ => Check::ok("certificate", format!("the certificate is valid for {days} more days")),
    })
}
