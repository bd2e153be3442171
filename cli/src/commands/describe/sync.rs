//! A sync as people read it: what came of which commit, each problem with its place, each change.

use crate::commands::fields;
use crate::output::escape::visible;
use crate::output::when;
use crate::sourced;
use crate::views::{text, time};
use serde_json::Value;
use std::fmt::Write;

/// All of it.
pub(super) fn sync(sync: &Value) -> String {
    let at = |pointer| time(sync, pointer).map_or_else(String::new, when::local);
    let mut said = fields(&[
        ("Sync", text(sync, "/id")),
        ("Source", text(sync, "/source")),
        ("Commit", text(sync, "/commit")),
        ("Title", text(sync, "/title")),
        ("Author", text(sync, "/author")),
        ("Outcome", text(sync, "/outcome")),
        ("Reason", text(sync, "/reason")),
        ("Message", text(sync, "/message")),
        ("Generation", text(sync, "/generation")),
        ("Plan digest", text(sync, "/planDigest")),
        ("Confirmed by", text(sync, "/confirmedBy")),
        ("Confirms", text(sync, "/confirms")),
        ("Started", at("/startedAt")),
        ("Finished", at("/finishedAt")),
        ("Duration", sourced::duration(sync)),
    ]);
    section(&mut said, "Problems", &sourced::problems(sync));
    let counts = sourced::counts(sync);
    section(&mut said, &format!("Changes ({counts}, {} unchanged)", text(sync, "/counts/unchanged")), &sourced::changes(sync));
    if let Some(mend) = sourced::mend(sync) {
        let _ = write!(said, "\n{}\n", visible(&mend));
    }
    said
}

fn section(said: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = write!(said, "\n{title}:\n");
    }
    for line in lines {
        let _ = writeln!(said, "  {line}");
    }
}
