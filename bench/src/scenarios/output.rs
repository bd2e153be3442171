//! How fast a command can write: beside a bare program that drains its pipe, hashes, and spools to disk as much as an agent keeps.

use super::{Means, Scene};
use crate::client::{Load, Wait, Watcher};
use crate::figures::{Goal, Rounds};
use crate::world::{Engine, RealAgents, real_names, shell};
use anyhow::ensure;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// Kept of a stream's beginning, and of its end, as an agent does.
const HEAD: u64 = 1 << 20;
const RING: u64 = 5 << 20;
const MOST: f64 = 1.2;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    means.report.scenario(&format!("output, {}", engine.name()));
    let mib = means.of(512, 64);
    let small = 4;
    let scene = Scene::new(engine).await?;
    let pour = |mib: usize| format!("head -c {} /dev/zero", mib * MIB);
    let large = scene.manifests.for_each("large", &real_names(1), &shell(&pour(mib)), 1)?;
    let kept = scene.manifests.for_each("kept", &real_names(1), &shell(&pour(small)), 1)?;
    let controller = scene.controller().await?;
    let _agents = RealAgents::start(scene.path(), &controller, 1, 5).await?;
    let wait = Wait::Events(Arc::new(Watcher::begin(&controller.target).await?));
    let load = |bodies, count, in_flight| Load {
        target: controller.target.clone(),
        bodies: Arc::new(bodies),
        in_flight,
        count,
        stamps: None,
        wait: wait.clone(),
    };
    let (large, kept) = (load(large, 1, 1), load(kept, 10, 5));
    let none = Rounds::default;
    let (mut bound, mut ours, mut share, mut stored) = (none(), none(), none(), none());
    for _ in 0..means.rounds() {
        let bare = bare(&pour(mib), mib, &scene.path().join("spool"))?;
        let time = large.run().await?.done.percentile(50);
        bound.push(mib as f64 / bare.as_secs_f64());
        ours.push(mib as f64 / time.as_secs_f64());
        share.push(time.as_secs_f64() / bare.as_secs_f64());
        stored.push(small as f64 * kept.run().await?.rate());
    }
    let report = &mut means.report;
    report.limit(format!("a bare program that drains, hashes and spools {mib} MiB"), &bound, "MiB/s");
    report.pulse(format!("{mib} MiB of one command, from the POST to done"), &ours, "MiB/s", None);
    report.pulse("of the bare program's time", &share, "times", Some(Goal::AtMost(MOST)));
    report.pulse(format!("{small} MiB of each of five commands at a time, all of it stored"), &stored, "MiB/s", None);
    Ok(())
}

fn bare(command: &str, mib: usize, spool: &Path) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut child = Command::new("/bin/sh").args(["-e", "-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let file = File::create(spool)?;
    let (mut hash, mut total, mut buffer) = (Sha256::new(), 0_u64, vec![0; 64 << 10]);
    if let Some(mut pipe) = child.stdout.take() {
        loop {
            let length = pipe.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hash.update(&buffer[..length]);
            let at = if total < HEAD { total } else { HEAD + (total - HEAD) % RING };
            file.write_all_at(&buffer[..length], at)?;
            total += length as u64;
        }
    }
    file.sync_data()?;
    ensure!(child.wait()?.success() && total == (mib * MIB) as u64, "{total} bytes");
    // The digest is what the time was spent on.
    ensure!(hash.finalize().len() == 32, "no digest");
    Ok(begun.elapsed())
}
