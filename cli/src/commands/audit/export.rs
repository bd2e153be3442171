//! `pulse audit export`: the sealed rows as lines of JSON, as they come.

use crate::args::Common;
use crate::client::query;
use crate::exit::Exit;
use crate::failure::Failure;
use std::io::Write;

/// Write what is sealed to stdout, the oldest first, a row of JSON on each line: `pulse audit verify --file` reads it
#[derive(Debug, clap::Args)]
pub struct Export {
    /// From this row on
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// Up to this row
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    to: Option<u64>,
}

impl Export {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        common.only_lines()?;
        let (from, to) = (self.from.map(|from| from.to_string()), self.to.map(|to| to.to_string()));
        let path = format!("/audit/export{}", query(&[("from", from.as_deref()), ("to", to.as_deref())]));
        let mut out = std::io::stdout().lock();
        common.client()?.lines(&path, |line| {
            out.write_all(line.as_bytes())?;
            Ok(out.write_all(b"\n")?)
        })?;
        out.flush()?;
        Ok(Exit::Success)
    }
}
