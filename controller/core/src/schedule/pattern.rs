//! A cron pattern: its text read strictly, then by croner, which knows the rules of days. The text is checked first, because
//! croner takes names anywhere (`MON * * * *` is minute 1), a few shapes that nobody means, and says no place.
//!
//! What is allowed: numbers, `a-b`, `*`, each range with `/step`, lists; names of months and weekdays in their own fields; `L` (the last
//! day) in the day of month; `FRI#2` and `FRI#L` (the second and the last Friday) in the day of week; `@hourly` and its like.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::Date;
use std::fmt;
use std::ops::Range;

/// A pattern that fires some day.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    cron: Cron,
    /// Five fields, one space between, names and macros as written in capitals; equal texts mean equal instants.
    pub canonical: String,
    /// Times of a day on which it fires, as minutes since midnight, ascending.
    pub minutes: Vec<u16>,
    /// Minute or hour begin with `*`: it follows the clock's hands rather than naming times (Vixie's rule).
    pub interval: bool,
    /// How the two day fields go together, where that surprises.
    pub days: Days,
}

/// How day of month and day of week go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// At most one of them says something.
    Plain,
    /// Both are restricted: either is enough.
    Either,
    /// Both say something, one by steps of `*`: both must match.
    Both,
}

/// What is wrong with a pattern, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// Bytes of the text that are wrong.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

struct Field {
    name: &'static str,
    least: u16,
    most: u16,
    /// Names, in the order of their numbers from `first` on.
    names: &'static [&'static str],
    first: u16,
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DAY_OF_MONTH: usize = 2;
const DAY_OF_WEEK: usize = 4;
const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[], first: 0 },
    Field { name: "hour", least: 0, most: 23, names: &[], first: 0 },
    Field { name: "day of month", least: 1, most: 31, names: &[], first: 0 },
    Field { name: "month", least: 1, most: 12, names: MONTHS, first: 1 },
    Field { name: "day of week", least: 0, most: 7, names: WEEKDAYS, first: 0 },
];
const MACROS: [(&str, &str); 7] = [
    ("@YEARLY", "0 0 1 1 *"),
    ("@ANNUALLY", "0 0 1 1 *"),
    ("@MONTHLY", "0 0 1 * *"),
    ("@WEEKLY", "0 0 * * 0"),
    ("@DAILY", "0 0 * * *"),
    ("@MIDNIGHT", "0 0 * * *"),
    ("@HOURLY", "0 * * * *"),
];

