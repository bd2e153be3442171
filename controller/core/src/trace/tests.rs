//! Headers as they come, and spans of histories.

use super::{Result, SpanKind, TraceContext, Value, spans};
use crate::execution::{Created, Event, EventRecord, StepPath, Trigger, Verdict};
use crate::time::Timestamp;
use crate::transition::{ExecutionEnd, StepStatus, TrackLoss};
use pulse_protocol::observation::EndKind;
use pulse_protocol::{AttemptId, Ended, ExecutionId, Incarnation};
use std::collections::BTreeMap;
use uuid::Uuid;

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_header_is_taken_as_it_is_meant_or_not_at_all() {
    let taken = TraceContext::parse(HEADER).unwrap();
    assert_eq!((taken.id.as_str(), taken.parent.as_deref()), ("4bf92f3577b34da6a3ce929d0e0e4736", Some("00f067aa0ba902b7")));
    assert!(taken.sampled && !TraceContext::parse(&HEADER.replace("-01", "-00")).unwrap().sampled);
    assert!(TraceContext::parse(&format!("cc{}-what-comes-later", &HEADER[2..])).is_some());
    for wrong in [
        "",
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e473€-00f067aa0ba902b7-01",
    ] {
        assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_command_is_handed_its_own_span() {
    let attempt = AttemptId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0005));
    let own = TraceContext::of(ExecutionId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001)));
    assert_eq!(own.of_attempt(attempt), "00-01930000000070008000000000000001-8000000000000005-01");
    assert_eq!(TraceContext::parse(&own.of_attempt(attempt)).unwrap().parent.unwrap(), "8000000000000005");
    let quiet = TraceContext { sampled: false, ..own };
    assert!(quiet.of_attempt(attempt).ends_with("-00"));
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn created(trace: Option<TraceContext>) -> Event {
    Event::Created(Box::new(Created {
        id: ExecutionId(uuid(1)),
        workflow: "update".into(),
        number: 7,
        source: "default".into(),
        commit: "abc".into(),
        snapshot: "s".into(),
        params: BTreeMap::from([("password".into(), "hunter2".into())]),
        given: None,
        selections: Vec::new(),
        limit: None,
        trigger: Trigger::person("ada".into()),
        concurrency_key: None,
        queue_place: None,
        retry_of: None,
        carried: None,
        trace,
    }))
}

fn step(name: &str) -> StepPath {
    StepPath(name.into())
}

fn assigned(attempt: u128, number: u32) -> Event {
    let (target, incarnation) = ("web-1".parse().unwrap(), Incarnation(uuid(99)));
    let attempt = AttemptId(uuid(attempt));
    Event::AttemptAssigned { attempt, step: step("go"), visit: 1, target, number, slot: 0, incarnation, boot: None }
}

fn ended(attempt: u128, how: EndKind) -> Event {
    let ended = Ended::bare(how);
    Event::AttemptEnded { attempt: AttemptId(uuid(attempt)), ended, verdict: Verdict::Succeeded }
}

/// Events a second apart, from second 1 on.
fn history(events: Vec<Event>) -> Vec<EventRecord> {
    let record = |(index, event)| {
        let seq = u32::try_from(index).unwrap() + 1;
        EventRecord { seq, at: Timestamp(i64::from(seq) * 1_000_000), event }
    };
    events.into_iter().enumerate().map(record).collect()
}

fn whole(trace: Option<TraceContext>) -> Vec<EventRecord> {
    let (go, skip) = (step("go"), step("skip"));
    history(vec![
        created(trace),
        Event::Started,
        Event::StepStarted { step: go.clone(), visit: 1, targets: Vec::new(), condition: None },
        assigned(10, 1),
        Event::AttemptStarted { attempt: AttemptId(uuid(10)), pid: 5 },
        ended(10, EndKind::Exited { code: 3 }),
        assigned(11, 2),
        Event::AttemptLost { attempt: AttemptId(uuid(11)), loss: TrackLoss::HostRebooted },
        Event::StepEnded { step: go, visit: 1, status: StepStatus::Failed, message: Some("too bad".into()) },
        Event::StepSkipped { step: skip, visit: 1 },
        Event::Ended { status: ExecutionEnd::Failed, message: Some("go failed".into()) },
    ])
}

fn text<'a>(span: &'a super::Span, name: &str) -> &'a str {
    match &span.attributes.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}: {span:?}")).1 {
        Value::Text(text) => text,
        Value::Number(_) => panic!("{name} is a number"),
    }
}

#[test]
fn a_history_is_one_tree() {
    let all = spans(&whole(None), "https://pulse/executions/1", Vec::new());
    let [root, go, skip, first, second] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!((root.name.as_str(), root.kind, root.parent.as_deref()), ("RUN update", SpanKind::Server, None));
    assert_eq!((root.start, root.end), (Timestamp(1_000_000), Timestamp(11_000_000)));
    assert_eq!((text(root, "cicd.pipeline.result"), text(root, "error.type")), ("failure", "failure"));
    assert_eq!(root.error.as_deref(), Some("go failed"));
    assert!(all.iter().all(|span| span.trace == root.trace) && root.trace == "01930000000070008000000000000001");
    assert_eq!((go.parent.as_ref(), skip.parent.as_ref()), (Some(&root.id), Some(&root.id)));
    assert_eq!((text(go, "cicd.pipeline.task.run.result"), text(skip, "cicd.pipeline.task.run.result")), ("failure", "skip"));
    assert_eq!((first.parent.as_ref(), text(first, "cicd.worker.name")), (Some(&go.id), "web-1"));
    assert_eq!((text(first, "pulse.attempt.result"), first.end), ("failure", Timestamp(6_000_000)));
    assert!(first.attributes.contains(&("process.exit.code", Value::Number(3))));
    assert_eq!((text(second, "pulse.attempt.result"), second.end), (Result::Error.as_str(), root.end));
    assert!(!format!("{all:?}").contains("hunter2") && !format!("{all:?}").contains("ada"));
    let ids: std::collections::BTreeSet<_> = all.iter().map(|span| &span.id).collect();
    assert_eq!(ids.len(), 5);
    assert_eq!(spans(&whole(None), "https://pulse/executions/1", Vec::new()), all, "the same again");
}

#[test]
fn the_callers_trace_goes_on_and_its_wish_counts() {
    let caller = TraceContext::parse(HEADER).unwrap();
    let all = spans(&whole(Some(caller.clone())), "", Vec::new());
    assert!(all.iter().all(|span| span.trace == caller.id) && all[0].parent == caller.parent);
    assert!(spans(&whole(Some(TraceContext { sampled: false, ..caller })), "", Vec::new()).is_empty());
    let mut open = whole(None);
    open.pop();
    assert!(spans(&open, "", Vec::new()).is_empty(), "it is not over");
    assert!(spans(&[], "", Vec::new()).is_empty());
}
