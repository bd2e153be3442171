//! What goes and what stays, each bound by itself.

use super::{
    Age, Bound, FLOOR, Hold, Override, Past, Policy, Verdict, execution, is_stale, output, rest_of_output_stays, rest_stays,
};
use crate::elapsed::Span;
use crate::time::Timestamp;

const DAY: i64 = 86_400_000_000;
const NOW: Timestamp = Timestamp(1_000 * DAY);

/// One that ended so many days ago.
fn past(number: i64, days: i64) -> Past {
    let at = Timestamp(NOW.0 - days * DAY);
    Past { number, created_at: at, ended_at: Some(at), hold: None }
}

fn policy() -> Policy {
    Policy { executions: Age::days(90), at_least: 10, at_most: Some(50), output: Age::days(30) }
}

fn of(newest: i64, past: &Past) -> Verdict {
    execution(&policy(), newest, past, NOW)
}

#[test]
fn what_is_old_goes_but_the_newest_so_many_stay() {
    assert_eq!(of(100, &past(60, 91)), Verdict::Goes(Bound::Age));
    assert_eq!(of(100, &past(60, 89)), Verdict::Kept);
    assert_eq!((of(100, &past(90, 91)), of(100, &past(91, 91))), (Verdict::Goes(Bound::Age), Verdict::Kept));
}

#[test]
fn what_is_more_than_the_most_goes_though_it_is_young_but_never_what_has_just_ended() {
    assert_eq!((of(100, &past(50, 3)), of(100, &past(51, 3))), (Verdict::Goes(Bound::Count), Verdict::Kept));
    assert_eq!(of(100_000, &past(1, 1)), Verdict::Kept, "a day is less than the floor");
    let short = Policy { executions: Age::Seconds(60), ..policy() };
    assert_eq!(execution(&short, 100, &past(1, 1), NOW), Verdict::Kept);
    assert_eq!(execution(&short, 100, &past(1, 2), NOW), Verdict::Goes(Bound::Age));
}

#[test]
fn the_newest_number_stays_whatever_a_policy_says() {
    let nothing = Policy { executions: Age::Seconds(0), at_least: 0, at_most: Some(0), output: Age::Seconds(0) };
    assert_eq!(execution(&nothing, 7, &past(7, 900), NOW), Verdict::Kept);
    assert_eq!(execution(&nothing, 7, &past(6, 900), NOW), Verdict::Goes(Bound::Age));
}

#[test]
fn what_is_needed_stays() {
    for hold in [Hold::Unknown, Hold::Retried, Hold::LastOfSchedule, Hold::Unheard] {
        assert_eq!(of(100, &Past { hold: Some(hold), ..past(1, 900) }), Verdict::Held(hold));
    }
    let open = Past { ended_at: None, hold: Some(Hold::Open), ..past(1, 900) };
    assert_eq!((of(100, &open), output(&policy(), &open, NOW)), (Verdict::Held(Hold::Open), Verdict::Held(Hold::Open)));
}

#[test]
fn output_goes_sooner_and_never_later_than_its_execution() {
    assert_eq!(output(&policy(), &past(100, 31), NOW), Verdict::Goes(Bound::Age));
    assert_eq!(output(&policy(), &past(1, 29), NOW), Verdict::Kept);
    let longer = Policy { output: Age::Forever, ..policy() };
    assert_eq!(output(&longer, &past(1, 91), NOW), Verdict::Goes(Bound::Age));
    // A schedule's last execution is named by it, and nobody reads its output by that.
    assert_eq!(output(&policy(), &Past { hold: Some(Hold::LastOfSchedule), ..past(1, 31) }, NOW), Verdict::Goes(Bound::Age));
}

#[test]
fn nobody_looks_further_than_where_everything_stays() {
    let policies = [
        policy(),
        Policy { at_most: None, ..policy() },
        Policy { output: Age::Forever, at_most: None, ..policy() },
        Policy { executions: Age::Forever, output: Age::Forever, at_most: None, ..policy() },
        Policy { executions: Age::Seconds(1), ..policy() },
        Policy { executions: Age::Forever, ..policy() },
    ];
    let goes = |verdict| matches!(verdict, Verdict::Goes(_));
    for policy in policies {
        // One each day, the newest today.
        let all: Vec<Past> = (1..=400).map(|number| past(number, 400 - number)).collect();
        let end = all.iter().position(|past| rest_stays(&policy, 400, past, NOW)).unwrap();
        assert!(all[end..].iter().all(|past| !goes(execution(&policy, 400, past, NOW))), "{policy:?}");
        assert!(end == 0 || goes(execution(&policy, 400, &all[end - 1], NOW)), "no further than it must: {policy:?} {end}");
        let end = all.iter().position(|past| rest_of_output_stays(&policy, past, NOW)).unwrap();
        assert!(all[end..].iter().all(|past| !goes(output(&policy, past, NOW))), "{policy:?}");
    }
}

#[test]
fn a_workflow_s_own_word_counts() {
    let own = Override { executions: Some(Age::days(7)), at_most: Some(5), ..Override::default() };
    let policy = policy().with(own);
    assert_eq!((policy.executions, policy.at_least, policy.at_most), (Age::days(7), 10, Some(5)));
}

#[test]
fn ages_are_read_and_written() {
    for (text, age) in [("90d", Age::days(90)), ("12h", Age::Seconds(43_200)), ("forever", Age::Forever), ("2y", Age::days(730))]
    {
        assert_eq!(text.parse::<Age>(), Ok(age));
    }
    assert_eq!(
        (Age::days(730).to_string(), Age::Seconds(5400).to_string(), FLOOR.to_string()),
        ("730d".into(), "90m".into(), "26h".into())
    );
    for text in ["", "90", "d", "-1d", "90 d", "90s", "200y", "99999999999999999999d", "ever"] {
        let error = text.parse::<Age>().unwrap_err().to_string();
        assert!(error.contains("90d") && error.contains("forever"), "{error}");
    }
}

#[test]
fn an_agent_is_stale_when_somebody_was_there_to_hear_it() {
    let days = |days: i64| Timestamp(NOW.0 - days * DAY);
    assert!(is_stale(Age::days(30), days(31), [], NOW) && !is_stale(Age::days(30), days(29), [], NOW));
    let gone = Span { from: days(20), to: days(2) };
    assert!(!is_stale(Age::days(30), days(31), [gone], NOW), "no controller ran for 18 days of these");
    assert!(is_stale(Age::days(30), days(49), [gone], NOW));
    assert!(!is_stale(Age::Forever, days(9000), [], NOW));
}
