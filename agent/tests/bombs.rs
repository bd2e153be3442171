//! Commands that take all they can get, of processes, memory and cores: they alone suffer for it.

mod harness;

use harness::limits::{MemoryCgroup, start_with_processes};
use harness::{Agent, Controller, RHYTHM, assert_exited, wait, wait_within};
use pulse_protocol::observation::EndKind;
use std::time::{Duration, Instant};

/// The living processes whose arguments hold a text, which is a test's own.
fn processes_with(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    // A process that is dead and not yet taken away has no arguments any more.
    all.filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(text)))
        .count()
}

#[test]
fn a_fork_bomb_starves_nobody_else_and_is_ended_whole() {
    const MOST: usize = 150;
    let (controller, root) = (Controller::start_with_heartbeat(RHYTHM), tempfile::tempdir().unwrap());
    let _agent = start_with_processes(&controller, root.path(), MOST);
    // It needs no other process to go on.
    let pipe = root.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").args(["-m", "666"]).arg(&pipe).status().unwrap().success());
    let quiet = controller.attempt(&format!("exec cat '{}'", pipe.display()));
    controller.assign(vec![quiet.clone()]);
    controller.started(quiet.attempt);

    // The shell gives up at the first process that it does not get; those that it has hold its pipes for a moment.
    let (_, ended) = controller.run("while :; do sleep 1 & done");
    assert_exited(&ended, 2);

    // Each process tries for ever to make others, each in a session of its own.
    let mark = uuid::Uuid::new_v4().to_string();
    let make = "while (1) { my $p = fork; if (!defined $p) { select undef, undef, undef, 0.005 } elsif (!$p) { setsid } }";
    let mut bomb = controller.attempt(&format!("exec perl -MPOSIX -e '{make}' \"$MARK\""));
    bomb.command.as_mut().unwrap().env.insert("MARK".into(), mark.clone());
    controller.assign(vec![bomb.clone()]);
    wait("the bomb", || (processes_with(&mark) > MOST * 2 / 3).then_some(()));
    controller.measure_beats();
    // It may not have taken the last one yet.
    let reason = wait("a command without room", || match controller.run("true").1.how {
        EndKind::NotStarted { reason } => Some(reason),
        EndKind::Exited { code: 0 } => None,
        other => panic!("{other:?}: it did not start, and that is known"),
    });
    assert!(reason.contains("Resource temporarily unavailable"), "{reason}");
    controller.assert_rhythm(&format!("beside a bomb of {} processes", processes_with(&mark)));
    std::fs::write(&pipe, "still here\n").unwrap();
    assert_exited(&controller.end(quiet.attempt), 0);

    let asked = Instant::now();
    controller.stop(&bomb);
    assert_eq!(controller.end(bomb.attempt).how, EndKind::Cancelled);
    println!("{:?} from the cancel to the end of the bomb", asked.elapsed());
    assert_eq!(processes_with(&mark), 0);
    assert_exited(&controller.run("true").1, 0);
}

#[test]
fn thousands_of_orphans_leave_no_entries_behind() {
    let (controller, root) = (Controller::start_with_heartbeat(RHYTHM), tempfile::tempdir().unwrap());
    let agent = Agent::start(&controller, &root.path().join("data"));
    let done = root.path().join("done");
    let make = "for (1..1000) { if (!fork) { fork; exit } wait }";
    let command = controller.attempt(&format!("perl -e '{make}'; : > '{}'; exec sleep 60", done.display()));
    controller.assign(vec![command.clone()]);
    wait("the orphans", || done.exists().then_some(()));
    let shim = agent.shims()[0];
    let stats = || std::fs::read_dir("/proc").unwrap().filter_map(|e| std::fs::read_to_string(e.ok()?.path().join("stat")).ok());
    let dead = format!("Z {shim} ");
    wait_within(Duration::from_secs(10), "their end", || {
        let left = stats().filter(|stat| stat.rsplit(") ").next().unwrap().starts_with(&dead)).count();
        (left == 0).then_some(())
    });
    controller.stop(&command);
    assert_eq!(controller.end(command.attempt).how, EndKind::Cancelled);
}

#[test]
fn a_command_that_fills_the_memory_is_ended_and_nobody_else() {
    let (controller, root) = (Controller::start_with_heartbeat(RHYTHM), tempfile::tempdir().unwrap());
    let data = root.path().join("data");
    let Some(cgroup) = MemoryCgroup::make(128 << 20) else {
        println!("no cgroup can be made here: the command bounds itself");
        let _agent = Agent::start(&controller, &data);
        let (_, ended) = controller.run("ulimit -v 300000; exec perl -e 'push @x, \"x\" x 1e6 while 1' 2>/dev/null");
        return assert_exited(&ended, 1);
    };
    let mut agent = cgroup.start(&controller, &data);
    let beside = controller.attempt(&format!("until [ -e '{}' ]; do sleep 0.1; done", root.path().join("go").display()));
    // Its processes are small like the bomb's and may be chosen like them; its shim may not.
    controller.assign(vec![beside.clone()]);
    controller.started(beside.attempt);
    let (_, ended) = controller.run("exec perl -e 'push @x, \"x\" x 1e6 while 1'");
    assert_eq!(ended.how, EndKind::Signalled { signal: 9 });

    // None of these is as large as the agent, and there are always more of them.
    let many = controller
        .attempt("exec perl -e 'while (1) { my $p = fork; if (defined $p && !$p) { $x = \"x\" x 1e6; sleep 5; exit } }'");
    controller.assign(vec![many.clone()]);
    controller.started(many.attempt);
    controller.measure_beats();
    // The agent itself has to wait for each page: no rhythm, but signs of life.
    controller.wait("heartbeats", |heard| (heard.beats.len() > 2).then_some(()));
    controller.stop(&many);
    let ended = controller.end(many.attempt);
    // The kernel may have chosen the first of them before the cancel came.
    assert!(matches!(ended.how, EndKind::Cancelled | EndKind::Signalled { signal: 9 }), "{ended:?}");
    assert!(agent.child.try_wait().unwrap().is_none(), "the agent lives");
    assert_eq!(controller.heard.lock().unwrap().sessions, 1);
    std::fs::write(root.path().join("go"), "").unwrap();
    let ended = controller.end(beside.attempt).how;
    assert!(matches!(ended, EndKind::Exited { .. } | EndKind::Signalled { signal: 9 }), "its shim has lived to tell: {ended:?}");
    // Where the first of them was chosen, the others still hold the memory for a moment.
    wait("a command with room", || (controller.run("true").1.how == EndKind::Exited { code: 0 }).then_some(()));
}

#[test]
fn heartbeats_keep_their_rhythm_while_every_core_burns_and_output_floods() {
    let (controller, root) = (Controller::start_with_heartbeat(RHYTHM), tempfile::tempdir().unwrap());
    let _agent = Agent::start(&controller, &root.path().join("data"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let scripts = ["while :; do :; done", "while :; do :; done", "exec yes 'a line among very many'"];
    let commands: Vec<_> = scripts.iter().cycle().take(3 * cores).map(|script| controller.attempt(script)).collect();
    controller.assign(commands.clone());
    for command in &commands {
        controller.started(command.attempt);
    }
    controller.measure_beats();
    let begun = Instant::now();
    assert_exited(&controller.run("true").1, 0);
    println!("{:?} for a command beside", begun.elapsed());
    controller.assert_rhythm(&format!("beside {} commands that burn and write on {cores} cores", commands.len()));
    commands.iter().for_each(|command| controller.stop(command));
    commands.iter().for_each(|command| assert_eq!(controller.end(command.attempt).how, EndKind::Cancelled));
}
