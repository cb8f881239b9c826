//! World `enricher`: one instance for the batches of one job, or several, which treat them side by side.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::try_join_all;
use halle_extensions::grants::Limits;
use halle_extensions::host::{Call, Enriched, Enricher};
use halle_extensions::metering::Subject;
use halle_extensions::{Field, PluginError, PluginResult};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::admit::Ready;
use crate::bindings::enricher::Enricher as World;
use crate::bindings::enricher::exports::halle::enricher::enrichment::Planned;
use crate::bindings::shared::halle::base::types as wit;
use crate::columns;
use crate::convert::{fields_from_wit, fields_to_wit, one_line, row_problems_from_wit};
use crate::guest::Guest;
use crate::host::{Inner, finish, wrong_kind};
use crate::limits::{bad_answer, within};
use crate::weigh::Weigh;

/// Columns that an enricher may need, and that it may add.
const COLUMNS_MAX: usize = 64;

/// How long an enrichment takes by itself before it is given more sessions: where one does, none is opened in vain.
const ALONE_MS: u64 = 200;

/// An enrichment in progress.
struct WasmEnricher {
    inner: Arc<Inner>,
    /// Sessions that treat batches side by side: one, and more while there are places for guests and work for them.
    lanes: Vec<Lane>,
    /// Whether no session is opened any more.
    is_closed: bool,
    /// What batches took so far.
    worked: Duration,
    call: Call,
    offered: Vec<Field>,
    inputs: Arc<[Field]>,
    outputs: Arc<[Field]>,
}

/// A session, and who has its batches treated.
struct Lane {
    inner: Arc<Inner>,
    /// The instance; gone once it was stopped.
    live: Option<Box<Live>>,
    inputs: Arc<[Field]>,
    outputs: Arc<[Field]>,
    limits: Limits,
    subject: Arc<Subject>,
}

struct Live {
    store: Store<Guest>,
    world: World,
    session: ResourceAny,
    /// Given back last: after the store, which is what takes the place.
    _place: OwnedSemaphorePermit,
}

/// Opens an enrichment: the plugin plans, then opens its session.
pub async fn open(inner: &Arc<Inner>, call: Call, input: &[Field]) -> PluginResult<Box<dyn Enricher>> {
    call.plugin.granted()?;
    inner.metering.allow(&call.subject).await?;
    let ready = inner.ready(&call.plugin).await?;
    let place = inner.place(call.plugin.manifest.plugin.kind).await?;
    // Those who had the place before may have used up what was left.
    inner.metering.allow(&call.subject).await?;
    let lane = Lane::open(inner, call.clone(), input, (ready, place)).await?;
    let (inputs, outputs) = (Arc::clone(&lane.inputs), Arc::clone(&lane.outputs));
    Ok(Box::new(WasmEnricher {
        inner: Arc::clone(inner),
        lanes: vec![lane],
        is_closed: false,
        worked: Duration::ZERO,
        call,
        offered: input.to_vec(),
        inputs,
        outputs,
    }))
}

type Opened = (World, ResourceAny, Vec<Field>, Vec<Field>);

async fn plan_and_open(
    store: &mut Store<Guest>,
    ready: &Ready,
    offered: &[Field],
) -> wasmtime::Result<Result<Opened, wit::Problem>> {
    let Ready::Enricher(pre) = ready else { return wrong_kind() };
    let config = store.data().call.config.to_string();
    let fields = fields_to_wit(offered);
    store.data_mut().gave(config.weight() + fields.weight());
    let world = pre.instantiate_async(&mut *store).await?;
    let enrichment = world.halle_enricher_enrichment();
    let planned = match enrichment.call_plan(&mut *store, &fields, &config).await? {
        Ok(planned) => planned,
        Err(problem) => return Ok(Err(problem)),
    };
    store.data_mut().took(planned.outputs.weight());
    let (inputs, outputs) = check_plan(planned, offered)?;
    let fields = fields_to_wit(&inputs);
    store.data_mut().gave(config.weight() + fields.weight());
    match enrichment.session().call_open(&mut *store, &fields, &config).await? {
        Ok(session) => Ok(Ok((world, session, inputs, outputs))),
        Err(problem) => Ok(Err(problem)),
    }
}

