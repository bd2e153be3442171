//! Who does the faults of a plan and heals them, and starts again what ends by itself, as a supervisor does.

use super::plan::{CONTROLLERS, Fault, Line, Planned, Trouble};
use super::say;
use super::tally::Tally;
use crate::harness::{Agent, Controller, Database, OwnServer, Relay, processes_of, sweep};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(50);
/// How often it is asked what a process holds, and how long after a start: until the kernel has closed them, a new process shows the files
/// of the one that started it.
const MEASURE: Duration = Duration::from_secs(1);

const NAMES: [&str; CONTROLLERS] = ["controller 1", "controller 2"];

/// Faults of one kind of victims, one after the other.
pub trait Lane {
    /// Does it.
    fn begin(&mut self, fault: Fault);
    /// Ends it.
    fn heal(&mut self, fault: Fault);
    /// Looks after the victims meanwhile.
    fn tend(&mut self) {}
}

/// Follows the plan, and tends the victims until the run is over.
pub fn follow(lane: &mut impl Lane, plan: &[Planned], tally: &Tally) {
    let begun = loop {
        if let Some(begun) = *tally.faults_begin.lock().unwrap() {
            break begun;
        }
        if tally.is_over() {
            return;
        }
        lane.tend();
        sleep(LOOK);
    };
    for planned in plan {
        tend_until(lane, begun + planned.at, tally);
        if tally.is_over() {
            return;
        }
        say(&format!("{:5.1} s  {:?} for {:.1?}", begun.elapsed().as_secs_f64(), planned.fault, planned.lasts));
        let of_database = usize::from(planned.fault.is_of_database());
        let of_controllers = usize::from(planned.fault.is_of_controllers());
        {
            let mut counts = tally.counts();
            *counts.faults.entry(planned.fault.kind()).or_default() += 1;
            counts.database_faults += of_database;
            counts.controller_faults += of_controllers;
        }
        lane.begin(planned.fault);
        tend_until(lane, Instant::now() + planned.lasts, tally);
        lane.heal(planned.fault);
        let mut counts = tally.counts();
        counts.database_faults -= of_database;
        counts.controller_faults -= of_controllers;
    }
    tally.lane_done();
}

/// The same, and tends on until the run is over.
pub fn follow_and_stay(lane: &mut impl Lane, plan: &[Planned], tally: &Tally) {
    follow(lane, plan, tally);
    while !tally.is_over() {
        lane.tend();
        sleep(LOOK);
    }
}

fn tend_until(lane: &mut impl Lane, end: Instant, tally: &Tally) {
    while Instant::now() < end && !tally.is_over() {
        lane.tend();
        sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
    }
}

/// Both controllers.
pub struct Controllers<'run> {
    both: [&'run mut Controller; 2],
    measured: Instant,
    tally: &'run Tally,
}

impl<'run> Controllers<'run> {
    /// They run.
    pub fn new(both: [&'run mut Controller; 2], tally: &'run Tally) -> Self {
        Self { both, measured: Instant::now(), tally }
    }

    fn kill(&mut self, one: usize) {
        self.both[one].kill();
        self.both[one].bury();
    }

    fn launch(&mut self, one: usize) {
        self.both[one].launch(&[]);
        self.measured = Instant::now();
    }
}

impl Lane for Controllers<'_> {
    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::KillController(one) => self.kill(one),
            Fault::KillControllers => (0..2).for_each(|one| self.kill(one)),
            Fault::FreezeController(one) => self.both[one].signal("STOP"),
            other => unreachable!("{other:?} is of another lane"),
        }
    }

    fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::KillController(one) => self.launch(one),
            Fault::KillControllers => (0..2).for_each(|one| self.launch(one)),
            Fault::FreezeController(one) => self.both[one].signal("CONT"),
            other => unreachable!("{other:?} is of another lane"),
        }
    }

    fn tend(&mut self) {
        for (one, name) in NAMES.into_iter().enumerate() {
            if let Some(code) = self.both[one].take_end() {
                *self.tally.counts().ends.entry((name.to_owned(), code)).or_default() += 1;
                self.launch(one);
            }
        }
        if self.measured.elapsed() > MEASURE {
            self.measured = Instant::now();
            for (controller, name) in self.both.iter().zip(NAMES) {
                self.tally.holds(name, controller.resources());
            }
        }
    }
}

/// The agents, each with the boot of its host, once that has rebooted.
pub struct Fleet<'run> {
    agents: &'run mut [Agent],
    boots: Vec<Vec<(String, String)>>,
    measured: Instant,
    tally: &'run Tally,
}

impl<'run> Fleet<'run> {
    /// They run.
    pub fn new(agents: &'run mut [Agent], tally: &'run Tally) -> Self {
        let boots = vec![Vec::new(); agents.len()];
        Self { agents, boots, measured: Instant::now(), tally }
    }

    fn launch(&mut self, one: usize) {
        self.agents[one].launch(&self.boots[one]);
        self.measured = Instant::now();
    }

