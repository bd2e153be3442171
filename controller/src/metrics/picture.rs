//! What is read when somebody asks: queues, agents, live definitions, and the database's open rows. The rows are asked for at most every few
//! seconds, however often somebody looks: the metrics may be open to everybody.

use super::{Gauges, Real, Register};
use crate::agents::AgentState;
use crate::clock;
use crate::engine::Engine;
use pulse_core::execution::PromptStatus;
use pulse_core::transition::WaitReason;
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::Instant;

/// How old what the database said may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long the database may take to answer; beyond it, what it said last is told again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gauges that are set when somebody asks.
pub(super) struct Pictures {
    queues: Gauges<1>,
    definitions: Gauges<1>,
    executions: Gauges<1>,
    waiting: Gauges<1>,
    attempts: Real,
    prompts: Real,
    agents: Gauges<1>,
    slots: Gauges<1>,
    connections: Gauges<2>,
    /// When the database was asked last.
    asked: tokio::sync::Mutex<Option<Instant>>,
}
fn real(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

fn set(gauges: &Gauges<1>, label: &'static str, value: &'static str, count: impl TryInto<u64>) {
    gauges.get_or_create(&[(label, Cow::Borrowed(value))]).set(real(count));
}

impl Pictures {
    pub(super) fn new(registry: &mut Register) -> Self {
        Self {
            queues: registry.gauges("pulse_queue_depth"),
            definitions: registry.gauges("pulse_live_definitions"),
            executions: registry.gauges("pulse_executions"),
            waiting: registry.gauges("pulse_executions_waiting"),
            attempts: registry.add("pulse_attempts_open", Real::default()),
            prompts: registry.add("pulse_prompts_open", Real::default()),
            agents: registry.gauges("pulse_agents"),
            slots: registry.gauges("pulse_agent_slots"),
            connections: registry.gauges("pulse_database_connections"),
            asked: tokio::sync::Mutex::default(),
        }
    }

    /// Looks. A controller that is not the active one says nothing of what another one does.
    pub(super) async fn take(&self, engine: Option<&Engine>) {
        let Some(engine) = engine else { return self.forget() };
        let (executions, schedules) = engine.depths();
        set(&self.queues, "queue", "executions", executions);
        set(&self.queues, "queue", "schedules", schedules);
        set(&self.queues, "queue", "writes", engine.store().writer().waiting());
        let (workflows, scheduled) = engine.live_counts();
        set(&self.definitions, "kind", "workflow", workflows);
        set(&self.definitions, "kind", "schedule", scheduled);
        let census = engine.fleet().lock().census(clock::now());
        for state in AgentState::ALL {
            set(&self.agents, "state", state.as_str(), census.agents.get(&state).copied().unwrap_or(0));
        }
        set(&self.slots, "state", "taken", census.slots_taken);
        set(&self.slots, "state", "free", census.slots.saturating_sub(census.slots_taken));
        self.attempts.set(real(census.attempts));
        for (pool, (all, idle)) in ["write", "read"].into_iter().zip(engine.store().connections()) {
            for (state, count) in [("idle", idle), ("busy", all.saturating_sub(idle))] {
                let labels = [("pool", Cow::Borrowed(pool)), ("state", Cow::Borrowed(state))];
                self.connections.get_or_create(&labels).set(f64::from(count));
            }
        }
        self.ask(engine).await;
    }

    fn forget(&self) {
        for gauges in [&self.queues, &self.definitions, &self.executions, &self.waiting, &self.agents, &self.slots] {
            gauges.clear();
        }
        self.connections.clear();
        self.attempts.set(0.0);
        self.prompts.set(0.0);
    }

    /// What only the database knows. Whoever asks meanwhile waits and is told the same.
    async fn ask(&self, engine: &Engine) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        *asked = Some(Instant::now());
        let counted = async {
            let open = engine.store().count_open().await?;
            Ok::<_, pulse_store::Error>((open, engine.store().count_prompts(PromptStatus::Open).await?))
        };
        let Ok(Ok((open, prompts))) = tokio::time::timeout(PATIENCE, counted).await else { return };
        let of = |status: &str| open.iter().filter(|row| row.status == status).map(|row| row.count).sum::<u64>();
        for status in ["pending", "running", "waiting"] {
            set(&self.executions, "status", status, of(status));
        }
        for reason in [WaitReason::Unknown, WaitReason::Person, WaitReason::Timer, WaitReason::Queue, WaitReason::Pause] {
            let count = open.iter().filter(|row| row.waits == Some(reason)).map(|row| row.count).sum::<u64>();
            set(&self.waiting, "reason", reason.as_str(), count);
        }
        self.prompts.set(real(prompts));
    }
}
