//! What happens, in readable words.

use crate::shared::short;
use pulse_core::execution::Event;
use pulse_protocol::{Observation, Observed, ToAgent, ToController};

/// An event in a few words.
pub fn event(event: &Event) -> String {
    match event {
        Event::Created(_) => "created".into(),
        Event::StepStarted { step, .. } => format!("step {step} started"),
        Event::StepEnded { step, status, .. } => format!("step {step} {status}"),
        Event::TargetEnded { target, verdict, .. } => format!("target {target} {verdict:?}"),
        Event::AttemptAssigned { attempt, target, .. } => format!("{} assigned to {target}", short(attempt.0)),
        Event::AttemptAccepted { attempt } => format!("{} accepted", short(attempt.0)),
        Event::AttemptStarted { attempt, .. } => format!("{} started", short(attempt.0)),
        Event::AttemptEnded { attempt, ended, .. } => format!("{} ended {:?}", short(attempt.0), ended.how),
        Event::AttemptLost { attempt, loss } => format!("{} lost ({loss:?})", short(attempt.0)),
        Event::AttemptResolved { attempt, outcome, .. } => format!("{} settled as {outcome:?}", short(attempt.0)),
        Event::EvidenceRecorded { attempt, ended } => format!("evidence of {}: {:?}", short(attempt.0), ended.how),
        Event::Ended { status, .. } => format!("ENDED {status:?}"),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

fn observation(said: &Observation) -> String {
    let word = match &said.observed {
        Observed::Accepted => "accepted".into(),
        Observed::Started { .. } => "started".into(),
        Observed::Ended(ended) => format!("{:?}", ended.how),
    };
    format!("{} {word}", short(said.attempt.0))
}

pub fn to_controller(message: &ToController) -> String {
    let listed = |said: &[Observation]| said.iter().map(observation).collect::<Vec<_>>().join(", ");
    match message {
        ToController::Identify(identify) => format!(
            "identify {} journal {} at {} [{}]",
            identify.name,
            short(identify.incarnation.0),
            identify.sequence,
            listed(&identify.observations)
        ),
        ToController::Report { epoch, observations, full, sequence } => {
            format!("{} of {} at {sequence} [{}]", if *full { "picture" } else { "report" }, epoch.0, listed(observations))
        }
        ToController::Output(chunk) => format!("output of {} at {}", short(chunk.attempt.0), chunk.offset),
        ToController::Hello { .. } => "hello".into(),
        ToController::Heartbeat { .. } => "heartbeat".into(),
        ToController::Pong { .. } => "pong".into(),
    }
}

pub fn to_agent(message: &ToAgent) -> String {
    let ids = |ids: &[pulse_protocol::AttemptId]| ids.iter().map(|id| short(id.0)).collect::<Vec<_>>().join(" ");
    match message {
        ToAgent::Assign { epoch, assignments, full } => {
            let wanted = assignments.iter().map(|wanted| format!("{} {:?}", short(wanted.attempt.0), wanted.desired));
            format!("{} of {} [{}]", if *full { "picture" } else { "assign" }, epoch.0, wanted.collect::<Vec<_>>().join(", "))
        }
        ToAgent::Acknowledge { ended, forget, output, .. } => {
            let stored: Vec<String> = output.iter().map(|(id, at)| format!("{}={}", short(id.0), at.stdout)).collect();
            format!("acknowledge [{}] forget [{}] stored [{}]", ids(ended), ids(forget), stored.join(" "))
        }
        ToAgent::Welcome { epoch, .. } => format!("welcome to {}", epoch.0),
        ToAgent::Refused { code, .. } => format!("refused: {code}"),
        ToAgent::Challenge { .. } => "challenge".into(),
        ToAgent::Ping { .. } => "ping".into(),
    }
}
