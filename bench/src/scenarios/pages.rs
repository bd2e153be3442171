//! Pages of a list: a million past executions beside a thousand. The rows are written by SQL, as the store would have left them.

use super::{Means, Scene};
use crate::client::Http;
use crate::figures::{Goal, Rounds, Times};
use crate::world::{Controller, Engine};
use anyhow::ensure;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::time::Instant;

const FEW: usize = 1000;
const MANY: usize = 1_000_000;
/// Rows of one statement.
const PIECE: usize = 20_000;
/// The first one's time, milliseconds since 1970; each is a second after the one before.
const BEGIN_MS: u64 = 1_700_000_000_000;
const MOST: f64 = 1.5;

/// Runs it.
pub async fn run(means: &mut Means, engine: Engine) -> anyhow::Result<()> {
    let many = means.of(MANY, 50_000);
    means.report.scenario(&format!("pages, {}", engine.name()));
    let begun = Instant::now();
    let worlds = [world(engine, FEW).await?, world(engine, many).await?];
    println!("  {many} executions were written in {:.0} s", begun.elapsed().as_secs_f64());
    let mut https = [Http::connect(&worlds[0].1.target).await?, Http::connect(&worlds[1].1.target).await?];
    let pages = ["first", "deep", "workflow", "status", "label", "status of a workflow"];
    let mut figures: Vec<[Rounds; 3]> = pages.iter().map(|_| Default::default()).collect();
    for _ in 0..means.rounds() {
        for (page, [few, large, times]) in pages.iter().zip(&mut figures) {
            let one = time(&mut https[0], &path(page, FEW), means.of(60, 10)).await?;
            let other = time(&mut https[1], &path(page, many), means.of(60, 10)).await?;
            few.push(one);
            large.push(other);
            times.push(other / one);
        }
    }
    for (page, [few, large, times]) in pages.iter().zip(&figures) {
        let report = &mut means.report;
        report.pulse(format!("{page} page of {FEW}, p50"), few, "ms", None);
        report.pulse(format!("{page} page of {many}, p50"), large, "ms", None);
        report.pulse(format!("{page} page of {many} to one of {FEW}"), times, "times", Some(Goal::AtMost(MOST)));
    }
    Ok(())
}

/// A controller on so many past executions.
async fn world(engine: Engine, count: usize) -> anyhow::Result<(Scene, Controller)> {
    let scene = Scene::new(engine).await?;
    // It makes the schema, and is gone while rows come in.
    scene.controller().await?.process.kill()?;
    let mut door = scene.database.side_door().await?;
    for from in (0..count).step_by(PIECE) {
        fill(engine, &mut door, from, (from + PIECE).min(count)).await?;
    }
    if engine == Engine::MariaDb {
        // As its own statistics would be after some time.
        sqlx::query("ANALYZE TABLE executions, execution_labels").execute(&mut door).await?;
    }
    door.close().await?;
    let controller = scene.controller().await?;
    Ok((scene, controller))
}

/// The executions of these numbers: of twenty workflows, each tenth of them failed, with one label of ten.
async fn fill(engine: Engine, door: &mut AnyConnection, from: usize, to: usize) -> anyhow::Result<()> {
    let (numbers, id) = match engine {
        Engine::MariaDb => (
            format!("seq_{from}_to_{}", to - 1),
            "LOWER(CONCAT(SUBSTR(LPAD(HEX(ms), 12, '0'), 1, 8), '-', SUBSTR(LPAD(HEX(ms), 12, '0'), 9), '-7000-8000-', LPAD(HEX(seq), 12, '0')))",
        ),
        Engine::Sqlite => (
            format!(
                "(WITH RECURSIVE n(seq) AS (SELECT {from} UNION ALL SELECT seq + 1 FROM n WHERE seq < {}) SELECT seq FROM n)",
                to - 1
            ),
            "substr(printf('%012x', ms), 1, 8) || '-' || substr(printf('%012x', ms), 9) || '-7000-8000-' || printf('%012x', seq)",
        ),
    };
    let concat = |parts: &[&str]| match engine {
        Engine::MariaDb => format!("CONCAT({})", parts.join(", ")),
        Engine::Sqlite => parts.join(" || "),
    };
    // `||` binds more tightly than `%`.
    let divided = |by: u32| if engine == Engine::MariaDb { format!("(seq DIV {by})") } else { format!("(seq / {by})") };
    let number = divided(20);
    let (workflow, team) = (concat(&["'flow-'", "(seq % 20)"]), concat(&["'t'", &format!("({} % 10)", divided(7))]));
    let labels = concat(&["'{\"team\":\"'", &format!("({team})"), "'\"}'"]);
    let rows = format!("(SELECT seq, {BEGIN_MS} + seq * 1000 AS ms FROM {numbers} AS numbers) AS rows_to_be");
    let statements = [
        format!(
            "INSERT INTO executions (id, part, source, workflow, number, status, terminal, commit_id, snapshot, started_by, created_at, \
             started_at, ended_at, seq, prior_seq, labels, revision) SELECT {id}, seq % 16, 'default', {workflow}, {number} + 1, \
             CASE WHEN {number} % 10 = 3 THEN 'failed' ELSE 'succeeded' END, 1, 'c0ffee0000000000000000000000000000000000', \
             '5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a', 'admin', ms * 1000, ms * 1000, ms * 1000 + 900000, \
             6, 5, {labels}, 3 FROM {rows}"
        ),
        format!("INSERT INTO execution_labels (label_key, label_value, execution) SELECT 'team', {team}, {id} FROM {rows}"),
    ];
    let mut transaction = door.begin().await?;
    for statement in statements {
        let written = sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?.rows_affected();
        ensure!(written == (to - from) as u64, "{written} rows of {}", to - from);
    }
    Ok(transaction.commit().await?)
}

/// The page of this name among so many executions.
fn path(page: &str, count: usize) -> String {
    let query = match page {
        "deep" => {
            let middle = count as u64 / 2;
            let ms = format!("{:012x}", BEGIN_MS + middle * 1000);
            format!("cursor={}-{}-7000-8000-{middle:012x}", &ms[..8], &ms[8..])
        }
        "workflow" => "workflow=flow-7".to_owned(),
        "status" => "status=failed".to_owned(),
        "label" => "label=team%3Dt4".to_owned(),
        "status of a workflow" => "workflow=flow-7&status=succeeded".to_owned(),
        _ => String::new(),
    };
    // Every page has as many rows on both: a thousand hold fifty of each workflow, of which five have failed.
    format!("/api/v1/executions?limit=40&{query}").trim_end_matches('&').to_owned()
}

async fn time(http: &mut Http, path: &str, count: usize) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let (status, body) = http.get(path).await?;
        times.push(begun.elapsed());
        ensure!(status == 200, "{path}: {status}: {}", String::from_utf8_lossy(body));
    }
    let items = http.get_json(path).await?["items"].as_array().map_or(0, Vec::len);
    ensure!(items == 40, "{path}: {items} items");
    Ok(Times::new(times)?.percentile_ms(50))
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_deep_page_begins_in_the_middle() {
        let deep = path("deep", 1000);
        assert_eq!(deep, "/api/v1/executions?limit=40&cursor=018bcfed-0920-7000-8000-0000000001f4");
        assert_eq!(path("first", 1000), "/api/v1/executions?limit=40");
    }
}
