//! Walks a chain, row by row, and names the first one that does not hold.

use super::{Anchor, Head, Sealed};
use std::fmt;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It does not say what it said when it was sealed.
    Changed,
    /// It is not there, and later ones are.
    Missing,
    /// It says what it said, but does not follow the row before it.
    Reordered,
    /// It is not there, nor is any later one, though an outside witness has seen it.
    Truncated,
}

impl Flaw {
    /// Its stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
        }
    }
}

/// The first row that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub flaw: Flaw,
    /// The same for people.
    pub said: String,
}

impl Fault {
    /// A row that cannot even be read: whoever writes rows writes them so that they can.
    pub fn unreadable(seq: i64, why: &str) -> Self {
        Self { seq, flaw: Flaw::Changed, said: format!("row {seq} was changed: it cannot be read ({why})") }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    head: Head,
    /// What somebody outside has seen.
    witness: Option<Head>,
}

impl Walk {
    /// Begins behind a row that is believed; at [`Head::START`] nothing is.
    pub const fn behind(head: Head, witness: Option<Head>) -> Self {
        Self { head, witness }
    }

    /// Begins behind a row that is believed, where retention may have removed what follows it: then with the first row that is left, if a
    /// row of the log itself says so.
    pub fn begin(behind: Head, first: Option<&Sealed>, anchor: Option<Anchor>, witness: Option<Head>) -> Result<Self, Fault> {
        let Some(first) = first.filter(|first| first.seq > behind.seq.saturating_add(1)) else {
            return Ok(Self::behind(behind, witness));
        };
        let head = Head { seq: first.seq - 1, hash: first.previous };
        if anchor.is_some_and(|anchor| anchor.covers(head)) {
            let walk = Self::behind(head, witness);
            return walk.meet().map(|()| walk);
        }
        let (seq, last) = (behind.seq + 1, head.seq);
        let what = if seq == last { format!("row {seq} is missing") } else { format!("rows {seq} to {last} are missing") };
        let said = format!("{what}, and no row of the log says that retention has removed them");
        Err(Fault { seq, flaw: Flaw::Missing, said })
    }

    /// The last row that holds.
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Goes on to the next row.
    pub fn step(&mut self, row: &Sealed) -> Result<(), Fault> {
        let due = self.head.seq.saturating_add(1);
        let fault = |seq, flaw, said: String| Err(Fault { seq, flaw, said });
        if row.seq > due {
            let last = row.seq - 1;
            let said = if last == due { format!("row {due} is missing") } else { format!("rows {due} to {last} are missing") };
            return fault(due, Flaw::Missing, said);
        }
        if row.seq < due {
            return fault(row.seq, Flaw::Reordered, format!("row {} comes where row {due} is due", row.seq));
        }
        if row.previous.then(&row.record) != row.hash {
            return fault(
                due,
                Flaw::Changed,
                format!("row {due} was changed: it does not have the hash that it was sealed with"),
            );
        }
        if row.previous != self.head.hash {
            let said = match self.head.seq {
                0 => format!("row {due} was not the first row: it was moved, or those before it were removed"),
                before => format!(
                    "row {due} does not follow row {before}: one of them was moved or replaced, or one between was removed"
                ),
            };
            return fault(due, Flaw::Reordered, said);
        }
        self.head = Head { seq: due, hash: row.hash };
        self.meet()
    }

    /// The end of the chain is reached.
    pub fn finish(&self) -> Result<Head, Fault> {
        match self.witness {
            Some(witness) if witness.seq > self.head.seq => {
                let seq = self.head.seq + 1;
                let said = format!(
                    "the log ends with row {}, but row {} is known outside: it was truncated",
                    self.head.seq, witness.seq
                );
                Err(Fault { seq, flaw: Flaw::Truncated, said })
            }
            _ => Ok(self.head),
        }
    }

    /// Where somebody outside has seen this row, it is the one that they saw.
    fn meet(&self) -> Result<(), Fault> {
        match self.witness {
            Some(witness) if witness.seq == self.head.seq && witness.hash != self.head.hash => {
                let seq = witness.seq;
                let said =
                    format!("row {seq} has another hash than the one that is known outside: it, or one before it, was replaced");
                Err(Fault { seq, flaw: Flaw::Changed, said })
            }
            _ => Ok(()),
        }
    }
}
