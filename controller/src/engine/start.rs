//! Starting an execution: everything is checked and resolved first; then its creation, its first step and the assignments that
//! fit are one commit, and only after that anything is sent.

use super::commit::Birth;
use super::detached::to_the_end;
use super::drive::{fresh_attempt, object, standing};
use super::live::{Live, LiveWorkflow};
use super::{Engine, EngineError, StartError};
use crate::agents::FleetState;
use crate::audit::Handed;
use crate::clock;
use crd_schemas::manifest::{ConcurrencyPolicy, Param, ParamType, Targets};
use pulse_core::decide::{Pass, Presence, World};
use pulse_core::definitions::{ParamError, Params, Program, Snapshot};
use pulse_core::execution::{Carried, ClaimKey, Created, Event, EventRecord, Execution, Selection, Summary, Trigger};
use pulse_core::schedule::Fire;
use pulse_core::selector::{Inventory, resolve, with_params};
use pulse_core::trace::TraceContext;
use pulse_core::values::Context;
use pulse_protocol::{AgentName, ExecutionId};
use pulse_store::{Advance, IdempotencyRow, WriteError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Commits tried before a start is given up: each lost one names what was taken, so few are ever needed.
const TRIES: usize = 64;

/// A request to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Which workflow.
    pub workflow: String,
    /// Its source; may be left out where only one source has a workflow of the name.
    pub source: Option<String>,
    /// Parameters as they came.
    pub params: BTreeMap<String, serde_json::Value>,
    /// A selector that narrows every step.
    pub limit: Option<String>,
    /// What starts it.
    pub trigger: Trigger,
    /// The request's idempotency key.
    pub idempotency: Option<Idempotency>,
    /// What the audit log says of it, where a person asked.
    pub audit: Option<Handed>,
    /// The caller's trace, where the caller has one.
    pub trace: Option<TraceContext>,
}

/// A request's idempotency key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// Digest of the request's body.
    pub body_digest: String,
}

/// What a start answers.
#[derive(Debug, Clone)]
pub struct Started {
    /// The execution.
    pub id: ExecutionId,
    /// Its number.
    pub number: i64,
    /// Its workflow.
    pub workflow: String,
    /// The workflow's source.
    pub source: String,
    /// The word for its state.
    pub status: String,
    /// Commit it is pinned to.
    pub commit: String,
    /// The same request came before; this is what it started then.
    pub replayed: bool,
}

impl Started {
    fn of(row: Summary, replayed: bool) -> Self {
        let Summary { id, number, workflow, source, status, commit, .. } = row;
        Self { id, number, workflow, source, status: status.to_string(), commit, replayed }
    }
}

/// A slot that fires, and the step of its schedule without the slot's own record.
#[derive(Debug, Clone)]
pub(super) struct Firing {
    pub(super) fire: Fire,
    pub(super) step: Advance,
}

impl Firing {
    /// The whole step, with what the slot starts.
    fn advance(&self, execution: ExecutionId) -> Advance {
        let mut step = self.step.clone();
        step.settled.push(self.fire.fired(execution));
        step
    }
}

/// The next number of each workflow; a hint that spares lost commits, the unique key decides.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<HashMap<(String, String), i64>>);

/// Everything that is settled before an id is given.
pub(super) struct Prepared {
    /// Source and name of the workflow.
    pub(super) workflow: (String, String),
    pub(super) commit: String,
    pub(super) program: Arc<Program>,
    /// Digest and body.
    pub(super) snapshot: (String, Arc<str>),
    pub(super) params: BTreeMap<String, String>,
    pub(super) selections: Vec<Selection>,
    /// Which parameters were given; `None` where nobody noted it.
    pub(super) given: Option<BTreeSet<String>>,
    /// The selector that narrowed them.
    pub(super) limit: Option<String>,
    /// The execution that it repeats, and what it takes over from it.
    pub(super) repeats: Option<(ExecutionId, Option<Box<Carried>>)>,
}