impl Pattern {
    /// Reads a pattern; every wrong field at once.
    pub fn parse(text: &str) -> Result<Self, Vec<PatternError>> {
        let whole = 0..text.len();
        let capital = text.trim().to_ascii_uppercase();
        let expanded = MACROS.iter().find(|(name, _)| *name == capital).map(|(_, fields)| *fields);
        if expanded.is_none() && capital.starts_with('@') {
            let names: Vec<String> = MACROS.iter().map(|(name, _)| format!("`{}`", name.to_lowercase())).collect();
            let help = match capital.as_str() {
                "@REBOOT" => "a schedule has no start of a machine; name a time".to_owned(),
                _ if capital.starts_with("@EVERY") => "write `every: 5m` in place of `cron`".to_owned(),
                _ => format!("there are {}", names.join(", ")),
            };
            return Err(vec![error(whole, format!("`{}` is no pattern", clipped(text)), help)]);
        }
        let source = expanded.unwrap_or(text);
        let words = words(source);
        if words.len() != FIELDS.len() {
            return Err(vec![wrong_number(&words, whole)]);
        }
        let mut fields = Vec::new();
        let mut errors = Vec::new();
        for (index, (at, word)) in words.iter().enumerate() {
            match field(index, *at, &word.to_ascii_uppercase()) {
                Ok(read) => fields.push(read),
                Err(found) => errors.push(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Self::of(&fields).map_err(|message| vec![error(whole, message, "name a day that exists".into())])
    }

    /// From checked fields, in numbers.
    fn of(fields: &[String]) -> Result<Self, String> {
        let star = |index: usize| fields[index].starts_with('*');
        let all = |index: usize| fields[index] == "*";
        // Vixie: a day field that begins with `*` does not widen the other one. croner knows that of a bare `*` only.
        let stepped = star(DAY_OF_MONTH) || star(DAY_OF_WEEK);
        let days = match (all(DAY_OF_MONTH) || all(DAY_OF_WEEK), stepped) {
            (true, _) => Days::Plain,
            (false, true) => Days::Both,
            (false, false) => Days::Either,
        };
        let canonical = fields.join(" ");
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(days == Days::Both).build();
        let cron = parser.parse(&canonical).map_err(|error| error.to_string())?;
        let minutes = (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute)));
        let fires = |(hour, minute): &(u16, u16)| {
            let (hour, minute) = (u32::from(*hour), u32::from(*minute));
            cron.pattern.hour_match(hour).unwrap_or(false) && cron.pattern.minute_match(minute).unwrap_or(false)
        };
        let minutes = minutes.filter(fires).map(|(hour, minute)| hour * 60 + minute).collect();
        Ok(Self { minutes, interval: star(0) || star(1), days, canonical, cron })
    }

    /// Does it fire on this day?
    pub fn fires_on(&self, date: Date) -> bool {
        let (Ok(month), Ok(day)) = (u32::try_from(date.month()), u32::try_from(date.day())) else { return false };
        let pattern = &self.cron.pattern;
        // Vixie's AND of `*/2 * MON` is croner's only where neither field is a bare `*`, which is how it was built.
        pattern.month_match(month).unwrap_or(false)
            && pattern.day_match(i32::from(date.year()), month, day, weekday(date)).unwrap_or(false)
    }

    /// croner's sentence.
    pub fn describe(&self) -> String {
        self.cron.describe()
    }
}

fn weekday(date: Date) -> croner::Weekday {
    use croner::Weekday as Day;
    match date.weekday() {
        jiff::civil::Weekday::Monday => Day::Monday,
        jiff::civil::Weekday::Tuesday => Day::Tuesday,
        jiff::civil::Weekday::Wednesday => Day::Wednesday,
        jiff::civil::Weekday::Thursday => Day::Thursday,
        jiff::civil::Weekday::Friday => Day::Friday,
        jiff::civil::Weekday::Saturday => Day::Saturday,
        jiff::civil::Weekday::Sunday => Day::Sunday,
    }
}

/// Words and where each begins.
fn words(text: &str) -> Vec<(usize, &str)> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(|word| (start(word), word)).collect()
}

fn wrong_number(words: &[(usize, &str)], whole: Range<usize>) -> PatternError {
    let message = format!("a pattern has five fields, but this one has {}", words.len());
    let zone = words.first().is_some_and(|(_, word)| word.contains("TZ="));
    let help = match words {
        _ if zone => "the time zone stands in `timeZone`".to_owned(),
        [(_, "0"), rest @ ..] if rest.len() == FIELDS.len() => {
            let rest: Vec<&str> = rest.iter().map(|(_, word)| *word).collect();
            format!("there is no field for seconds; write `{}`", clipped(&rest.join(" ")))
        }
        _ if words.len() == 6 => {
            "there is no field for seconds and none for the year; with seconds, write `every: 10s`".to_owned()
        }
        _ => "minute, hour, day of month, month, day of week: `30 2 * * 1-5`".to_owned(),
    };
    error(whole, message, help)
}

/// A field in numbers, or its first mistake. `at` is where its text begins.
fn field(index: usize, at: usize, word: &str) -> Result<String, PatternError> {
    let mut place = at;
    let mut items = Vec::new();
    for item in word.split(',') {
        let read = Item { field: &FIELDS[index], index, at: place..place + item.len() }.read(item)?;
        items.push(read);
        place += item.len() + 1;
    }
    // A list with `*` in it is every value, and so is said.
    Ok(items.join(","))
}

/// One item of a field's list.
struct Item {
    field: &'static Field,
    index: usize,
    at: Range<usize>,
}

