//! The leases while this controller is the active one: they are renewed, and what is known of them is counted.
//!
//! Whether they are still ours is for the database to say, by the fence. But a controller that cannot ask it must not keep agents
//! and people to itself when another one may long be active: agents would stay where nothing they say can be written.

use crate::engine::Engine;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How often the leases are renewed, beside what each batch renews. They hold for 10 s.
const RENEWALS: Duration = Duration::from_secs(3);
/// The pause after a renewal that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Renews the leases until it is dropped, also while a stop waits for what is still being written. `taken`: when the try began
/// that took them.
pub(super) async fn keep(engine: Engine, taken: Instant) {
    let (renewed, known) = watch::channel(taken);
    match engine.store().lease() {
        Some(lease) => {
            let told = |leased: bool| {
                if leased {
                    tracing::info!("the leases hold again; agents and people are let in");
                } else {
                    tracing::error!(
                        ?lease,
                        "the leases could not be renewed for as long as they hold: another controller may be active, agents and \
                         people are sent away"
                    );
                }
                engine.set_leased(leased);
            };
            tokio::join!(renew(&engine, renewed), judge(known, lease, told));
        }
        None => renew(&engine, renewed).await,
    }
}

/// Renews from time to time, and says when the last renewal that went well began. One that cannot reach the database is no loss
/// by itself: whether the leases are still ours is for the fence to say, once it can be asked. Ends when they are not.
#[expect(clippy::disallowed_methods, reason = "nothing tells when it is time, or when a database can be reached again")]
async fn renew(engine: &Engine, renewed: watch::Sender<Instant>) {
    let mut troubled = false;
    loop {
        let begun = Instant::now();
        let renewing = engine.store().renew_leases();
        // Only a server that does not answer takes longer than half of the leases' time.
        let tried = match engine.store().lease() {
            Some(lease) => timeout(lease / 2, renewing).await,
            None => Ok(renewing.await),
        };
        let pause = match tried {
            Ok(Ok(())) => {
                if std::mem::take(&mut troubled) {
                    tracing::info!("the leases are renewed again");
                }
                renewed.send_replace(begun);
                catch_up(engine, &mut troubled).await;
                RENEWALS
            }
            Ok(Err(pulse_store::Error::Fenced)) => return engine.lost(),
            Ok(Err(error)) => {
                say(&mut troubled, &error);
                PAUSE
            }
            Err(late) => {
                say(&mut troubled, &late);
                PAUSE
            }
        };
        sleep(pause).await;
    }
}

/// What could not be worked in is noted at once, not when something is driven next. If it cannot be yet, the next renewal tries
/// again; meanwhile nothing is decided. Not for long: the leases must be renewed.
async fn catch_up(engine: &Engine, troubled: &mut bool) {
    engine.heard_of_database();
    match timeout(RENEWALS, engine.caught_up()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => say(troubled, &error),
        Err(late) => say(troubled, &late),
    }
}

/// Once for each trouble.
fn say(troubled: &mut bool, error: &dyn std::fmt::Display) {
    if !std::mem::replace(troubled, true) {
        tracing::warn!(%error, "the leases could not be renewed; trying again");
    }
}

/// Tells when the leases may have expired, and when they hold again. Only the database's clock judges leases, and it began to
/// count after the renewal was sent: so this counts from before that, on a clock that nobody sets. Ends with the renewing.
async fn judge(mut renewed: watch::Receiver<Instant>, lease: Duration, tell: impl Fn(bool)) {
    let mut leased = true;
    loop {
        let end = *renewed.borrow_and_update() + lease;
        let holds = Instant::now() < end;
        if std::mem::replace(&mut leased, holds) != holds {
            tell(holds);
        }
        let renewing = renewed.changed();
        let renewing = if holds { timeout_at(end, renewing).await } else { Ok(renewing.await) };
        if matches!(renewing, Ok(Err(_))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use std::sync::Mutex;
    use std::time::Duration;
    use tokio::sync::watch;
    use tokio::time::{Instant, advance};

    const LEASE: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_leases_are_counted_from_the_start_of_the_last_renewal() {
        let start = Instant::now();
        let (renewed, known) = watch::channel(start);
        let told = Mutex::new(Vec::new());
        let judging = judge(known, LEASE, |leased| told.lock().unwrap().push((leased, start.elapsed().as_secs())));
        let playing = async {
            let wait_until = async |second: u64| {
                while start.elapsed() < SECOND * u32::try_from(second).unwrap() {
                    advance(Duration::from_millis(500)).await;
                }
            };
            // In time, again and again; the one that began at 12 was answered at 17. The one that began at 14 and was answered at 25
            // proves nothing any more.
            for (at, begun) in [(3, 3), (9, 9), (17, 12), (25, 14), (26, 26)] {
                wait_until(at).await;
                renewed.send_replace(start + SECOND * begun);
                // The other one hears of it before the time goes on.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
            wait_until(40).await;
            drop(renewed);
        };
        tokio::join!(judging, playing);
        assert_eq!(*told.lock().unwrap(), [(false, 22), (true, 26), (false, 36)]);
    }
}
