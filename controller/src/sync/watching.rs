//! A source's watch, beside its loop: it is set up, and looked after, on a thread of its own, because that reads the disk and may hang
//! there. One such thread at most; while it hangs, the source is only polled.

use super::aside;
use crate::source::{Place, Source, Watch};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot::Receiver;

/// How long the first look waits for the watch, so that it needs no second one for what changed between.
const FIRST: Duration = Duration::from_secs(1);

/// The watch of a source, if it can have one.
pub(super) struct Watching {
    name: String,
    source: Arc<dyn Source>,
    watch: Option<Watch>,
    pending: Option<Receiver<Option<Watch>>>,
}

impl Watching {
    /// Sets up a watch. It is waited for, but not for long.
    pub(super) async fn of(name: &str, source: Arc<dyn Source>) -> Self {
        let mut watching = Self { name: name.to_owned(), source, watch: None, pending: None };
        watching.renew();
        if watching.pending.is_some() {
            watching.watch = tokio::time::timeout(FIRST, done(&mut watching.pending)).await.ok().flatten();
        }
        watching
    }

    /// Looks whether something else stands there now, which is watched then. Waits for nothing.
    pub(super) fn renew(&mut self) {
        self.set_up(self.watch.as_ref().map(Watch::place));
    }

    /// Tries again where it did not work the last time. Waits for nothing.
    pub(super) fn mend(&mut self) {
        self.set_up(self.watch.as_ref().filter(|watch| watch.hears()).map(Watch::place));
    }

    /// Waits until it is time to look: something changed, or something else is watched, of which nothing was heard before.
    pub(super) async fn time_to_look(&mut self) {
        let new = {
            let mut changed = pin!(changed(self.watch.as_ref()));
            loop {
                tokio::select! {
                    () = &mut changed => return,
                    new = done(&mut self.pending) => {
                        let place = self.watch.as_ref().map(Watch::place);
                        if new.as_ref().is_some_and(|new| new.hears() || Some(new.place()) != place) {
                            break new;
                        }
                    }
                }
            }
        };
        self.watch = new;
    }

    fn set_up(&mut self, known: Option<Place>) {
        if self.pending.is_some() || !self.source.is_watched() {
            return;
        }
        let source = Arc::clone(&self.source);
        // Without a thread it is only polled until the next look.
        self.pending = aside::begin(&format!("{} watch", self.name), move || source.watch(known)).ok();
    }
}

/// What comes of a set-up; without one, never.
async fn done(pending: &mut Option<Receiver<Option<Watch>>>) -> Option<Watch> {
    let Some(answer) = pending else { return std::future::pending().await };
    let watch = answer.await.ok().flatten();
    *pending = None;
    watch
}

/// Waits for a change; without a watch, for ever.
async fn changed(watch: Option<&Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
