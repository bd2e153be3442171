//! What only a database that several controllers can reach has: standing by, taking over, locks, broken connections.

use crate::bench::{Bench, NOW, Run, started};
use crate::server::Server;
use crate::tokens::{enrolment, token};
use pulse_core::time::Timestamp;
use pulse_protocol::{AgentName, Epoch};
use pulse_store::{Candidate, Heartbeat, Store, Taken, WriteError};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use std::time::Duration;

/// Steps of a twentieth of a second that something is waited for.
const STEPS: u32 = 600;

async fn candidate(bench: &Bench, owner: &str) -> Candidate {
    Candidate::connect(&bench.url, owner).await.expect("connected")
}

async fn stands_by(candidate: &Candidate) -> Duration {
    match candidate.take().await.expect("asked") {
        Taken::StandBy(holder) => {
            assert_eq!(holder.name, "controller-1");
            assert!(holder.expires_in <= Duration::from_secs(10), "{holder:?}");
            holder.expires_in
        }
        Taken::Store(_) => panic!("the leases are another's"),
    }
}

/// Waits a twentieth of a second.
#[expect(clippy::disallowed_methods, reason = "nothing tells when a server's other connections have come so far")]
async fn step() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Another process's transaction, held open.
struct Hand(AnyConnection);

impl Hand {
    async fn begin(bench: &Bench) -> Self {
        sqlx::any::install_default_drivers();
        let mut hand = Self(AnyConnection::connect(&bench.url).await.expect("the side door opens"));
        hand.run("BEGIN").await;
        hand
    }

    async fn run(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.expect(sql);
    }

    /// Other connections of this database whose statement takes long, once there is one, with how long it has taken: each has
    /// a handful of rows to look at, so that it can only be waiting for a lock. (`innodb_trx` would say so outright, but shows
    /// nothing new to whoever reads it more often than ten times a second.)
    async fn waiting(&mut self) -> Vec<(i64, i64)> {
        let select = "SELECT CAST(id AS SIGNED), CAST(time_ms AS SIGNED) FROM information_schema.processlist \
            WHERE db = DATABASE() AND command IN ('Query', 'Execute') AND time_ms > 300 AND id <> CONNECTION_ID()";
        for _ in 0..STEPS {
            let waiting: Vec<(i64, i64)> = sqlx::query_as(select).fetch_all(&mut self.0).await.expect("readable");
            if !waiting.is_empty() {
                return waiting;
            }
            step().await;
        }
        panic!("nobody waits for a lock");
    }
}

pub async fn a_second_controller_stands_by_and_takes_over(bench: Bench) {
    let first = bench.open().await;
    let second = candidate(&bench, "controller-2").await;
    stands_by(&second).await;
    first.renew_leases().await.expect("renewed");
    assert!(stands_by(&second).await > Duration::from_secs(8), "renewing counts by the database's clock");
    let run = started(&first, "update", 1).await;
    first.close().await;
    let Taken::Store(store) = second.take().await.expect("asked") else { panic!("the leases were given back") };
    assert_eq!(bench.count("SELECT COUNT(*) FROM leases WHERE epoch = 2 AND owner = 'controller-2'").await, 17);
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 1);
    started(&store, "update", 2).await;
    store.close().await;
}

/// Who restarts knows that its predecessor is dead, and nothing of anybody else.
pub async fn the_leases_of_the_dead_are_taken_at_once(bench: Bench) {
    let first = bench.open().await;
    let mut run = started(&first, "update", 1).await;
    let second = candidate(&bench, "controller-2").await;
    stands_by(&second).await;
    assert!(matches!(second.take_from("controller-0").await.expect("asked"), Taken::StandBy(_)));
    let Taken::Store(store) = second.take_from("controller-1").await.expect("asked") else { panic!("it is dead") };
    // Should it not be dead after all, the fence keeps it out.
    assert!(matches!(first.writer().submit(run.note("late")).await, Err(WriteError::Fenced { .. })));
    started(&store, "update", 2).await;
    store.close().await;
}

/// The first controller is alive and does not know: it stood still for longer than its leases.
pub async fn leases_expire_and_one_of_two_takes_them_over(bench: Bench) {
    let first = bench.open().await;
    let mut run = started(&first, "update", 1).await;
    let (second, third) = (candidate(&bench, "controller-2").await, candidate(&bench, "controller-3").await);
    let left = stands_by(&second).await;
    assert!(left > Duration::from_secs(5), "{left:?}");
    let mut leader = None;
    for _ in 0..STEPS {
        let (one, other) = tokio::join!(second.take(), third.take());
        let taken: Vec<Store> = [one, other]
            .into_iter()
            .filter_map(|taken| match taken.expect("asked") {
                Taken::Store(store) => Some(store),
                Taken::StandBy(_) => None,
            })
            .collect();
        assert!(taken.len() < 2, "two controllers hold the leases");
        leader = taken.into_iter().next();
        if leader.is_some() {
            break;
        }
        step().await;
    }
    let leader = leader.expect("somebody took over");
    assert!(matches!(first.writer().submit(run.note("late")).await, Err(WriteError::Fenced { .. })));
    assert_eq!(first.cluster_id("late").await.expect_err("fenced").code(), "fenced");
    assert_eq!(first.renew_leases().await.expect_err("fenced").code(), "fenced");
    leader.writer().submit(run.clone().item(vec![])).await.expect_err("its picture of the run is ahead of the database");
    assert_eq!(leader.history(run.id()).await.expect("readable").len(), 1);
    first.close().await;
    leader.renew_leases().await.expect("the old controller's end takes nothing from the new one");
    leader.close().await;
}

