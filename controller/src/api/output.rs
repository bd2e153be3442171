//! What commands wrote: as text for people, as bytes for machines.

use super::answers::{OutputItem, OutputPage};
use super::caller::Caller;
use super::executions::no_such_execution;
use super::extract::{Parameters, Segment};
use super::list::page;
use super::{App, Problem, sight};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use pulse_core::access::Verb;
use pulse_core::execution::Execution;
use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use pulse_store::{Piece, Pieces};

/// Bytes of one answer; the cursor leads on.
const PAGE: usize = 1024 * 1024;
/// How many bytes of a raw stream are cut out.
pub(super) const CUT: HeaderName = HeaderName::from_static("x-pulse-cut-bytes");

/// Which output. Each filter is optional; `from` and `raw` need one attempt and one stream.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputQuery {
    /// Of this step.
    step: Option<String>,
    /// Of this agent.
    agent: Option<String>,
    /// Of this attempt.
    attempt: Option<AttemptId>,
    /// One of the two streams.
    stream: Option<Stream>,
    /// From this byte on; needs `attempt` and `stream`.
    from: Option<u64>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
    /// The bytes themselves; needs `attempt` and `stream`.
    #[serde(default)]
    raw: bool,
}

/// Output as text or as bytes.
pub(super) enum Output {
    /// As text, in pieces.
    Text(OutputPage),
    /// The bytes of one stream.
    Raw(Response),
}

impl IntoResponse for Output {
    fn into_response(self) -> Response {
        match self {
            Self::Text(page) => page.into_response(),
            Self::Raw(response) => response,
        }
    }
}

/// One stream of one attempt, with what the execution says of it.
struct Channel {
    attempt: AttemptId,
    stream: Stream,
    step: String,
    visit: u32,
    agent: String,
    number: u32,
    /// All bytes that the command wrote; known once the agent has said how it ended.
    total: Option<u64>,
}

/// `GET /api/v1/executions/{id}/output`.
pub(super) async fn read(
    State(app): State<App>,
    Segment(text): Segment,
    caller: Caller,
    Parameters(query): Parameters<OutputQuery>,
) -> Result<Output, Problem> {
    if (query.raw || query.from.is_some()) && (query.attempt.is_none() || query.stream.is_none()) {
        let name = if query.raw { "raw" } else { "from" };
        return Err(Problem::parameter(name, "it needs `attempt` and `stream`, which say whose bytes are meant"));
    }
    if query.cursor.is_some() && (query.raw || query.from.is_some()) {
        return Err(Problem::parameter("cursor", "it leads on in a list, and `raw` and `from` make none"));
    }
    let id = sight::execution(&app, &caller, &text, Verb::View).await?;
    let execution = app.engine.view(id).await?.ok_or_else(|| no_such_execution(&text))?;
    let channels = channels(&execution, &query)?;
    match channels.first() {
        Some(channel) if query.raw => raw(&app, channel, query.from.unwrap_or(0)).await,
        _ => texts(&app, &channels, &query).await.map(Output::Text),
    }
}

/// The streams that the query means, in the order in which the attempts were made.
fn channels(execution: &Execution, query: &OutputQuery) -> Result<Vec<Channel>, Problem> {
    if let Some(attempt) = query.attempt.filter(|attempt| !execution.attempts.contains_key(attempt)) {
        return Err(Problem::not_found("no_such_attempt", format!("the execution has no attempt {attempt}")));
    }
    if let Some(step) = query.step.as_ref().filter(|step| execution.program.step(step).is_none()) {
        return Err(Problem::not_found("no_such_step", format!("the execution has no step `{step}`")));
    }
    let mut attempts: Vec<_> = execution.attempts.iter().filter(|(id, _)| query.attempt.is_none_or(|one| one == **id)).collect();
    attempts.sort_by_key(|(id, _)| **id);
    let mut channels = Vec::new();
    for (id, attempt) in attempts {
        let Some(run) = execution.steps.get(attempt.step) else { continue };
        let agent = attempt.target.as_str();
        if query.step.as_ref().is_some_and(|step| *step != run.path.0) || query.agent.as_ref().is_some_and(|one| one != agent) {
            continue;
        }
        for stream in [Stream::Stdout, Stream::Stderr].into_iter().filter(|stream| query.stream.is_none_or(|one| one == *stream))
        {
            let totals = attempt.ended.as_ref().map(|ended| match stream {
                Stream::Stdout => ended.stdout.bytes,
                Stream::Stderr => ended.stderr.bytes,
            });
            channels.push(Channel {
                attempt: *id,
                stream,
                step: run.path.0.clone(),
                visit: run.visit,
                agent: agent.to_owned(),
                number: attempt.number,
                total: totals,
            });
        }
    }
    Ok(channels)
}

/// A page of text, stream after stream, until it is full.
async fn texts(app: &App, channels: &[Channel], query: &OutputQuery) -> Result<OutputPage, Problem> {
    let (begin, mut from) = match &query.cursor {
        Some(cursor) => position(channels, cursor)?,
        None => (0, query.from.unwrap_or(0)),
    };
    let (mut items, mut left) = (Vec::new(), PAGE);
    for channel in channels.iter().skip(begin) {
        loop {
            if left == 0 {
                return Ok(page(items, Some(format!("{}/{}/{from}", channel.attempt, word(channel.stream)))));
            }
            let pieces = app.engine.store().read_output(channel.attempt, channel.stream, from, left).await?;
            let runs = runs(&pieces);
            let next = whole_characters(channel, pieces.next, &runs);
            let read: usize = pieces.pieces.iter().map(|piece| piece.bytes.len()).sum();
            items.extend(runs.iter().filter_map(|run| item(channel, &pieces, run, next)));
            // What is left of the page may be too little for the character that comes next.
            let too_little = next <= from && pieces.next < pieces.stored;
            left = if too_little { 0 } else { left.saturating_sub(read.max(1)) };
            if next >= pieces.stored || next <= from && !too_little {
                break;
            }
            from = next;
        }
        from = 0;
    }
    Ok(page(items, None))
}

