//! Where a workflow can go: which steps may follow a step, which may have ended before it, and which are never reached.

use super::Finding;
use crd_schemas::manifest::{Action, Step};
use std::collections::HashMap;

/// The control flow of a list of steps, which are named by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flow {
    /// By step: the steps that can come some time after it.
    after: Vec<Bits>,
    /// The first step, and what can come after it.
    reached: Bits,
}

impl Flow {
    /// Follows every `goto`, option and route, whatever the conditions say.
    pub(super) fn of(steps: &[Step]) -> Self {
        let index: HashMap<&str, usize> = steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
        let mut after = vec![Bits::none(steps.len()); steps.len()];
        for (place, step) in steps.iter().enumerate() {
            let followers = Followers { steps, index: &index, place, step };
            followers.all().for_each(|to| after[place].insert(to));
        }
        close(&mut after);
        let mut reached = after.first().cloned().unwrap_or_default();
        reached.insert(0);
        Self { after, reached }
    }

    /// The steps that can have ended before a step begins, in the order of the workflow. A step that is never reached is judged as
    /// if the steps above it came before it.
    pub(super) fn before(&self, step: usize) -> impl Iterator<Item = usize> {
        let reached = self.reached.has(step);
        (0..self.after.len()).filter(move |&other| match reached {
            true => self.reached.has(other) && self.after[other].has(step),
            false => other < step || self.after[other].has(step),
        })
    }

    /// A warning for each step that no way leads to.
    pub(super) fn unreachable(&self) -> impl Iterator<Item = Finding> {
        (0..self.after.len()).filter(|&step| !self.reached.has(step)).map(|step| {
            let message = "no way leads to this step: every step that could come before it goes elsewhere";
            let help = "let a `goto`, an option or a route name it, or remove it";
            Finding::warning(format!("/spec/steps/{step}"), "unreachable-step", message).with_help(help)
        })
    }
}

/// What may follow one step.
#[derive(Clone, Copy)]
struct Followers<'a> {
    steps: &'a [Step],
    index: &'a HashMap<&'a str, usize>,
    place: usize,
    step: &'a Step,
}

impl<'a> Followers<'a> {
    fn all(self) -> impl Iterator<Item = usize> {
        let (leads, always) = self.chosen();
        // A step that was skipped leads nowhere but to the next one.
        let skipped = self.step.when.is_some().then(|| self.next()).flatten();
        // A prompt or a route that failed has chosen nothing.
        let plain = (!always || self.step.continue_on_error).then(|| self.goto(None)).flatten();
        leads.into_iter().chain(skipped).chain(plain)
    }

    /// Where options or routes lead, and whether one of them is always chosen.
    fn chosen(self) -> (Vec<usize>, bool) {
        match &self.step.action {
            Action::Prompt(prompt) => {
                let gotos = prompt.options.iter().map(|option| option.goto.as_deref());
                (gotos.filter_map(|goto| self.goto(goto)).collect(), true)
            }
            Action::Route(route) => {
                let gotos = route.routes.iter().map(|case| case.goto.as_deref());
                (gotos.filter_map(|goto| self.goto(goto)).collect(), route.routes.iter().any(|case| case.default))
            }
            Action::Execute(_) | Action::Wait(_) | Action::Parse(_) => (Vec::new(), false),
        }
    }

    /// What a choice's `goto` names, else the step's own, else the next step. None for the end.
    fn goto(self, chosen: Option<&str>) -> Option<usize> {
        match chosen.or(self.step.goto.as_deref()) {
            None => self.next(),
            Some(id) => self.index.get(id).copied(),
        }
    }

    fn next(self) -> Option<usize> {
        Some(self.place + 1).filter(|&next| next < self.steps.len())
    }
}

/// Makes of each step's followers all that can come after it (Warshall's algorithm).
fn close(after: &mut [Bits]) {
    for through in 0..after.len() {
        let further = after[through].clone();
        for row in after.iter_mut().filter(|row| row.has(through)) {
            row.extend(&further);
        }
    }
}

/// A set of small numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }
    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
    fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }
    fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }
}

#[cfg(test)]
mod tests;
