//! The writer of output: one task, batches of what waits, answered after the commit with how far the stream is stored.

use super::trim::{Block, Reach, take_in};
use super::{HEAD, MAX_PIECE, TAIL};
use crate::Error;
use crate::columns::Word;
use crate::dialect::UPSERT_OUTPUT_STATE;
use crate::open::Database;
use crate::rows::{Columns, FromRow, list};
use crate::sql::{MAX_ROWS, Query, Shape, built, chunks, query, repeat};
use crate::transact::look_again;
use pulse_protocol::AttemptId;
use pulse_protocol::failpoint::Act;
use pulse_protocol::message::Stream;
use sqlx::AnyConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// A piece of one stream, as it comes from an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPiece {
    /// Whose output. The caller has made sure that the attempt is the agent's.
    pub attempt: AttemptId,
    /// Which stream.
    pub stream: Stream,
    /// Bytes of the stream before this piece.
    pub offset: u64,
    /// Bytes directly before this piece that nobody has any more.
    pub cut: u64,
    /// At most [`MAX_PIECE`] bytes.
    pub bytes: Vec<u8>,
}

/// Why a piece was not stored. The agent still has it and sends it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// It is too large or too far away.
    #[error("output piece of {length} bytes at offset {offset}: at most {MAX_PIECE} bytes, below offset 2^63")]
    Invalid {
        /// Its offset.
        offset: u64,
        /// Its length.
        length: usize,
    },
    /// The database said no, or is away.
    #[error("database: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

/// Pieces that may wait: 64 MiB at most.
const QUEUE: usize = 4 * MAX_ROWS;

/// Bytes of one batch, so that it stays below any engine's largest packet.
const BATCH_BYTES: usize = 4 << 20;

type Key = (AttemptId, Stream);

#[derive(Debug)]
struct Pending {
    piece: OutputPiece,
    answer: oneshot::Sender<Result<u64, OutputError>>,
}

/// Hands pieces to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OutputWriter {
    queue: mpsc::Sender<Pending>,
    /// Its sender lives as long as the task.
    done: watch::Receiver<()>,
}

impl OutputWriter {
    pub(crate) fn start(database: Arc<Database>, stopped: watch::Receiver<bool>) -> Self {
        let (queue, pieces) = mpsc::channel(QUEUE);
        let (alive, done) = watch::channel(());
        tokio::spawn(run(database, pieces, stopped, alive));
        Self { queue, done }
    }

    /// Stores a piece and answers, once it is durable, how far its stream is stored: the agent goes on from there. That is not as far as
    /// the piece where what comes before it has not come.
    pub async fn submit(&self, piece: OutputPiece) -> Result<u64, OutputError> {
        let end = piece.offset.checked_add(piece.bytes.len() as u64).and_then(|end| i64::try_from(end).ok());
        if piece.bytes.len() > MAX_PIECE || end.is_none() {
            return Err(OutputError::Invalid { offset: piece.offset, length: piece.bytes.len() });
        }
        let (answer, answered) = oneshot::channel();
        self.queue.send(Pending { piece, answer }).await.map_err(|_| OutputError::Closed)?;
        answered.await.unwrap_or(Err(OutputError::Closed))
    }

    /// Waits until the writer has ended.
    pub(crate) async fn ended(&self) {
        let mut done = self.done.clone();
        while done.changed().await.is_ok() {}
    }
}

async fn run(
    database: Arc<Database>,
    mut pieces: mpsc::Receiver<Pending>,
    mut stopped: watch::Receiver<bool>,
    _done: watch::Sender<()>,
) {
    loop {
        let first = tokio::select! {
            biased;
            first = pieces.recv() => first,
            _ = stopped.wait_for(|stop| *stop), if !pieces.is_closed() => {
                pieces.close();
                continue;
            }
        };
        let Some(first) = first else { return };
        let mut size = first.piece.bytes.len();
        let mut batch = vec![first];
        while batch.len() < MAX_ROWS
            && size + MAX_PIECE <= BATCH_BYTES
            && let Ok(next) = pieces.try_recv()
        {
            size += next.piece.bytes.len();
            batch.push(next);
        }
        let pieces: Vec<&OutputPiece> = batch.iter().map(|pending| &pending.piece).collect();
        let stored = store(&database, &pieces).await.map_err(|error| OutputError::Database { reason: error.to_string() });
        for Pending { piece, answer } in batch {
            let reach = stored.clone().map(|stored| stored.get(&(piece.attempt, piece.stream)).copied().unwrap_or(0));
            // A session that has gone needs no answer.
            drop(answer.send(reach));
        }
    }
}

