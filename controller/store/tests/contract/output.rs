//! Output: trimming, gaps, head and tail.

use crate::bench::Bench;
use pulse_protocol::AttemptId;
use pulse_protocol::message::Stream;
use pulse_store::output::{HEAD, MAX_PIECE, TAIL};
use pulse_store::{Gap, OutputPiece, Pieces, Store};
use uuid::Uuid;

fn piece(attempt: AttemptId, offset: u64, bytes: &[u8]) -> OutputPiece {
    OutputPiece { attempt, stream: Stream::Stdout, offset, cut: 0, bytes: bytes.to_vec() }
}

async fn put(store: &Store, attempt: AttemptId, offset: u64, bytes: &[u8]) -> u64 {
    store.output_writer().submit(piece(attempt, offset, bytes)).await.expect("stored")
}

/// The whole stream, read in stretches of `limit`.
async fn whole(store: &Store, attempt: AttemptId, limit: usize) -> (Vec<u8>, Vec<Gap>, Pieces) {
    let (mut bytes, mut gaps, mut from) = (Vec::new(), Vec::new(), 0);
    loop {
        let stretch = store.read_output(attempt, Stream::Stdout, from, limit).await.expect("readable");
        for piece in &stretch.pieces {
            bytes.extend_from_slice(&piece.bytes);
        }
        gaps.extend_from_slice(&stretch.gaps);
        if stretch.next == stretch.stored {
            return (bytes, gaps, stretch);
        }
        assert!(stretch.next > from, "reading goes on");
        from = stretch.next;
    }
}

pub async fn pieces_come_back_in_order(bench: Bench) {
    let store = bench.open().await;
    let attempt = AttemptId(Uuid::now_v7());
    let empty = store.read_output(attempt, Stream::Stdout, 0, 10).await.expect("readable");
    assert_eq!(empty, Pieces::default());
    assert_eq!(put(&store, attempt, 0, b"hello ").await, 6);
    assert_eq!(put(&store, attempt, 6, &[0, 255, 10]).await, 9);
    let other = OutputPiece { stream: Stream::Stderr, ..piece(attempt, 0, b"oops") };
    assert_eq!(store.output_writer().submit(other).await.expect("stored"), 4);
    for limit in [1, 4, 100] {
        let (bytes, gaps, end) = whole(&store, attempt, limit).await;
        assert_eq!((bytes.as_slice(), gaps.len(), end.stored, end.cut), (&b"hello \x00\xff\n"[..], 0, 9, 0));
    }
    let from = store.read_output(attempt, Stream::Stdout, 4, 3).await.expect("readable");
    assert_eq!((from.pieces[0].offset, from.pieces[0].bytes.as_slice(), from.next), (4, &b"o "[..], 7));
    store.close().await;
    let store = bench.open().await;
    let offsets = store.stored_offsets(&[attempt, AttemptId(Uuid::now_v7())]).await.expect("readable");
    assert_eq!((offsets[0].1.stdout, offsets[0].1.stderr, offsets[1].1.stdout), (9, 4, 0));
}

pub async fn repeated_and_overlapping_pieces_change_nothing(bench: Bench) {
    let store = bench.open().await;
    let attempt = AttemptId(Uuid::now_v7());
    for (offset, bytes, stored) in [(0, "abc", 3), (0, "abc", 3), (1, "bcde", 5), (0, "", 5), (2, "cd", 5), (3, "defg", 7)] {
        assert_eq!(put(&store, attempt, offset, bytes.as_bytes()).await, stored, "{bytes} at {offset}");
    }
    let (bytes, gaps, _) = whole(&store, attempt, 100).await;
    assert_eq!((bytes.as_slice(), gaps.len()), (&b"abcdefg"[..], 0));
}

pub async fn a_jump_is_a_gap(bench: Bench) {
    let store = bench.open().await;
    let attempt = AttemptId(Uuid::now_v7());
    let put_after = async |cut, offset, bytes| {
        let piece = OutputPiece { cut, ..piece(attempt, offset, bytes) };
        store.output_writer().submit(piece).await.expect("answered")
    };
    assert_eq!(put_after(2, 2, b"cd").await, 4);
    assert_eq!(put_after(5, 10, b"kl").await, 4, "one before it has not come");
    assert_eq!(put_after(6, 10, b"kl").await, 12);
    assert_eq!(put_after(0, 6, b"late").await, 12);
    let (bytes, gaps, end) = whole(&store, attempt, 1).await;
    assert_eq!(bytes, b"cdkl");
    assert_eq!(gaps, [Gap { start: 0, end: 2 }, Gap { start: 4, end: 10 }]);
    assert_eq!((end.stored, end.cut), (12, 8));
}

pub async fn head_and_tail_are_kept_and_the_middle_is_counted(bench: Bench) {
    let store = bench.open().await;
    let attempt = AttemptId(Uuid::now_v7());
    let total = HEAD + TAIL + (3 << 20) + 12345;
    let byte = |offset: u64| (offset / 1000 % 251) as u8;
    let mut offset = 0;
    while offset < total {
        let end = (offset + MAX_PIECE as u64 - 7).min(total);
        let bytes: Vec<u8> = (offset..end).map(byte).collect();
        assert_eq!(put(&store, attempt, offset, &bytes).await, end);
        offset = end;
    }
    let stretch_of = async |from| store.read_output(attempt, Stream::Stdout, from, usize::MAX).await.expect("readable");
    let (mut from, mut kept, mut gaps) = (0, 0, Vec::new());
    while from < total {
        let stretch = stretch_of(from).await;
        for piece in &stretch.pieces {
            assert!((piece.offset..).zip(&piece.bytes).all(|(offset, found)| byte(offset) == *found));
            kept += piece.bytes.len() as u64;
        }
        gaps.extend(stretch.gaps.clone());
        from = stretch.next;
    }
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert!(gap.start >= HEAD && gap.start < HEAD + MAX_PIECE as u64, "{gap:?}");
    assert!(gap.end <= total - TAIL && gap.end > total - TAIL - MAX_PIECE as u64, "{gap:?}");
    assert_eq!((kept + gap.end - gap.start, stretch_of(0).await.cut), (total, gap.end - gap.start));
    let stored = bench.count("SELECT CAST(SUM(end_offset - start_offset) AS INTEGER) FROM output").await;
    assert_eq!(stored.unsigned_abs(), kept);
}

pub async fn many_streams_at_once(bench: Bench) {
    let store = bench.open().await;
    let attempts: Vec<AttemptId> = (0..40).map(|_| AttemptId(Uuid::now_v7())).collect();
    for round in 0..5_u64 {
        let puts = attempts.iter().map(|attempt| put(&store, *attempt, round * 4, b"line"));
        let stored = futures_util::future::join_all(puts).await;
        assert!(stored.iter().all(|stored| *stored == (round + 1) * 4), "{stored:?}");
    }
    for attempt in attempts {
        assert_eq!(whole(&store, attempt, 7).await.0, b"line".repeat(5));
    }
}

pub async fn pieces_out_of_bounds_are_refused(bench: Bench) {
    let store = bench.open().await;
    let attempt = AttemptId(Uuid::now_v7());
    let writer = store.output_writer();
    writer.submit(piece(attempt, 0, &vec![0; MAX_PIECE + 1])).await.expect_err("too large");
    writer.submit(piece(attempt, u64::MAX, b"x")).await.expect_err("too far");
    writer.submit(piece(attempt, i64::MAX as u64, b"x")).await.expect_err("too far");
    assert_eq!(bench.count("SELECT COUNT(*) FROM output_state").await, 0);
}
