//! `pulse audit verify`: whether every row is as it was sealed. The controller walks its own log; an export is walked here, without it.

use crate::args::Common;
use crate::client::{Client, query};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::views::text;
use pulse_core::audit::{Anchor, Fault, Head, Sealed, Walk};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Verify that no row was changed, removed or moved. Exits 1 and names the first bad row where one was
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// A head that was seen before, in the controller's log or in an export: that row must be there, and be the same
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,
    /// Verify an export, without asking the controller
    #[arg(long, value_name = "EXPORT.jsonl")]
    file: Option<PathBuf>,
}

/// Rows of a stretch, how far it holds, and what does not.
struct Verdict {
    rows: i64,
    /// Removed by retention before them.
    removed: i64,
    head: String,
    fault: Option<Value>,
}

impl Verify {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Failure> {
        let format = common.format_of(&[Format::Table, Format::Json, Format::Yaml])?;
        let verdict = match &self.file {
            Some(file) => self.walk(file)?,
            None => self.ask(&common.client()?)?,
        };
        let Verdict { rows, removed, head, fault } = &verdict;
        let document = json!({ "ok": fault.is_none(), "verified": rows, "removed": removed, "head": head, "fault": fault });
        match (format, fault) {
            (Format::Json, _) => output::print(&output::json(&document))?,
            (Format::Yaml, _) => output::print(&output::yaml(&document)?)?,
            (_, None) if *removed > 0 => {
                output::print(&format!("{rows} rows hold, {removed} before them were removed by retention; head {head}"))?;
            }
            (_, None) if *rows == 1 => output::print(&format!("1 row holds; head {head}"))?,
            (_, None) => output::print(&format!("{rows} rows hold; head {head}"))?,
            (_, Some(fault)) => {
                output::print(&format!("{}: {}", text(fault, "/flaw"), text(fault, "/message")))?;
                output::message(&format!("{rows} rows before it hold; head {head}"));
            }
        }
        Ok(if fault.is_none() { Exit::Success } else { Exit::Negative })
    }

    /// The controller verifies a stretch at a time.
    fn ask(&self, client: &Client) -> Result<Verdict, Failure> {
        let witness = self.head.map(|head| head.to_string());
        let (mut rows, mut removed, mut behind) = (0, 0, None::<String>);
        loop {
            let parts = [("behind", behind.as_deref()), ("head", witness.as_deref())];
            let said = client.get(&format!("/audit/verify{}", query(&parts)))?;
            rows += said["verified"].as_i64().unwrap_or(0);
            removed += said["removed"].as_i64().unwrap_or(0);
            let next = said["next"].as_str().map(str::to_owned);
            if next.is_none() || next == behind {
                let fault = Some(said["fault"].clone()).filter(|fault| !fault.is_null());
                // What does not say that all is well is not taken for it.
                if fault.is_none() && said["ok"] != true {
                    return Err(
                        Failure::new("the server's answer says neither yes nor no").with_help("use the pulse of its release")
                    );
                }
                return Ok(Verdict { rows, removed, head: text(&said, "/head"), fault });
            }
            behind = next;
        }
    }

    /// A file begins where it begins: what was before it, it cannot say.
    fn walk(&self, path: &Path) -> Result<Verdict, Failure> {
        let cannot = |error: std::io::Error| Failure::new(format!("cannot read {}: {error}", path.display()));
        let (mut walk, mut first, mut anchored) = (None::<Walk>, 0, false);
        for (number, line) in (1..).zip(BufReader::new(File::open(path).map_err(cannot)?).lines()) {
            let line = line.map_err(cannot)?;
            let row = serde_json::from_str::<Sealed>(&line);
            let row = row.map_err(|error| unreadable(path, number, &error, walk.as_ref()));
            let row = match row {
                Ok(row) => row,
                Err(failure) => return failure.map(|fault| verdict(walk, first, Some(fault))),
            };
            let known = walk.get_or_insert_with(|| {
                first = row.seq - 1;
                let start = if row.seq == 1 { Head::START } else { Head { seq: first, hash: row.previous } };
                Walk::behind(start, self.head)
            });
            // A row of the file that says that retention has removed what is missing.
            anchored |= Anchor::of(&row.record).is_some_and(|anchor| anchor.through.seq >= first);
            if let Err(fault) = known.step(&row) {
                return Ok(verdict(walk, first, Some(fault)));
            }
        }
        if first > 0 && anchored {
            output::message(&format!("rows 1 to {first} were removed by retention, as a row of the file says"));
        } else if first > 0 {
            output::message(&format!("the file begins with row {}; what was before it cannot be told from it", first + 1));
        }
        let ended = walk.unwrap_or_else(|| Walk::behind(Head::START, self.head)).finish();
        Ok(verdict(walk, first, ended.err()))
    }
}

/// A line that is no row: where rows come before it, it is the next one, and was changed; else the file is no export.
fn unreadable(path: &Path, line: usize, error: &serde_json::Error, walk: Option<&Walk>) -> Result<Fault, Failure> {
    match walk {
        Some(walk) => Ok(Fault::unreadable(walk.head().seq + 1, &format!("line {line}: {error}"))),
        None => {
            Err(Failure::new(format!("{}, line {line}: {error}", path.display()))
                .with_help("is it what `pulse audit export` wrote?"))
        }
    }
}

fn verdict(walk: Option<Walk>, first: i64, fault: Option<Fault>) -> Verdict {
    let head = walk.map_or(Head::START, |walk| walk.head());
    let fault = fault.map(|fault| json!({ "seq": fault.seq, "flaw": fault.flaw.as_str(), "message": fault.said }));
    Verdict { rows: head.seq - first, removed: 0, head: head.to_string(), fault }
}