pub async fn a_deadlock_is_tried_again(bench: Bench) {
    let store = bench.open().await;
    token(&store, "s1", 9, &[]).await;
    let names: Vec<AgentName> = ["web0", "web1"].map(|name| name.parse().expect("a name")).into();
    for name in &names {
        store.enrol(&enrolment(name.as_str(), "key", "s1")).await.expect("enrolled");
    }
    const DEADLOCKS: &str = "SELECT CAST(variable_value AS INTEGER) FROM information_schema.global_status \
        WHERE variable_name = 'Innodb_deadlocks'";
    let before = bench.count(DEADLOCKS).await;
    let mut hand = Hand::begin(&bench).await;
    // The transaction that has written less is the one that is given up.
    let rows: Vec<String> = (0..500).map(|n| format!("('weight{n}', 'x')")).collect();
    hand.run(&format!("INSERT INTO meta (name, value) VALUES {}", rows.join(","))).await;
    hand.run("UPDATE agents SET slots = 7 WHERE name = 'web1'").await;
    let later = Timestamp(NOW.0 + 5);
    let beats: Vec<_> = names.iter().map(|name| Heartbeat { name: name.clone(), epoch: Epoch(0), sequence: 5 }).collect();
    let touched = tokio::spawn({
        let store = store.clone();
        async move { store.touch(&beats, later).await }
    });
    hand.waiting().await;
    // It holds web0 and waits for web1.
    hand.run("UPDATE agents SET slots = 7 WHERE name = 'web0'").await;
    hand.run("COMMIT").await;
    touched.await.expect("no panic").expect("tried again");
    assert!(bench.count(DEADLOCKS).await > before, "there was a deadlock");
    for name in &names {
        let agent = store.agent(name).await.expect("readable").expect("there");
        assert_eq!((agent.slots, agent.sequence, agent.last_seen), (7, 5, Some(later)), "nothing is lost of either");
    }
}

pub async fn a_lock_that_comes_too_late_is_waited_for_again(bench: Bench) {
    let store = bench.open().await;
    let mut hand = Hand::begin(&bench).await;
    hand.run("SELECT * FROM leases FOR UPDATE").await;
    let mut run = Run::new("update", 1);
    let submitted = tokio::spawn({
        let (writer, item) = (store.writer().clone(), run.create());
        async move { writer.submit(item).await }
    });
    // The first try gives up after its three seconds; then another one waits, and has waited for less.
    let mut waited = 0;
    loop {
        let now = hand.waiting().await[0].1;
        if now < waited {
            break;
        }
        assert!(now < 20_000, "the first try waits for ever");
        waited = now;
        step().await;
    }
    hand.run("ROLLBACK").await;
    submitted.await.expect("no panic").expect("written");
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 1);
}

pub async fn a_connection_killed_in_a_batch_costs_nothing(bench: Bench) {
    let store = bench.open().await;
    let mut killer = Hand::begin(&bench).await;
    for round in 0..3 {
        let mut hand = Hand::begin(&bench).await;
        hand.run("SELECT * FROM leases FOR UPDATE").await;
        let mut runs: Vec<Run> = (1..=20).map(|number| Run::new(&format!("killed{round}"), number)).collect();
        let items: Vec<_> = runs.iter_mut().map(Run::create).collect();
        let submitted: Vec<_> = items
            .into_iter()
            .map(|item| {
                let writer = store.writer().clone();
                tokio::spawn(async move { writer.submit(item).await })
            })
            .collect();
        for (id, _) in killer.waiting().await {
            killer.run(&format!("KILL CONNECTION {id}")).await;
        }
        hand.run("ROLLBACK").await;
        for (run, answer) in runs.iter().zip(submitted) {
            answer.await.expect("no panic").expect("written by another connection");
            assert_eq!(store.history(run.id()).await.expect("readable").len(), 1);
        }
    }
    assert_eq!(bench.count("SELECT COUNT(*) FROM events").await, 60);
}

