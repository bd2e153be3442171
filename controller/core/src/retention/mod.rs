//! Retention: what of the past goes, as a pure rule. The store says what exists and what still needs it; the loop in the controller removes
//! what the rule names, in small steps.
//!
//! ```text
//! Policy + Past (one execution that is over or not, and what holds it) + now ─▶ Verdict: it goes, and by which bound; or stays, and why
//! ```

mod age;
mod agent;
mod policy;
mod rule;
#[cfg(test)]
mod tests;

pub use age::{Age, InvalidAge};
pub use agent::is_stale;
pub use policy::{FLOOR, Override, Policy, Retention};
pub use rule::{Bound, Hold, Past, Verdict, execution, output, rest_of_output_stays, rest_stays};