/// Stores pieces in one transaction and answers how far each stream is stored then. Pieces that are stored already change
/// nothing, so that another try finds out by itself whether the one before happened.
async fn store(database: &Database, pieces: &[&OutputPiece]) -> Result<BTreeMap<Key, u64>, Error> {
    let keys: &Vec<Key> =
        &pieces.iter().map(|piece| (piece.attempt, piece.stream)).collect::<BTreeSet<_>>().into_iter().collect();
    database
        .transact(
            Act::Output,
            |connection, _| {
                Box::pin(async move {
                    let mut streams = reaches(database, connection, keys).await?;
                    for piece in pieces {
                        let (reach, blocks) = streams.entry((piece.attempt, piece.stream)).or_default();
                        take_in(reach, blocks, piece);
                    }
                    write(database, connection, &mut streams).await?;
                    Ok::<_, Error>(streams.into_iter().map(|(key, (reach, _))| (key, reach.stored.unsigned_abs())).collect())
                })
            },
            look_again,
        )
        .await
}

/// Writes what the streams have got that is new.
async fn write(database: &Database, connection: &mut AnyConnection, streams: &mut Streams) -> Result<(), Error> {
    let changed: Vec<Key> = streams.iter().filter(|(_, (_, blocks))| !blocks.is_empty()).map(|(key, _)| *key).collect();
    insert_blocks(connection, streams).await?;
    for key in &changed {
        if let Some((reach, _)) = streams.get_mut(key) {
            reach.cut += prune(connection, *key, reach.stored).await?;
        }
    }
    Ok(update_reaches(database, connection, &changed, streams).await?)
}

type Streams = BTreeMap<Key, (Reach, Vec<Block>)>;

struct State {
    key: Key,
    reach: Reach,
}

impl FromRow for State {
    const TABLE: &'static str = "output_state";
    fn key(row: &Columns<'_>) -> Option<String> {
        Some(format!("{}/{}", row.text("attempt")?, row.text("stream")?))
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        let stream = Stream::from_word(&row.get::<String>("stream")?).map_err(|error| error.to_string())?;
        let reach = Reach { stored: row.get("stored")?, cut: row.get("cut")? };
        Ok(Self { key: (row.parsed("attempt")?, stream), reach })
    }
}

async fn reaches(database: &Database, connection: &mut AnyConnection, keys: &[Key]) -> Result<Streams, Error> {
    let mut streams = Streams::new();
    for chunk in chunks(keys) {
        let wanted = repeat("(attempt = ? AND stream = ?)", " OR ", chunk.len());
        let end = database.ground.dialect.for_update();
        let select = built(format!("SELECT attempt, stream, stored, cut FROM output_state WHERE {wanted} {end}"));
        let select = chunk.iter().fold(select, |select, key| select.bind(key.0.to_string()).bind(key.1.word()));
        for row in list::<State>(connection, select).await? {
            let State { key, reach } = row?;
            streams.insert(key, (reach, Vec::new()));
        }
    }
    Ok(streams)
}

async fn insert_blocks(connection: &mut AnyConnection, streams: &Streams) -> Result<(), sqlx::Error> {
    let shape = Shape::insert("INSERT INTO output (attempt, stream, start_offset, end_offset, bytes) VALUES", "(?,?,?,?,?)");
    let rows: Vec<_> = streams.iter().flat_map(|(key, (_, blocks))| blocks.iter().map(move |block| (key, block))).collect();
    let bind = |query: Query, (key, block): &(&Key, &Block)| {
        let query = query.bind(key.0.to_string()).bind(key.1.word()).bind(block.start).bind(block.end());
        query.bind(block.bytes.clone())
    };
    shape.run(connection, &rows, bind).await?;
    Ok(())
}

struct Span(i64);

impl FromRow for Span {
    const TABLE: &'static str = "output";
    fn key(_: &Columns<'_>) -> Option<String> {
        None
    }
    fn read(row: &Columns<'_>) -> Result<Self, String> {
        Ok(Self(row.get::<i64>("end_offset")? - row.get::<i64>("start_offset")?))
    }
}

/// Deletes the pieces that lie wholly between the head and the tail; answers how many bytes they were.
async fn prune(connection: &mut AnyConnection, key: Key, stored: i64) -> Result<i64, Error> {
    let floor = stored.saturating_sub(TAIL as i64);
    if floor <= HEAD as i64 {
        return Ok(0);
    }
    let delete = query(
        "DELETE FROM output WHERE attempt = ? AND stream = ? AND start_offset >= ? AND start_offset < ? AND end_offset <= ? \
         RETURNING start_offset, end_offset",
    );
    let delete = delete.bind(key.0.to_string()).bind(key.1.word()).bind(HEAD as i64).bind(floor).bind(floor);
    let spans = list::<Span>(connection, delete).await?;
    spans.into_iter().try_fold(0, |sum, span| Ok(sum + span?.0))
}

async fn update_reaches(
    database: &Database,
    connection: &mut AnyConnection,
    changed: &[Key],
    streams: &Streams,
) -> Result<(), sqlx::Error> {
    let shape = Shape::insert("INSERT INTO output_state (attempt, stream, stored, cut) VALUES", "(?,?,?,?)");
    let bind = |query: Query, key: &Key| {
        let reach = streams.get(key).map(|(reach, _)| *reach).unwrap_or_default();
        query.bind(key.0.to_string()).bind(key.1.word()).bind(reach.stored).bind(reach.cut)
    };
    database.ground.dialect.upsert(shape, &UPSERT_OUTPUT_STATE).run(connection, changed, bind).await?;
    Ok(())
}