impl Item {
    fn read(&self, item: &str) -> Result<String, PatternError> {
        if self.index == DAY_OF_MONTH && item == "L" {
            return Ok("L".to_owned());
        }
        if let Some((day, which)) = item.split_once('#') {
            return self.nth(day, which);
        }
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let range = self.range(range, step.is_some())?;
        Ok(step.map_or(range.clone(), |step| format!("{range}/{step}")))
    }

    fn range(&self, range: &str, stepped: bool) -> Result<String, PatternError> {
        if range == "*" {
            return Ok("*".to_owned());
        }
        let Some((from, to)) = range.split_once('-') else {
            if stepped {
                let help = format!("write `{range}-{}/…` or `*/…`", self.highest());
                return Err(self.error("a step needs a range or `*` before it".into(), help));
            }
            return self.number(range).map(|number| number.to_string());
        };
        let (first, mut last) = (self.number(from)?, self.number(to)?);
        // `FRI-SUN`: the Sunday at the end of a week is 7.
        if self.index == DAY_OF_WEEK && last == 0 && first > 0 {
            last = 7;
        }
        if first > last {
            let help = format!("write `{from}-{},{}-{to}`", self.highest(), self.field.least);
            return Err(self.error(format!("the range `{}` ends before it begins", clipped(range)), help));
        }
        Ok(format!("{first}-{last}"))
    }

    /// The highest value that has no second name; 7 is Sunday again.
    fn highest(&self) -> u16 {
        if self.index == DAY_OF_WEEK { 6 } else { self.field.most }
    }

    /// `FRI#2`, `FRI#L`.
    fn nth(&self, day: &str, which: &str) -> Result<String, PatternError> {
        if self.index != DAY_OF_WEEK {
            return Err(self.error("`#` stands in the day of week only".into(), "write, for example, `0 3 * * MON#1`".into()));
        }
        let day = self.number(day)? % 7;
        match which {
            "1" | "2" | "3" | "4" | "5" | "L" => Ok(format!("{day}#{which}")),
            _ => Err(self.error("after `#` stands 1 to 5, or `L` for the last one".into(), "write, for example, `FRI#L`".into())),
        }
    }

    fn number(&self, text: &str) -> Result<u16, PatternError> {
        if let Some(index) = self.field.names.iter().position(|name| *name == text) {
            return Ok(self.field.first + u16::try_from(index).unwrap_or(0));
        }
        let Field { name, least, most, .. } = self.field;
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = digits.then(|| text.parse().ok()).flatten() else {
            return Err(self.error(format!("`{}` is no {name}", clipped(text)), self.numbers(text)));
        };
        if !(*least..=*most).contains(&number) {
            return Err(self.error(format!("the {name} is {least} to {most}, but this is {number}"), self.numbers(text)));
        }
        Ok(number)
    }

    fn numbers(&self, text: &str) -> String {
        match (text, self.index) {
            ("?", _) => return "write `*`".to_owned(),
            (_, DAY_OF_WEEK) if text.ends_with('L') && text.len() > 1 => {
                return format!("write `{}#L` for the last one of a month", text.trim_end_matches('L'));
            }
            _ => {}
        }
        let Field { least, most, names, .. } = self.field;
        match (names.first(), names.last()) {
            (Some(first), Some(last)) => format!("{least} to {most}, or {first} to {last}"),
            _ => format!("{least} to {most}, `*`, a range such as `{least}-{most}`, or steps such as `*/2`"),
        }
    }

    fn step(&self, text: &str) -> Result<u16, PatternError> {
        let span = self.field.most - self.field.least;
        let step: Option<u16> = text.parse().ok().filter(|step| (1..=span.max(1)).contains(step));
        step.ok_or_else(|| {
            let message = format!("the step `{}` of the {} is none of 1 to {span}", clipped(text), self.field.name);
            self.error(message, "write, for example, `*/2`".into())
        })
    }

    fn error(&self, message: String, help: String) -> PatternError {
        error(self.at.clone(), message, help)
    }
}

fn error(at: Range<usize>, message: String, help: String) -> PatternError {
    PatternError { at, message, help: Some(help) }
}

fn clipped(text: &str) -> String {
    text.chars().take(60).collect()
}
