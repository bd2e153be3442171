//! A pattern in a time zone: on which instants it fires.
//!
//! croner says which days and which times of a day a pattern names; the instants are found here, because croner's own search
//! takes only a single minute and hour for a fixed time (of `30 2,14 * * *` it drops 02:30 on the day of the gap), gives up on
//! gaps of more than two hours, and walks second by second. The rule, Vixie's: where neither minute nor hour begin with `*`, the
//! times are fixed: one inside a gap fires at the gap's end, one that comes twice fires the first time. Other patterns follow the
//! clock's hands: what a gap leaves out does not fire, what comes twice fires twice.
//!
//! Everything goes by days: a day without a change of the clock is counted, not listed.

use super::pattern::Pattern;
use crate::time::Timestamp;
use crd_schemas::Duration;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, ToSpan};

/// Days looked at for one answer: every pattern that fires at all does so within 40 years (29 February on a given weekday, over a
/// turn of a century that has no leap day).
const MAX_DAYS: u32 = 50 * 366;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;

/// A pattern in a time zone.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    pub pattern: Pattern,
    pub zone: TimeZone,
}

impl Calendar {
    /// The first instant after this one.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // A day back and one further: at a change of the clock round midnight, neighbouring days reach into each other.
        let mut date = self.date(after)?.yesterday().ok()?;
        let mut found: Option<Timestamp> = None;
        for _ in 0..MAX_DAYS {
            let here = self.first_of_day(date, after);
            if let Some(first) = found {
                return Some(here.map_or(first, |here| here.min(first)));
            }
            found = here;
            date = date.tomorrow().ok()?;
        }
        found
    }

    /// How many instants there are after the one, up to and including the other.
    pub fn count(&self, after: Timestamp, until: Timestamp) -> u64 {
        let (Some(first), Some(last)) = (self.date(after), self.date(until)) else { return 0 };
        let (mut count, mut listed) = (0, Vec::new());
        let close = |listed: &mut Vec<Timestamp>| {
            listed.sort_unstable();
            listed.dedup();
            let within = listed.iter().filter(|at| after < **at && **at <= until).count();
            listed.clear();
            within as u64
        };
        let mut plain = [self.plain(before(first, 2)), self.plain(before(first, 1))];
        let mut date = before(first, 1);
        while date <= after_day(last) {
            let next = self.plain(after_day(date));
            let whole = first < before(date, 1) && after_day(date) < last;
            if whole && plain[0].is_some() && plain[1].is_some() && next.is_some() {
                count += close(&mut listed);
                count += if self.pattern.fires_on(date) { self.pattern.minutes.len() as u64 } else { 0 };
            } else {
                listed.extend(self.of_day(date));
            }
            plain = [plain[1], next];
            let Ok(tomorrow) = date.tomorrow() else { break };
            date = tomorrow;
        }
        count + close(&mut listed)
    }

    /// The newest instants after the one, up to and including the other, oldest first, at most `most`.
    pub fn newest(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        let (Some(first), Some(last)) = (self.date(after), self.date(until)) else { return Vec::new() };
        let mut found: Vec<Timestamp> = Vec::new();
        let mut date = after_day(last);
        // One day more than is needed, for the same reason as above.
        let mut enough = false;
        while date >= before(first, 1) && !enough {
            enough = found.len() >= most;
            found.extend(self.of_day(date).into_iter().filter(|at| after < *at && *at <= until));
            let Ok(yesterday) = date.yesterday() else { break };
            date = yesterday;
        }
        found.sort_unstable();
        found.dedup();
        found.split_off(found.len().saturating_sub(most))
    }

    /// The shortest time between two instants of so many days, the first of which holds this instant.
    pub fn shortest_gap(&self, first: Timestamp, days: usize) -> Option<Duration> {
        let first = self.date(first)?;
        let minutes = &self.pattern.minutes;
        let within_day = minutes.windows(2).map(|pair| MINUTE * i64::from(pair[1] - pair[0])).min();
        let mut shortest = None;
        let mut instants = Vec::new();
        for date in first.series(1.day()).take(days).filter(|date| self.pattern.fires_on(*date)) {
            let ends = (minutes.first(), minutes.last(), self.plain(date));
            match ends {
                // Days beside a change of the clock are listed, too, for they reach into each other.
                (Some(first), Some(last), Some(midnight))
                    if self.plain(before(date, 1)).is_some() && self.plain(after_day(date)).is_some() =>
                {
                    shortest = within_day;
                    instants.extend([first, last].map(|minute| Timestamp(midnight.0 + i64::from(*minute) * MINUTE)));
                }
                _ => instants.extend(self.of_day(date)),
            }
        }
        instants.sort_unstable();
        instants.dedup();
        let between = instants.windows(2).map(|pair| pair[1].0 - pair[0].0).min();
        [shortest, between].into_iter().flatten().min().map(|gap| Timestamp(gap).since(Timestamp(0)))
    }

    /// The first instant of a day after this one.
    fn first_of_day(&self, date: Date, after: Timestamp) -> Option<Timestamp> {
        if !self.pattern.fires_on(date) {
            return None;
        }
        let Some(midnight) = self.plain(date) else { return self.of_day(date).into_iter().find(|at| *at > after) };
        let at = |minute: &u16| Timestamp(midnight.0 + i64::from(*minute) * MINUTE);
        let index = self.pattern.minutes.partition_point(|minute| at(minute) <= after);
        self.pattern.minutes.get(index).map(at)
    }

    /// Every instant of a day, ascending.
    fn of_day(&self, date: Date) -> Vec<Timestamp> {
        if !self.pattern.fires_on(date) {
            return Vec::new();
        }
        if let Some(midnight) = self.plain(date) {
            return self.pattern.minutes.iter().map(|minute| Timestamp(midnight.0 + i64::from(*minute) * MINUTE)).collect();
        }
        let mut found: Vec<Timestamp> = Vec::new();
        for minute in &self.pattern.minutes {
            let (Ok(hour), Ok(minute)) = (i8::try_from(minute / 60), i8::try_from(minute % 60)) else { continue };
            found.extend(self.instants(date.at(hour, minute, 0, 0)));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The instants of a time that the clock shows once, never or twice.
    fn instants(&self, time: DateTime) -> Vec<Timestamp> {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(time).ok();
        let found = match self.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![at(offset)],
            AmbiguousOffset::Fold { before, .. } if !self.pattern.interval => vec![at(before)],
            AmbiguousOffset::Fold { before, after } => vec![at(before), at(after)],
            AmbiguousOffset::Gap { .. } if self.pattern.interval => Vec::new(),
            // The time by the later offset is an instant before the change; the change comes next.
            AmbiguousOffset::Gap { after, .. } => {
                vec![at(after).and_then(|early| Some(self.zone.following(early).next()?.timestamp()))]
            }
        };
        found.into_iter().flatten().map(|at| Timestamp(at.as_microsecond())).collect()
    }

    /// A day's midnight, if the clock does not change in it.
    fn plain(&self, date: Date) -> Option<Timestamp> {
        let of = |date: Date| match self.zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(date.at(0, 0, 0, 0)).ok(),
            _ => None,
        };
        let (start, end) = (of(date)?, of(date.tomorrow().ok()?)?);
        let whole = end.as_microsecond() - start.as_microsecond() == DAY;
        let changes = self.zone.following(start).next().is_some_and(|change| change.timestamp() < end);
        (whole && !changes).then(|| Timestamp(start.as_microsecond()))
    }

    fn date(&self, at: Timestamp) -> Option<Date> {
        Some(self.zone.to_datetime(jiff::Timestamp::from_microsecond(at.0).ok()?).date())
    }
}

fn before(date: Date, days: i64) -> Date {
    let back: Span = days.days();
    date.saturating_sub(back)
}

fn after_day(date: Date) -> Date {
    date.tomorrow().unwrap_or(date)
}