impl Engine {
    /// Starts an execution.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        if let Some(started) = self.replay(&request).await? {
            return Ok(started);
        }
        let prepared = self.prepare(&request)?;
        self.launch(prepared, request, None).await
    }

    /// The first commit of an execution, and what follows from it. `firing` is the slot that it is of. Both go on though the caller
    /// does not wait: what is taken in memory is given back only after the commit's answer.
    pub(super) async fn launch(
        &self,
        prepared: Prepared,
        request: StartRequest,
        firing: Option<Firing>,
    ) -> Result<Started, StartError> {
        let engine = self.clone();
        to_the_end(async move { engine.begin(&prepared, &request, firing.as_ref()).await }).await
    }

    async fn begin(&self, prepared: &Prepared, request: &StartRequest, firing: Option<&Firing>) -> Result<Started, StartError> {
        for _ in 0..TRIES {
            let number = self.next_number(&prepared.workflow).await?;
            let id = ExecutionId(Uuid::now_v7());
            let (execution, done) = self.first_pass(prepared, request, id, number)?;
            let (snapshot, idempotency) = (Some(prepared.snapshot.clone()), key_row(request, id));
            let birth = Birth { snapshot, idempotency, advance: firing.map(|firing| firing.advance(id)) };
            let audit = request.audit.as_ref().map(|handed| handed.row(object(id), None, Some(standing(&execution))));
            let Err(error) = self.commit(&execution, &done, birth, audit.into_iter().collect()).await else {
                request.audit.iter().for_each(Handed::written);
                let (status, commit) = (execution.status.as_str().to_owned(), execution.created.commit.clone());
                let wake = done.rest.wake_at;
                self.inner.hot.insert(execution.clone());
                self.follow(&execution, &done);
                if let Some(at) = wake {
                    self.inner.queue.add_at(id, super::commit::instant(at, clock::now()));
                }
                // Whatever was freed or connected between the decision and the watch is seen by one more look.
                self.inner.queue.add(id);
                let (source, workflow) = prepared.workflow.clone();
                tracing::debug!(execution = %id, workflow, number, "started");
                return Ok(Started { id, number, workflow, source, status, commit, replayed: false });
            };
            let freed = self.inner.fleet.lock().free(id, &done.take);
            self.freed(freed);
            if !matches!(&error, WriteError::ClaimTaken { key, .. } if key.starts_with("slot/")) {
                // The number was not used: the next start asks again which one is free, so that refusals leave no gaps.
                self.inner.numbers.forget(&prepared.workflow);
            }
            match error {
                WriteError::NumberTaken { .. } => {}
                WriteError::IdempotencyTaken { .. } => {
                    return self.replay(request).await?.ok_or(StartError::IdempotencyMismatch);
                }
                WriteError::ClaimTaken { key, holder }
                    if key.starts_with("workflow/") && prepared.program.concurrency == ConcurrencyPolicy::Forbid =>
                {
                    return Err(self.forbidden(holder).await);
                }
                WriteError::ClaimTaken { key, holder } => self.believe_claim(&key, holder).await?,
                WriteError::Unclear { .. } => {
                    request.audit.iter().for_each(Handed::unclear);
                    let started = self.look_whether(id, error).await?;
                    request.audit.iter().for_each(Handed::written);
                    return Ok(started);
                }
                error => return Err(StartError::Engine(error.into())),
            }
        }
        Err(StartError::Engine(EngineError::Contended))
    }

    /// The answer to a commit was lost: the key says whether it happened.
    async fn look_whether(&self, id: ExecutionId, error: WriteError) -> Result<Started, StartError> {
        let Some(row) = self.inner.store.execution(id).await? else { return Err(StartError::Engine(error.into())) };
        self.wake(id);
        Ok(Started::of(row, false))
    }

    /// What an equal request has started before.
    pub async fn replay(&self, request: &StartRequest) -> Result<Option<Started>, StartError> {
        let Some(idempotency) = &request.idempotency else { return Ok(None) };
        let Some(row) = self.inner.store.idempotency(&request.trigger.by, &idempotency.key).await? else { return Ok(None) };
        if row.body_digest != idempotency.body_digest {
            return Err(StartError::IdempotencyMismatch);
        }
        let summary = self.inner.store.execution(row.execution).await?;
        Ok(summary.map(|summary| Started::of(summary, true)))
    }

    pub(super) fn prepare(&self, request: &StartRequest) -> Result<Prepared, StartError> {
        let live = self.live();
        self.prepare_workflow(&live, live.workflow(&request.workflow, request.source.as_deref())?, request)
    }

    /// The same for a workflow that is known.
    pub(super) fn prepare_workflow(
        &self,
        live: &Live,
        workflow: &Arc<LiveWorkflow>,
        request: &StartRequest,
    ) -> Result<Prepared, StartError> {
        let commit = live.commit(workflow).to_owned();
        let declared = &workflow.manifest.spec.params;
        let params = Params::resolve(declared, request.params.clone()).map_err(StartError::Params)?;
        self.check_agents(declared, &params)?;
        let name = request.workflow.clone();
        let sealed = self.inner.seals.of(live, workflow, |digest, snapshot| self.inner.hot.program(digest, snapshot));
        let sealed = sealed.map_err(|fault| StartError::Uncompilable { workflow: name.clone(), fault })?;
        let selections = self.select(&sealed.program, &sealed.snapshot, &params, request.limit.as_deref())?;
        let (workflow, limit) = ((workflow.source.clone(), name), request.limit.clone());
        let given = Some(request.params.keys().cloned().collect());
        let (program, snapshot) = (Arc::clone(&sealed.program), (sealed.digest.clone(), Arc::clone(&sealed.body)));
        Ok(Prepared { workflow, commit, program, snapshot, params, given, selections, limit, repeats: None })
    }

    /// A parameter of type `agent` names one that is enrolled.
    fn check_agents(&self, declared: &[Param], params: &BTreeMap<String, String>) -> Result<(), StartError> {
        let fleet = self.inner.fleet.lock();
        let known = |name: &str| {
            let view = name.parse().ok().and_then(|name: AgentName| fleet.agent(&name).map(|view| view.presence.clone()));
            view.is_some_and(|presence| presence != Presence::Revoked)
        };
        let agents = declared.iter().filter(|param| param.kind == ParamType::Agent);
        let unknown = agents.filter_map(|param| Some((param, params.get(&param.name)?))).filter(|(_, value)| !known(value));
        let error = |(param, value): (&Param, &String)| ParamError {
            name: param.name.clone(),
            message: format!("no agent is named `{value}`; see `pulse get agents`"),
        };
        let errors: Vec<ParamError> = unknown.map(error).collect();
        if errors.is_empty() { Ok(()) } else { Err(StartError::Params(errors)) }
    }

    /// Resolves each selection once.
    fn select(
        &self,
        program: &Program,
        snapshot: &Snapshot,
        params: &BTreeMap<String, String>,
        limit: Option<&str>,
    ) -> Result<Vec<Selection>, StartError> {
        let fleet = self.inner.fleet.lock();
        let inventory = Inventory { agents: &*fleet, groups: &snapshot.groups };
        let mut selections: Vec<Selection> = Vec::new();
        for step in &program.steps {
            let Some(Targets::Items(items)) = step.execute().map(|spec| &spec.targets) else { continue };
            if selections.iter().any(|known| known.items == *items) {
                continue;
            }
            let named = with_params(items, params, &inventory);
            let agents = named
                .and_then(|named| resolve(&named, limit, &inventory))
                .map_err(|error| StartError::Targets { step: step.spec.id.clone(), error })?;
            selections.push(Selection { items: items.clone(), agents });
        }
        Ok(selections)
    }

    /// The execution right after its first event, not yet committed.
    pub(super) fn unstarted(
        &self,
        prepared: &Prepared,
        request: &StartRequest,
        id: ExecutionId,
        number: i64,
    ) -> Result<(Execution, EventRecord), StartError> {
        let (source, workflow) = prepared.workflow.clone();
        let (retry_of, carried) = prepared.repeats.clone().map_or((None, None), |(of, carried)| (Some(of), carried));
        let created = Created {
            id,
            workflow,
            number,
            source,
            commit: prepared.commit.clone(),
            snapshot: prepared.snapshot.0.clone(),
            params: prepared.params.clone(),
            given: prepared.given.clone(),
            selections: prepared.selections.clone(),
            limit: prepared.limit.clone(),
            trigger: request.trigger.clone(),
            concurrency_key: prepared.concurrency_key()?,
            queue_place: None,
            retry_of,
            carried,
            trace: request.trace.clone().or_else(|| self.tracer().is_on().then(|| TraceContext::of(id))),
        };
        let first = EventRecord { seq: 1, at: clock::now(), event: Event::Created(Box::new(created)) };
        let execution = Execution::begin(Arc::clone(&prepared.program), &first);
        let execution = execution.map_err(|fault| StartError::Engine(EngineError::history(id, &fault)))?;
        Ok((execution, first))
    }

    fn first_pass(
        &self,
        prepared: &Prepared,
        request: &StartRequest,
        id: ExecutionId,
        number: i64,
    ) -> Result<(Execution, Pass), StartError> {
        let (unplaced, first) = self.unstarted(prepared, request, id, number)?;
        self.forgive_after_trouble();
        let mut fleet = self.inner.fleet.lock();
        let (mut execution, first) = placed(&fleet, unplaced, first)?;
        let decided = fleet.begin(&mut execution, first, clock::now(), &mut fresh_attempt);
        let done = decided.map_err(|fault| StartError::Engine(EngineError::history(id, &fault)))?;
        drop(fleet);
        Ok((execution, done))
    }

    async fn next_number(&self, workflow: &(String, String)) -> Result<i64, StartError> {
        if let Some(number) = self.inner.numbers.take(workflow) {
            return Ok(number);
        }
        let hint = self.inner.store.next_number(&workflow.0, &workflow.1).await?;
        Ok(self.inner.numbers.begin(workflow.clone(), hint))
    }

    async fn forbidden(&self, running: ExecutionId) -> StartError {
        let summary = self.inner.store.execution(running).await.ok().flatten();
        let name = summary.map_or_else(|| running.to_string(), |row| format!("{}#{}", row.workflow, row.number));
        StartError::Forbidden { running, name }
    }
}