/// `kill -9` of the server while executions are written: what was answered is there, and the store goes on by itself.
pub async fn a_server_that_dies_forgets_nothing_that_was_answered(_: Bench) {
    let mut server = Server::start();
    let store = server.open().await;
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        let tasks: Vec<_> = (1..=400)
            .map(|number| {
                let (writer, mut run) = (store.writer().clone(), Run::new(&format!("round{round}"), number));
                tokio::spawn(async move {
                    let answer = writer.submit(run.create()).await;
                    (run.id(), answer)
                })
            })
            .collect();
        let mut tasks = tasks.into_iter();
        // Some are answered, the others are on their way.
        acknowledged.push(tasks.next().expect("the first").await.expect("no panic").0);
        server.kill();
        server.start_again();
        for task in tasks {
            let (id, answer) = task.await.expect("no panic");
            match answer {
                Ok(()) => acknowledged.push(id),
                Err(WriteError::Database { .. }) => assert!(store.history(id).await.expect("readable").is_empty()),
                Err(WriteError::Unclear { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        for id in &acknowledged {
            assert_eq!(store.history(*id).await.expect("readable").len(), 1, "an answered item is there");
        }
        store.renew_leases().await.expect("nobody else took over");
        started(&store, "after", round).await;
    }
    store.close().await;
}

pub async fn a_read_only_server_is_said_to_be_and_recovers(_: Bench) {
    let server = Server::start();
    let store = server.open().await;
    let mut run = started(&store, "update", 1).await;
    server.rule("SET GLOBAL read_only = 1").await.expect("set");
    let refused = store.writer().submit(run.clone().note("refused")).await;
    assert!(
        matches!(&refused, Err(WriteError::Database { reason }) if reason.contains("read-only") || reason.contains("1290")),
        "{refused:?}"
    );
    // What no item can mend is not tried for each of them.
    let before = server.begun().await;
    let mut runs: Vec<Run> = (2..=100).map(|number| Run::new("update", number)).collect();
    let refused = futures_util::future::join_all(runs.iter_mut().map(|run| store.writer().submit(run.create()))).await;
    assert!(refused.iter().all(|answer| matches!(answer, Err(WriteError::Database { .. }))), "{refused:?}");
    let begun = server.begun().await - before;
    assert!((1..20).contains(&begun), "{begun} transactions for nothing");
    let error = store.renew_leases().await.expect_err("nothing can be written");
    assert!(error.is_transient() && error.code() == "store_database", "{error}");
    assert_eq!(store.history(run.id()).await.expect("reads go on").len(), 1);
    server.rule("SET GLOBAL read_only = 0").await.expect("set");
    store.writer().submit(run.note("written")).await.expect("it recovers by itself");
    // A server that is full of connections, or not there, is worth waiting for; a wrong password is not.
    let wrong = server.url().replace("p%40ss", "h%40ck");
    let denied = Store::open(&wrong, "controller-2").await.expect_err("denied");
    assert!(!denied.is_transient() && !format!("{denied:?}").contains("ck/w"), "{denied}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let nobody = Store::open(&format!("mariadb://u:p@127.0.0.1:{closed}/d"), "controller-2").await.expect_err("nobody there");
    assert!(nobody.is_transient(), "{nobody}");
    let absent = server.url().replace("/pulse?", "/absent?");
    assert!(!Store::open(&absent, "controller-2").await.expect_err("no such database").is_transient());
    store.close().await;
}

/// A binary log of statements takes nothing that READ COMMITTED writes.
pub async fn a_server_that_cannot_log_its_writes_is_refused(_: Bench) {
    let server = Server::start_with(&["--log-bin=binlog", "--binlog-format=STATEMENT", "--sync-binlog=1"]);
    let refused = Store::open(&server.url(), "controller-1").await.expect_err("it could write nothing");
    let said = refused.to_string();
    assert!(refused.code() == "store_server" && !refused.is_transient(), "{refused:?}");
    assert!(said.contains("binlog_format") && said.contains("STATEMENT") && said.contains("MIXED"), "{said}");
    let refused = pulse_store::migrate(&server.url()).await.expect_err("nor be migrated");
    assert_eq!(refused.code(), "store_server");
    for format in ["MIXED", "ROW"] {
        server.rule(&format!("SET GLOBAL binlog_format = '{format}'")).await.expect("set");
        let store = server.open().await;
        started(&store, format, 1).await;
        store.close().await;
    }
}

/// A server may come back as another one: with other settings, or as another machine behind the same address.
pub async fn every_new_connection_is_checked(_: Bench) {
    let server = Server::start();
    let store = server.open().await;
    let mut run = started(&store, "update", 1).await;
    let change = async |packet: u32| {
        server.rule(&format!("SET GLOBAL max_allowed_packet = {packet}")).await.expect("set");
        server.rule("KILL USER pulse").await.expect("its connections are gone");
    };
    change(1 << 20).await;
    let (read, written) = tokio::join!(store.history(run.id()), store.writer().submit(run.clone().note("refused")));
    let error = read.expect_err("no connection is good enough to read with");
    assert!(error.is_transient() && error.code() == "store_database", "{error}");
    assert!(matches!(written, Err(WriteError::Database { .. })), "nor to write with: {written:?}");
    change(16 << 20).await;
    store.writer().submit(run.note("written")).await.expect("it recovers by itself");
    assert_eq!(store.history(run.id()).await.expect("readable").len(), 2);
    store.close().await;
}