fn position(channels: &[Channel], cursor: &str) -> Result<(usize, u64), Problem> {
    let parsed = || {
        let mut parts = cursor.splitn(3, '/');
        let (attempt, stream, from) = (parts.next()?.parse::<AttemptId>().ok()?, parts.next()?, parts.next()?.parse().ok()?);
        let index = channels.iter().position(|one| one.attempt == attempt && word(one.stream) == stream)?;
        Some((index, from))
    };
    parsed().ok_or_else(|| Problem::parameter("cursor", "it is not the `nextCursor` of a page before with the same filters"))
}

/// Pieces that follow each other without a gap, as one.
fn runs(pieces: &Pieces) -> Vec<Piece> {
    let mut runs: Vec<Piece> = Vec::new();
    for piece in &pieces.pieces {
        match runs.last_mut() {
            Some(run) if run.offset + run.bytes.len() as u64 == piece.offset => run.bytes.extend(&piece.bytes),
            _ => runs.push(piece.clone()),
        }
    }
    // Bytes that are cut at the very end leave no piece after them to tell it.
    if let Some(gap) = pieces.gaps.last().filter(|gap| gap.end == pieces.next) {
        runs.push(Piece { offset: gap.end, bytes: Vec::new() });
    }
    runs
}

/// Where to end so that no character is torn in two, as long as the rest of it may still come. A character may have come in as many
/// pieces as it has bytes.
fn whole_characters(channel: &Channel, next: u64, runs: &[Piece]) -> u64 {
    let at_the_end = channel.total.is_some_and(|total| next >= total);
    let Some(last) = runs.last().filter(|_| !at_the_end) else { return next };
    if last.offset + last.bytes.len() as u64 != next {
        return next;
    }
    let tail = &last.bytes[last.bytes.len().saturating_sub(3)..];
    next - torn(tail) as u64
}

/// Bytes at the end that begin a character and do not end it.
fn torn(tail: &[u8]) -> usize {
    for (back, byte) in tail.iter().rev().enumerate() {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if back + 1 < length { back + 1 } else { 0 };
    }
    0
}

fn item(channel: &Channel, pieces: &Pieces, run: &Piece, next: u64) -> Option<OutputItem> {
    let end = (run.offset + run.bytes.len() as u64).min(next);
    let length = usize::try_from(end.checked_sub(run.offset)?).ok()?;
    if length == 0 && !run.bytes.is_empty() {
        return None;
    }
    Some(OutputItem {
        attempt: channel.attempt,
        step: channel.step.clone(),
        visit: channel.visit,
        agent: channel.agent.clone(),
        number: channel.number,
        stream: channel.stream,
        offset: run.offset,
        end,
        text: String::from_utf8_lossy(run.bytes.get(..length)?).into_owned(),
        total: channel.total.unwrap_or(pieces.stored),
        cut: pieces.cut,
    })
}

/// The bytes of one stream as they are stored: at most the head and tail that are kept, so they fit into memory.
async fn raw(app: &App, channel: &Channel, from: u64) -> Result<Output, Problem> {
    let (mut bytes, mut at) = (Vec::new(), from);
    let cut = loop {
        let pieces = app.engine.store().read_output(channel.attempt, channel.stream, at, PAGE).await?;
        let done = pieces.next <= at || pieces.next >= pieces.stored;
        at = pieces.next;
        pieces.pieces.into_iter().for_each(|piece| bytes.extend(piece.bytes));
        if done {
            break pieces.cut;
        }
    };
    let headers = [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (CUT, cut.to_string())];
    // Output is whatever a command wrote: no browser shall take it for a page.
    let safe = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::CONTENT_DISPOSITION, "attachment")];
    Ok(Output::Raw((headers, safe, Body::from(bytes)).into_response()))
}

fn word(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

#[cfg(test)]
mod tests {
    use super::{runs, torn};
    use pulse_store::{Gap, Piece, Pieces};

    #[test]
    fn a_character_that_has_not_come_whole_is_left_for_later() {
        let cases: [(&[u8], usize); 8] = [
            (b"abc", 0),
            (b"", 0),
            ("é".as_bytes(), 0),
            (&"é".as_bytes()[..1], 1),
            (&"€".as_bytes()[..2], 2),
            (&"𝄞".as_bytes()[..3], 3),
            (&[0x80, 0x80, 0x80], 0),
            (&[b'a', 0xff], 0),
        ];
        for (tail, expected) in cases {
            assert_eq!(torn(tail), expected, "{tail:?}");
        }
    }

    #[test]
    fn pieces_are_joined_and_gaps_are_kept() {
        let piece = |offset, bytes: &[u8]| Piece { offset, bytes: bytes.to_vec() };
        let pieces = vec![piece(0, b"ab"), piece(2, b"cd"), piece(10, b"ef")];
        let found = runs(&Pieces { pieces: pieces.clone(), next: 12, stored: 12, ..Pieces::default() });
        assert_eq!(found, [piece(0, b"abcd"), piece(10, b"ef")]);
        let gaps = vec![Gap { start: 12, end: 20 }];
        let found = runs(&Pieces { pieces, gaps, next: 20, stored: 20, cut: 14 });
        assert_eq!(found.last(), Some(&piece(20, b"")), "so that the reader learns how far the stream has come");
    }
}