/// The planned fields: inputs out of those offered, outputs with sound keys.
fn check_plan(planned: Planned, offered: &[Field]) -> wasmtime::Result<(Vec<Field>, Vec<Field>)> {
    if planned.inputs.len() > COLUMNS_MAX {
        return Err(bad_answer(format!("the plan needs more than {COLUMNS_MAX} columns")));
    }
    let mut inputs: Vec<Field> = Vec::with_capacity(planned.inputs.len());
    for key in &planned.inputs {
        let field = offered.iter().find(|field| field.key == *key);
        let field = field.ok_or_else(|| {
            bad_answer(format!("the plan needs `{}`, which was not offered", one_line(key, 100)))
        })?;
        if inputs.iter().any(|known| known.key == *key) {
            return Err(bad_answer(format!("the plan needs `{key}` twice")));
        }
        inputs.push(field.clone());
    }
    let outputs = fields_from_wit(planned.outputs, COLUMNS_MAX, "the plan")?;
    Ok((inputs, outputs))
}

impl Lane {
    /// Opens a session on a fresh instance of the plugin, in this place.
    async fn open(
        inner: &Arc<Inner>,
        call: Call,
        offered: &[Field],
        (ready, place): (Arc<Ready>, OwnedSemaphorePermit),
    ) -> PluginResult<Self> {
        let (limits, subject) = (call.plugin.limits, Arc::clone(&call.subject));
        let store = inner.store(call, limits)?;
        let offered = offered.to_vec();
        let opening = async move {
            // In this order, so that the place is given back after what was in it.
            let place = place;
            let mut store = store;
            let (meter, cancel) = (Arc::clone(&store.data().meter), store.data().call.cancel.clone());
            store.data_mut().begin();
            let opened = within(plan_and_open(&mut store, &ready, &offered), &meter, &limits, &cancel).await;
            let (world, session, inputs, outputs) = finish(&mut store, opened)?;
            Ok::<_, PluginError>((Box::new(Live { store, world, session, _place: place }), inputs, outputs))
        };
        let (live, inputs, outputs) = inner.on_guest_threads(opening).await??;
        let (inputs, outputs) = (inputs.into(), outputs.into());
        Ok(Self { inner: Arc::clone(inner), live: Some(live), inputs, outputs, limits, subject })
    }