impl Prepared {
    /// The value of the workflow's concurrency key: only executions with the same one exclude each other.
    fn concurrency_key(&self) -> Result<Option<String>, StartError> {
        let Some(key) = &self.program.concurrency_key else { return Ok(None) };
        let values = Context { params: self.params.clone(), ..Context::default() };
        key.render(&values).map(Some).map_err(|error| StartError::Key(error.to_string()))
    }
}

/// The execution with a place in its workflow's queue, where it has one.
fn placed(fleet: &FleetState, execution: Execution, first: EventRecord) -> Result<(Execution, EventRecord), StartError> {
    if execution.program.concurrency != ConcurrencyPolicy::Queue {
        return Ok((execution, first));
    }
    let most = execution.program.max_queued;
    let place = fleet.free_place(&ClaimKey::workflow(&execution.created), most);
    let place = place.ok_or_else(|| StartError::QueueFull { workflow: execution.created.workflow.clone(), most })?;
    let id = execution.id();
    let created = Created { queue_place: Some(place), ..execution.created };
    let first = EventRecord { event: Event::Created(Box::new(created)), ..first };
    let begun = Execution::begin(execution.program, &first);
    Ok((begun.map_err(|fault| StartError::Engine(EngineError::history(id, &fault)))?, first))
}

impl Numbers {
    fn take(&self, key: &(String, String)) -> Option<i64> {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = numbers.get_mut(key)?;
        *next += 1;
        Some(*next - 1)
    }

    fn begin(&self, key: (String, String), hint: i64) -> i64 {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = numbers.entry(key).or_insert(hint);
        *next += 1;
        *next - 1
    }

    fn forget(&self, workflow: &(String, String)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(workflow);
    }
}

fn key_row(request: &StartRequest, execution: ExecutionId) -> Option<IdempotencyRow> {
    request.idempotency.as_ref().map(|idempotency| IdempotencyRow {
        principal: request.trigger.by.clone(),
        key: idempotency.key.clone(),
        body_digest: idempotency.body_digest.clone(),
        execution,
        created_at: clock::now(),
    })
}
