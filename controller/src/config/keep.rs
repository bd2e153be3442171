//! What is kept, and for how long.

use crate::keep::Keep;
use pulse_core::retention::{Age, Policy, Retention};
use pulse_settings::Layers;
use std::time::Duration;

/// The shortest pause between two runs.
const SHORTEST: crd_schemas::Duration = crd_schemas::Duration::from_secs(1);

impl Keep {
    pub(super) fn read(layers: &Layers, errors: &mut Vec<String>) -> Self {
        let Retention { policy, audit, agents } = Retention::default();
        let policy = Policy {
            executions: age(layers, "PULSE_KEEP_EXECUTIONS", policy.executions, errors),
            at_least: count(layers, "PULSE_KEEP_AT_LEAST", errors).unwrap_or(policy.at_least),
            at_most: count(layers, "PULSE_KEEP_AT_MOST", errors),
            output: age(layers, "PULSE_KEEP_OUTPUT", policy.output, errors),
        };
        if let Some(most) = policy.at_most.filter(|most| *most < policy.at_least) {
            let least = policy.at_least;
            errors.push(format!(
                "PULSE_KEEP_AT_MOST: {most} is less than the {least} of PULSE_KEEP_AT_LEAST, which are always kept"
            ));
        }
        let audit = age(layers, "PULSE_KEEP_AUDIT", audit, errors);
        let agents = age(layers, "PULSE_KEEP_AGENTS", agents, errors);
        Self { retention: Retention { policy, audit, agents }, every: every(layers, errors) }
    }
}

fn age(layers: &Layers, name: &'static str, default: Age, errors: &mut Vec<String>) -> Age {
    let Some(given) = layers.get(name) else { return default };
    given.text.parse().unwrap_or_else(|error| {
        errors.push(format!("{}: {error}", given.place));
        default
    })
}

fn count(layers: &Layers, name: &'static str, errors: &mut Vec<String>) -> Option<u32> {
    let given = layers.get(name)?;
    let count = given.text.parse::<u32>().ok().filter(|count| *count > 0);
    if count.is_none() {
        errors.push(format!("{}: `{}` is no number of executions; write 1 or more", given.place, given.text));
    }
    count
}

fn every(layers: &Layers, errors: &mut Vec<String>) -> Duration {
    let default = Keep::default().every;
    let Some(given) = layers.get("PULSE_KEEP_EVERY") else { return default };
    match given.text.parse::<crd_schemas::Duration>() {
        Ok(every) if every >= SHORTEST => Duration::from_millis(every.as_millis()),
        Ok(_) => {
            errors.push(format!("{}: it is shorter than {SHORTEST}", given.place));
            default
        }
        Err(error) => {
            errors.push(format!("{}: {error}", given.place));
            default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refusal};
    use pulse_core::retention::Age;
    use std::time::Duration;

    #[test]
    fn what_is_kept_is_said_or_generous() {
        let keep = load(&[], &[]).unwrap().keep;
        assert_eq!((keep.retention.policy.executions, keep.retention.policy.at_least), (Age::days(90), 100));
        assert_eq!((keep.retention.policy.output, keep.retention.audit), (Age::days(30), Age::days(400)));
        assert_eq!((keep.retention.policy.at_most, keep.retention.agents), (None, Age::Forever));
        let said = [("PULSE_KEEP_EXECUTIONS", "7d"), ("PULSE_KEEP_AT_MOST", "500"), ("PULSE_KEEP_EVERY", "1h")];
        let keep = load(&["--keep-audit", "forever", "--keep-at-least", "5", "--keep-agents", "30d"], &said).unwrap().keep;
        assert_eq!((keep.retention.policy.executions, keep.retention.audit), (Age::days(7), Age::Forever));
        assert_eq!((keep.retention.policy.at_least, keep.retention.policy.at_most), (5, Some(500)));
        assert_eq!((keep.every, keep.retention.agents), (Duration::from_secs(3600), Age::days(30)));
    }

    #[test]
    fn what_says_no_age_or_number_is_refused_with_the_mend() {
        for (name, value, told) in [
            ("PULSE_KEEP_EXECUTIONS", "90", "such as `12h`, `90d`"),
            ("PULSE_KEEP_OUTPUT", "a week", "forever"),
            ("PULSE_KEEP_AT_LEAST", "0", "write 1 or more"),
            ("PULSE_KEEP_AT_MOST", "50", "less than the 100"),
            ("PULSE_KEEP_EVERY", "10", "no unit"),
            ("PULSE_KEEP_EVERY", "1ms", "shorter than 1s"),
        ] {
            let error = refusal(&[], &[(name, value)]);
            assert!(error.contains(name) && error.contains(told), "{error}");
        }
    }
}