    /// One part of a batch. An instance that was stopped is not used again.
    async fn part(&mut self, rows: RecordBatch) -> PluginResult<Enriched> {
        let stopped =
            || PluginError::Unavailable("the enrichment was stopped by an earlier batch".to_owned());
        self.inner.metering.allow(&self.subject).await?;
        let mut live = self.live.take().ok_or_else(stopped)?;
        let (limits, inputs, outputs) = (self.limits, Arc::clone(&self.inputs), Arc::clone(&self.outputs));
        // Columns are copied on the threads of guests, too: those of the platform have other work.
        let running = async move {
            let batch = match columns::to_wit(&rows, &inputs) {
                Ok(batch) => batch,
                Err(error) => {
                    let text = format!("the rows do not fit the plan: {error}");
                    return (Err(PluginError::Unavailable(text)), live);
                }
            };
            let store = &mut live.store;
            store.data_mut().begin();
            store.data_mut().gave(batch.weight());
            let (meter, cancel) = (Arc::clone(&store.data().meter), store.data().call.cancel.clone());
            let run = async {
                let session = live.world.halle_enricher_enrichment().session();
                match session.call_run(&mut *store, live.session, &batch).await? {
                    Ok(answer) => {
                        store.data_mut().took(answer.columns.weight());
                        let columns = columns::from_wit(answer.columns, &outputs, Some(rows.num_rows()))
                            .map_err(bad_answer)?;
                        let problems = row_problems_from_wit(answer.problems, rows.num_rows())?;
                        Ok(Ok(Enriched { columns, problems }))
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            };
            let result = within(run, &meter, &limits, &cancel).await;
            let result = finish(&mut live.store, result);
            (result, live)
        };
        let (result, live) = self.inner.on_guest_threads(running).await?;
        if result.is_ok() {
            self.live = Some(live);
        }
        result
    }

    /// A batch, in as many parts as may cross.
    async fn run(&mut self, rows: RecordBatch) -> PluginResult<Enriched> {
        let mut columns = Vec::new();
        let mut problems = Vec::new();
        for (start, length) in columns::parts(&rows) {
            let part = self.part(rows.slice(start, length)).await?;
            columns.push(part.columns);
            // A batch never has more rows than fit into 32 bits.
            let start = u32::try_from(start).unwrap_or(u32::MAX);
            problems
                .extend(part.problems.into_iter().map(|(row, problem)| (row.saturating_add(start), problem)));
        }
        let columns = match columns.len() {
            1 => columns.swap_remove(0),
            _ => concat_batches(&columns::schema(&self.outputs), &columns).map_err(|error| {
                PluginError::Unavailable(format!("the parts do not fit together: {error}"))
            })?,
        };
        Ok(Enriched { columns, problems })
    }

    /// Treats batches until there are none left; their places among them, and what they were answered.
    async fn drain(&mut self, batches: &Mutex<Batches>) -> PluginResult<Vec<(usize, Enriched)>> {
        let next = || batches.lock().unwrap_or_else(PoisonError::into_inner).next();
        let mut answers = Vec::new();
        while let Some((at, rows)) = next() {
            answers.push((at, self.run(rows).await?));
        }
        Ok(answers)
    }
}

/// Batches that nobody treats yet, with their places among all.
type Batches = std::iter::Enumerate<std::vec::IntoIter<RecordBatch>>;

impl WasmEnricher {
    /// Opens sessions, so that up to `wanted` batches are treated side by side. What keeps one from being opened is no failure:
    /// those that there are do the work.
    async fn widen(&mut self, wanted: usize) {
        let wanted = wanted.min(self.inner.threads);
        while self.lanes.len() < wanted && self.worked >= Duration::from_millis(ALONE_MS) && !self.is_closed {
            let Some(place) = self.inner.spare_place() else { return };
            let opened = match self.inner.ready(&self.call.plugin).await {
                Ok(ready) => Lane::open(&self.inner, self.call.clone(), &self.offered, (ready, place)).await,
                Err(error) => Err(error),
            };
            // A plugin that plans otherwise the second time has one session, as all that cannot have another.
            let same = |lane: &Lane| lane.inputs == self.inputs && lane.outputs == self.outputs;
            let lane = opened.ok().filter(same);
            self.is_closed = lane.is_none();
            self.lanes.extend(lane);
        }
    }
}

#[async_trait]
impl Enricher for WasmEnricher {
    fn inputs(&self) -> &[Field] {
        &self.inputs
    }

    fn outputs(&self) -> &[Field] {
        &self.outputs
    }

    async fn run(&mut self, rows: RecordBatch) -> PluginResult<Enriched> {
        let started = Instant::now();
        let answer = self.lanes[0].run(rows).await;
        self.worked += started.elapsed();
        answer
    }

    async fn run_all(&mut self, batches: Vec<RecordBatch>) -> PluginResult<Vec<Enriched>> {
        self.widen(batches.len()).await;
        let started = Instant::now();
        let batches = Mutex::new(batches.into_iter().enumerate());
        let lanes = self.lanes.iter_mut().map(|lane| lane.drain(&batches));
        let answered = try_join_all(lanes).await;
        if answered.is_err() {
            // Whatever the other sessions had begun is not treated.
            self.lanes.iter_mut().for_each(|lane| lane.live = None);
        }
        let mut answers: Vec<_> = answered?.into_iter().flatten().collect();
        self.worked += started.elapsed();
        answers.sort_unstable_by_key(|(at, _)| *at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}
