//! What comes from outside: the request that starts it, agents that come and go, and their reports.

use super::{NIL, World};
use crd_schemas::manifest::ConcurrencyPolicy;
use pulse_core::decide::{AgentView, Presence};
use pulse_core::execution::{Created, Input, Selection, Trigger, TriggerKind};
use pulse_core::values::AgentValue;
use pulse_protocol::observation::{EndKind, UnknownReason};
use pulse_protocol::{AgentName, BootId, Ended, Incarnation, Observation, Observed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

impl World {
    pub(super) fn created(&self, params: &[&str]) -> Created {
        let params: BTreeMap<&str, &str> = params.iter().map(|pair| pair.split_once('=').expect("k=v")).collect();
        let mut selections: Vec<Selection> = Vec::new();
        for step in &self.program.steps {
            let Some(items) = step.execute().map(|spec| spec.targets.items().to_vec()).filter(|items| !items.is_empty()) else {
                continue;
            };
            let agents = if items == ["all"] {
                self.around.agents.keys().cloned().collect()
            } else {
                let name = |item: &str| match item.trim_matches(['{', '}', ' ']).strip_prefix("params.") {
                    Some(param) => params[param].parse(),
                    None => item.parse(),
                };
                items.iter().map(|item| name(item).expect("an agent")).collect()
            };
            selections.push(Selection { items, agents });
        }
        Created {
            id: NIL,
            workflow: self.workflow.metadata.name.clone(),
            number: 1,
            source: "main".into(),
            commit: "c0ffee".into(),
            snapshot: "digest".into(),
            params: params
                .iter()
                .filter(|(name, _)| **name != "by")
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            given: None,
            selections,
            limit: None,
            trigger: match params.get("by") {
                Some(schedule) => {
                    Trigger { kind: TriggerKind::Schedule, by: (*schedule).to_owned(), slot: Some(self.now), reason: None }
                }
                None => Trigger::person("eve".into()),
            },
            concurrency_key: None,
            queue_place: (self.program.concurrency == ConcurrencyPolicy::Queue).then_some(0),
            retry_of: None,
            carried: None,
            trace: None,
        }
    }

    pub(super) fn agent(&mut self, name: &str, change: &[&str]) {
        let name: AgentName = name.parse().expect("an agent");
        let now = self.now;
        let journal = self.journals.entry(name.clone()).or_insert(1);
        *journal += u128::from(change == ["journal"]);
        let session = Presence::Connected(incarnation(&name, *journal));
        let fresh = AgentView {
            presence: session.clone(),
            last_seen: now,
            boot: Some(boot(&name, 1)),
            slots: 5,
            taken: BTreeSet::new(),
            value: AgentValue { name: name.to_string(), ..AgentValue::default() },
        };
        let view = self.around.agents.entry(name.clone()).or_insert(fresh);
        match change {
            ["up" | "journal"] => (view.presence, view.last_seen) = (session, now),
            ["down"] => view.presence = Presence::Disconnected,
            ["revoked"] => view.presence = Presence::Revoked,
            ["boot", number] => {
                let number = number.parse().expect("a number");
                (view.presence, view.last_seen) = (session, now);
                view.boot = Some(boot(&name, number));
            }
            ["slots", count] => view.slots = count.parse().expect("a number"),
            ["quarantined"] => view.presence = Presence::Quarantined("its journal is behind".into()),
            ["unlabel", key] => drop(Arc::make_mut(&mut view.value.labels).remove(*key)),
            ["label", pair] => {
                let (key, value) = pair.split_once('=').expect("k=v");
                Arc::make_mut(&mut view.value.labels).insert(key.into(), value.into());
            }
            other => panic!("what is agent {other:?}?"),
        }
    }

    pub(super) fn report(&mut self, name: &str, what: &[&str]) -> Input {
        let (agent, attempt) = self.attempt(name);
        let end = |how| Observed::Ended(Ended::bare(how));
        let observed = match what {
            ["accepted"] => Observed::Accepted,
            ["started"] => Observed::Started { pid: 7 },
            ["exit", code] => end(EndKind::Exited { code: code.parse().expect("a code") }),
            ["out", code, text @ ..] => {
                let how = EndKind::Exited { code: code.parse().expect("a code") };
                Observed::Ended(Ended { captured: Some(text.join(" ") + "\n"), ..Ended::bare(how) })
            }
            ["signal", signal] => end(EndKind::Signalled { signal: signal.parse().expect("a signal") }),
            ["timed_out"] => end(EndKind::TimedOut),
            ["cancelled"] => end(EndKind::Cancelled),
            ["not_started"] => end(EndKind::NotStarted { reason: "the shell is missing".into() }),
            ["withdrawn"] => Observed::Ended(Ended::withdrawn()),
            ["unknown"] => end(EndKind::Unknown { reason: UnknownReason::SupervisorLost }),
            ["rebooted"] => end(EndKind::Unknown { reason: UnknownReason::HostRebooted }),
            ["again"] => self.last.get(&agent).cloned().expect("an earlier report"),
            other => panic!("what is report {other:?}?"),
        };
        self.last.insert(agent.clone(), observed.clone());
        Input::Observed { agent, observation: Observation { attempt, observed } }
    }
}

fn boot(agent: &AgentName, generation: u128) -> BootId {
    BootId(incarnation(agent, generation).0)
}

pub fn incarnation(agent: &AgentName, generation: u128) -> Incarnation {
    let bytes = agent.as_str().bytes().fold(generation, |sum, byte| (sum << 8) | u128::from(byte));
    Incarnation(Uuid::from_u128(bytes))
}
