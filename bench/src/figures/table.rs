//! Figures as people read them.

use super::goal::{Goal, Verdict};
use super::{Figure, Kind};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// A figure as one line.
pub fn line(figure: &Figure) -> String {
    let value = format!("{} {}", number(figure.value), figure.unit);
    let goal = figure.goal.map_or_else(String::new, |goal| format!("  {}", goal_text(goal)));
    let verdict = figure.verdict.map_or_else(String::new, |verdict| format!("  {}", word(verdict)));
    format!("{:<6} {:<62} {value:>16}{goal}{verdict}", kind(figure.kind), figure.name).trim_end().to_owned()
}

/// All of them.
pub fn whole(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    table.set_header(["SCENARIO", "OF", "FIGURE", "VALUE", "UNIT", "GOAL", "", "LOAD"]);
    for figure in figures {
        table.add_row([
            figure.scenario.clone(),
            kind(figure.kind).to_owned(),
            figure.name.clone(),
            number(figure.value),
            figure.unit.to_owned(),
            figure.goal.map(goal_text).unwrap_or_default(),
            figure.verdict.map(word).unwrap_or_default().to_owned(),
            format!("{:.2}", figure.load),
        ]);
    }
    for column in [3, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Limit => "limit",
        Kind::Floor => "floor",
        Kind::Pulse => "PULSE",
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Missed => "MISSED",
        Verdict::Busy => "busy",
        Verdict::Quick => "quick",
    }
}

fn goal_text(goal: Goal) -> String {
    match goal {
        Goal::AtMost(most) => format!("<= {}", number(most)),
        Goal::AtLeast(least) => format!(">= {}", number(least)),
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64, goal: Option<Goal>, verdict: Option<Verdict>) -> Figure {
        let (scenario, name) = ("latency".to_owned(), "POST to started, p50".to_owned());
        Figure { scenario, kind: Kind::Pulse, name, value, unit: "ms", goal, verdict, load: 0.25, rounds: vec![value] }
    }

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        let shown = [0.0, 0.0814, 1.0, 2.345, 23.45, 234.5, 12_345.6, f64::NAN].map(number);
        assert_eq!(shown, ["0", "0.081", "1", "2.35", "23.4", "234", "12346", "-"]);
    }

    #[test]
    fn the_goal_stands_beside_the_figure() {
        let missed = line(&figure(2.5, Some(Goal::AtMost(2.0)), Some(Verdict::Missed)));
        assert!(missed.starts_with("PULSE  POST to started, p50 ") && missed.ends_with("2.50 ms  <= 2  MISSED"), "{missed}");
        let table = whole(&[figure(1.5, Some(Goal::AtMost(2.0)), Some(Verdict::Ok)), figure(9.0, None, None)]);
        let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[1], "latency PULSE POST to started, p50 1.50 ms <= 2 ok 0.25");
        assert_eq!(lines[2], "latency PULSE POST to started, p50 9 ms 0.25");
    }
}
