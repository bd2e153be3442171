//! Output of attempts: its own writer, in batches; bounded per stream; what is missing is known to the byte.

mod read;
mod trim;
mod write;

pub use read::{Gap, Piece, Pieces};
pub use write::{OutputError, OutputPiece, OutputWriter};

/// The first bytes of a stream, kept for ever.
pub const HEAD: u64 = 1 << 20;

/// The last bytes of a stream, kept besides.
pub const TAIL: u64 = 4 << 20;

/// Most bytes of one piece.
pub const MAX_PIECE: usize = 64 << 10;