    /// Everything on its host ends at once.
    fn go_down(&mut self, one: usize) {
        let agent = &mut self.agents[one];
        agent.kill();
        agent.bury();
        let data = agent.data().to_owned();
        while !processes_of(&data).is_empty() {
            sweep(&data);
        }
        self.boots[one] = vec![("PULSE_TEST_BOOT_ID".to_owned(), uuid::Uuid::new_v4().to_string())];
    }
}

impl Lane for Fleet<'_> {
    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::KillAgent(one) => {
                self.agents[one].kill();
                self.agents[one].bury();
            }
            Fault::FreezeAgent(one) => self.agents[one].signal("STOP"),
            Fault::KillShims(one) => drop(self.agents[one].kill_shims()),
            Fault::FreezeShims(one) => drop(self.agents[one].signal_shims("STOP")),
            Fault::Reboot(one) => self.go_down(one),
            other => unreachable!("{other:?} is of another lane"),
        }
    }

    fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::KillAgent(one) | Fault::Reboot(one) => self.launch(one),
            Fault::FreezeAgent(one) => self.agents[one].signal("CONT"),
            Fault::KillShims(_) => {}
            Fault::FreezeShims(one) => drop(self.agents[one].signal_shims("CONT")),
            other => unreachable!("{other:?} is of another lane"),
        }
    }

    fn tend(&mut self) {
        for one in 0..self.agents.len() {
            if let Some(code) = self.agents[one].take_end() {
                *self.tally.counts().ends.entry((self.agents[one].name.clone(), code)).or_default() += 1;
                self.launch(one);
            }
        }
        if self.measured.elapsed() > MEASURE {
            self.measured = Instant::now();
            self.agents.iter().for_each(|agent| self.tally.holds(&agent.name, agent.resources()));
        }
    }
}

/// The networks.
pub struct Network<'run> {
    /// Between an agent and the address before the controllers.
    pub agents: &'run [Relay],
    /// Between a controller and the database.
    pub databases: &'run [Relay],
}

impl Network<'_> {
    fn relay(&self, line: Line) -> &Relay {
        match line {
            Line::Agent(one) => &self.agents[one],
            Line::Database(one) => &self.databases[one],
        }
    }
}

impl Lane for Network<'_> {
    fn begin(&mut self, fault: Fault) {
        let Fault::Network(line, trouble) = fault else { unreachable!("{fault:?} is of another lane") };
        let relay = self.relay(line);
        match trouble {
            Trouble::Cut => relay.cut(),
            Trouble::Delay(delay) => relay.slow_down(delay),
            Trouble::HalfOpen(way) => relay.fall_silent_one_way(way),
            Trouble::Silence => relay.fall_silent(),
        }
    }

    fn heal(&mut self, fault: Fault) {
        let Fault::Network(line, _) = fault else { unreachable!("{fault:?} is of another lane") };
        self.relay(line).mend();
    }
}

/// The database.
pub struct DatabaseLane<'run> {
    /// Its server.
    pub server: &'run mut OwnServer,
    /// As somebody who may do everything.
    pub database: &'run Database,
}

impl DatabaseLane<'_> {
    /// No file grows any more, and what was free within is used up: in pieces, the last of them small.
    fn fill_disk(&self) {
        let make =
            "CREATE TABLE IF NOT EXISTS filler.filler (id BIGINT AUTO_INCREMENT PRIMARY KEY, bytes LONGBLOB) ENGINE = InnoDB";
        self.database.execute(make).expect("the filler is made");
        self.server.fill_disk();
        for size in [512 * 1024, 64 * 1024, 4 * 1024] {
            while self.fill(size) {}
        }
    }

    fn fill(&self, size: u32) -> bool {
        match self.database.execute(&format!("INSERT INTO filler.filler (bytes) VALUES (REPEAT('x', {size}))")) {
            Ok(()) => true,
            // It is full, or its server has ended of that.
            Err(_) => false,
        }
    }

    fn rule(&self, sql: &str) {
        self.database.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Lane for DatabaseLane<'_> {
    fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::StopDatabase => self.server.stop(),
            Fault::KillDatabase => self.server.kill(),
            Fault::FreezeDatabase => self.server.signal("STOP"),
            Fault::ReadOnly => self.rule("SET GLOBAL read_only = 1"),
            Fault::DiskFull => self.fill_disk(),
            other => unreachable!("{other:?} is of another lane"),
        }
    }

    fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::StopDatabase | Fault::KillDatabase => self.server.start(),
            Fault::FreezeDatabase => self.server.signal("CONT"),
            Fault::ReadOnly => self.rule("SET GLOBAL read_only = 0"),
            Fault::DiskFull => {
                if self.server.has_ended() {
                    self.server.kill();
                    self.server.start();
                } else {
                    self.server.free_disk();
                }
                self.rule("TRUNCATE filler.filler");
            }
            other => unreachable!("{other:?} is of another lane"),
        }
    }
}
