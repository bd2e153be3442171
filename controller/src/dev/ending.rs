//! What runs when a `dev` with a temporary folder ends: it is ended first, because shims outlive the agent, and these would be
//! left without the folder that they report to.

use crate::agents::AgentState;
use crate::clock;
use crate::engine::{Engine, EngineError};
use pulse_core::execution::CancelMode;
use pulse_protocol::AgentName;
use std::time::Duration;

/// How long commands may take: the usual `killGrace`, and a little more for what ends them.
const GRACE: Duration = Duration::from_secs(35);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Cancels every execution and waits until no command runs on the agent.
pub(super) async fn end_commands(engine: &Engine, agent: &AgentName) {
    if engine.fleet().lock().open_of(agent).is_empty() {
        return;
    }
    println!("\nEnding the commands that run …");
    if let Err(error) = cancel_all(engine).await {
        eprintln!("the executions cannot be cancelled: {error}");
        return;
    }
    let ended = async {
        let mut looks = tokio::time::interval(LOOK);
        while is_at_work(engine, agent) {
            looks.tick().await;
        }
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        eprintln!("some commands did not end within {} s and may still run", GRACE.as_secs());
    }
}

async fn cancel_all(engine: &Engine) -> Result<(), EngineError> {
    for open in engine.store().open_executions().await?.into_iter().flatten() {
        engine.cancel(open.id, CancelMode::Kill, "dev".to_owned(), "`pulse-controller dev` ends".to_owned()).await?;
    }
    Ok(())
}

/// An agent that is gone says no more what became of its attempts.
fn is_at_work(engine: &Engine, agent: &AgentName) -> bool {
    let open = !engine.fleet().lock().open_of(agent).is_empty();
    open && engine.fleet().get(agent, clock::now()).is_some_and(|status| status.state != AgentState::Offline)
}
