//! When a schedule fires: its `cron` or `every`, compiled.

use super::calendar::Calendar;
use super::pattern::{Days, Pattern, PatternError};
use super::zone::zone;
use crate::time::Timestamp;
use crd_schemas::Duration;
use crd_schemas::manifest::Rhythm;
use sha2::{Digest, Sha256};

/// When a schedule fires. Its slots are strictly ascending instants; equal digests mean equal slots.
#[derive(Debug, Clone)]
pub struct Timing {
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    /// Multiples of so many microseconds since 1970.
    Every(i64),
    Cron(Box<Calendar>),
}

/// What is wrong with a rhythm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimingError {
    /// The field, `cron`, `timeZone` or `every`.
    pub field: &'static str,
    /// What is wrong, where in the field's text, and the mend.
    pub error: PatternError,
}

/// 2024-01-01T00:00:00Z, from where what holds for ever is looked for.
const REFERENCE: Timestamp = Timestamp(1_704_067_200_000_000);
/// Days from there on that are looked at for the shortest gap: two years, one of them a leap year.
const SAMPLE: usize = 366 + 365;

impl Timing {
    /// Compiles a rhythm; every error at once.
    pub fn compile(rhythm: &Rhythm) -> Result<Self, Vec<TimingError>> {
        let (cron, time_zone) = match rhythm {
            Rhythm::Every { every } => return Self::every(*every),
            Rhythm::Cron { cron, time_zone } => (cron, time_zone),
        };
        let pattern = Pattern::parse(cron);
        let zone = zone(time_zone);
        match (pattern, zone) {
            (Ok(pattern), Ok(zone)) => {
                let calendar = Calendar { pattern, zone };
                if calendar.next_after(REFERENCE).is_none() {
                    let message = "the pattern names a day that never comes, so it would never fire".to_owned();
                    let help = Some("name a day that exists in one of its months".to_owned());
                    let error = PatternError { at: 0..cron.len(), message, help };
                    return Err(vec![TimingError { field: "cron", error }]);
                }
                Ok(Self { rule: Rule::Cron(Box::new(calendar)) })
            }
            (pattern, zone) => {
                let wrong_pattern = pattern.err().into_iter().flatten().map(|error| TimingError { field: "cron", error });
                let wrong_zone = zone.err().map(|wrong| {
                    let error = PatternError { at: 0..time_zone.len(), message: wrong.message, help: Some(wrong.help) };
                    TimingError { field: "timeZone", error }
                });
                Err(wrong_pattern.chain(wrong_zone).collect())
            }
        }
    }

    fn every(every: Duration) -> Result<Self, Vec<TimingError>> {
        if every.as_micros() <= 0 {
            let message = "`every` must be longer than nothing".to_owned();
            let error = PatternError { at: 0..0, message, help: Some("write, for example, `every: 5m`".into()) };
            return Err(vec![TimingError { field: "every", error }]);
        }
        Ok(Self { rule: Rule::Every(every.as_micros()) })
    }

    /// The first slot after this instant; none at the end of time.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(every) => after.0.div_euclid(*every).checked_add(1)?.checked_mul(*every).map(Timestamp),
            Rule::Cron(calendar) => calendar.next_after(after),
        }
    }

    /// The next slots after this instant, in order.
    pub fn upcoming(&self, after: Timestamp, most: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |slot| self.next_after(*slot)).take(most).collect()
    }

    /// The first slots after the one instant, up to and including the other; at most `most`.
    pub fn slots_between(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        let slots = std::iter::successors(self.next_after(after), |slot| self.next_after(*slot));
        slots.take_while(|slot| *slot <= until).take(most).collect()
    }

    /// How many slots there are after the one instant, up to and including the other. Counts years without listing them.
    pub fn count_between(&self, after: Timestamp, until: Timestamp) -> u64 {
        if until <= after {
            return 0;
        }
        match &self.rule {
            Rule::Every(every) => until.0.div_euclid(*every).abs_diff(after.0.div_euclid(*every)),
            Rule::Cron(calendar) => calendar.count(after, until),
        }
    }

    /// The newest slots after the one instant, up to and including the other, oldest first; at most `most`.
    pub fn newest_between(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        if until <= after {
            return Vec::new();
        }
        match &self.rule {
            Rule::Every(every) => {
                let count = usize::try_from(self.count_between(after, until)).unwrap_or(usize::MAX).min(most);
                let last = until.0.div_euclid(*every);
                (0..count as i64).rev().map(|back| Timestamp((last - back).saturating_mul(*every))).collect()
            }
            Rule::Cron(calendar) => calendar.newest(after, until, most),
        }
    }

    /// The newest slot up to and including this instant, after the other.
    pub fn last_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        self.newest_between(after, until, 1).pop()
    }

    /// SHA-256, in hex, of what says when.
    pub fn digest(&self) -> String {
        let text = match &self.rule {
            Rule::Every(every) => format!("every {every}"),
            Rule::Cron(calendar) => {
                format!("cron {} {}", calendar.pattern.canonical, calendar.zone.iana_name().unwrap_or_default())
            }
        };
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What no two slots are closer than, found without looking at any: a pattern names minutes.
    pub fn least_gap(&self) -> Duration {
        match &self.rule {
            Rule::Every(every) => Timestamp(*every).since(Timestamp(0)),
            Rule::Cron(_) => Duration::from_secs(60),
        }
    }

    /// The shortest time between two slots, changes of the clock included, as far as two years tell; none where they have only one.
    pub fn shortest_gap(&self) -> Option<Duration> {
        match &self.rule {
            Rule::Every(_) => Some(self.least_gap()),
            Rule::Cron(calendar) => calendar.shortest_gap(REFERENCE, SAMPLE),
        }
    }

    /// What surprises in the day fields, as a warning.
    pub fn surprise(&self) -> Option<&'static str> {
        let Rule::Cron(calendar) = &self.rule else { return None };
        match calendar.pattern.days {
            Days::Plain => None,
            Days::Either => Some("day of month and day of week are both set: it fires on a day that matches either of them"),
            Days::Both => {
                Some("one day field begins with `*` and both say something: it fires only on a day that matches both of them")
            }
        }
    }

    /// The time zone's name; none where no clock is looked at.
    pub fn time_zone(&self) -> Option<&str> {
        match &self.rule {
            Rule::Every(_) => None,
            Rule::Cron(calendar) => calendar.zone.iana_name(),
        }
    }

    /// An instant by the clocks of its time zone, as RFC 3339 writes it: `2026-11-21T02:30:00+01:00`.
    pub fn local(&self, at: Timestamp) -> String {
        let Ok(instant) = jiff::Timestamp::from_microsecond(at.0) else { return at.to_string() };
        match &self.rule {
            Rule::Every(_) => at.to_string(),
            Rule::Cron(calendar) => instant.display_with_offset(calendar.zone.to_offset(instant)).to_string(),
        }
    }

    /// For people: `At 02:30, Europe/Berlin`.
    pub fn describe(&self) -> String {
        match &self.rule {
            Rule::Every(every) => format!("Every {}, counted from 1970-01-01 00:00 UTC", Timestamp(*every).since(Timestamp(0))),
            Rule::Cron(calendar) => {
                // croner says "At every 15 minutes".
                let said = calendar.pattern.describe().replacen("At every", "Every", 1);
                format!("{}, {}", said.trim_end_matches('.'), calendar.zone.iana_name().unwrap_or("UTC"))
            }
        }
    }
}
