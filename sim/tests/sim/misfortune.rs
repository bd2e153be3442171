//! What goes wrong in a world, and how.

use crate::net::Link;
use crate::shared::Kind;
use crate::world::World;

impl World {
    /// Frames of one session that are lost, doubled or swapped; the handshake is left alone.
    pub fn unruly(&mut self, link: Link, up: bool) {
        let what = match self.s.dice.below(30) {
            4..=6 if !up => return self.old_frame(link),
            0 => "frame lost",
            1 | 2 => "frame doubled",
            3 if !up => "frames swapped",
            _ => return,
        };
        let Some(conn) = self.s.net.conns.get_mut(&link) else { return };
        let queue = if up { &mut conn.up } else { &mut conn.down };
        let loose = |frame: &String| {
            ["\"report\"", "\"assign\"", "\"acknowledge\"", "\"output\""].iter().any(|kind| frame.contains(kind))
        };
        // A picture says what is not there: late or lost it is harmless, but it may not overtake.
        if queue.is_empty() || !loose(&queue[0]) {
            return;
        }
        match what {
            "frame lost" => drop(queue.pop_front()),
            "frame doubled" if !up || !queue[0].contains("\"full\":true") => {
                let copy = queue[0].clone();
                queue.push_back(copy);
            }
            "frames swapped" if queue.len() > 1 && loose(&queue[1]) => queue.swap(0, 1),
            _ => return,
        }
        self.s.note_fault(what);
    }

    /// Something that was said long ago in this session comes again.
    fn old_frame(&mut self, link: Link) {
        let Some(conn) = self.s.net.conns.get_mut(&link) else { return };
        let assigns: Vec<&String> = conn.old.iter().filter(|frame| frame.contains("\"assign\"")).collect();
        if !assigns.is_empty() {
            let frame = assigns[self.s.dice.below(assigns.len())].clone();
            conn.down.push_back(frame);
            self.s.note_fault("frame comes late, again");
        }
    }

    fn kill_controller(&mut self, place: usize) {
        let controller = self.controllers.remove(place);
        for link in controller.sessions.keys() {
            // Frames under way may still arrive; nobody says more.
            self.s.net.close_controller(*link);
        }
        self.respawn = self.s.now + 500_000;
    }

    pub fn misfortune(&mut self) {
        let Some(which) = self.s.misfortune(16) else { return };
        let place = self.s.dice.below(self.hosts.len());
        match which {
            0 | 1 if !self.controllers.is_empty() => {
                let place = self.s.dice.below(self.controllers.len());
                self.s.note_fault("controller is killed");
                self.kill_controller(place);
            }
            2 if !self.controllers.is_empty() => {
                let place = self.s.dice.below(self.controllers.len());
                let controller = &mut self.controllers[place];
                controller.frozen = !controller.frozen;
                if controller.frozen {
                    self.s.note_fault("controller stands still");
                } else {
                    controller.thaw(&self.s);
                }
            }
            3 if self.s.dice.once_in(3) && !self.controllers.is_empty() => self.jump(),
            4 => {
                self.s.note_fault("agent is killed");
                self.hosts[place].kill_agent(&mut self.s);
            }
            5 => {
                self.s.note_fault("shim is killed");
                self.hosts[place].kill_shim(&mut self.s);
            }
            6 => {
                self.s.note_fault("host reboots");
                self.hosts[place].reboot(&mut self.s, false);
            }
            7 => {
                self.s.note_fault("power cut");
                self.hosts[place].reboot(&mut self.s, true);
            }
            8 => {
                self.s.note_fault("journal is deleted");
                let everything = self.s.dice.once_in(2);
                let name = self.hosts[place].name.clone();
                self.s.judge.forgot.insert(name.clone());
                if everything {
                    self.s.judge.wiped.insert(name);
                }
                self.hosts[place].wipe(&mut self.s, everything);
                if self.s.dice.once_in(2) {
                    self.hosts[place].start(&mut self.s);
                }
            }
            9 => self.stall(),
            10 | 11 => self.half_open(place),
            12 => {
                self.s.note_fault("connection breaks");
                if let Some(link) = self.hosts[place].link()
                    && let Some(conn) = self.s.net.conns.get_mut(&link)
                {
                    conn.down.clear();
                    conn.controller_open = false;
                    for controller in &mut self.controllers {
                        controller.close(&mut self.s, link);
                    }
                }
            }
            _ if self.s.kind == Kind::Restored => self.restore(),
            _ if self.s.kind == Kind::Twins => self.copy_disk(place),
            _ => {}
        }
    }

    fn jump(&mut self) {
        let place = self.s.dice.below(self.controllers.len());
        let hour = 3_600_000_000;
        let by = [hour, -hour, 24 * hour, -24 * hour, 30_000_000, -30_000_000][self.s.dice.below(6)];
        self.controllers[place].offset += by;
        self.s.note_fault(if by < 0 { "clock is set back" } else { "clock is set forward" });
        self.s.steady &= by > 0;
        // Also a later controller has a clock of its own, which is right again.
        self.s.steady = false;
    }

    /// The agent gives a link up while what it has said there is still under way.
    fn half_open(&mut self, place: usize) {
        let Some(conn) = self.hosts[place].link().and_then(|link| self.s.net.conns.get_mut(&link)) else { return };
        conn.up_stalled = true;
        if conn.up.is_empty() {
            self.hosts[place].say_picture(&mut self.s);
        }
        self.s.note_fault("link is half open");
        self.hosts[place].hang_up(&mut self.s, 0);
    }

    pub fn unstall(&mut self) {
        for conn in self.s.net.conns.values_mut() {
            (conn.up_stalled, conn.down_stalled) = (false, false);
        }
    }

    fn stall(&mut self) {
        let links: Vec<Link> = self.s.net.conns.keys().copied().collect();
        if links.is_empty() {
            return;
        }
        let link = links[self.s.dice.below(links.len())];
        let conn = self.s.net.conns.get_mut(&link).expect("a link");
        if conn.up_stalled || conn.down_stalled {
            (conn.up_stalled, conn.down_stalled) = (false, false);
            return;
        }
        (conn.up_stalled, conn.down_stalled) = [(true, true), (true, false), (false, true)][self.s.dice.below(3)];
        self.s.note_fault("link stalls");
    }

    /// A backup is made, or put back: every controller is stopped before, as docs/mariadb.md says.
    fn restore(&mut self) {
        match self.backup.take() {
            None => self.backup = Some(self.s.db.clone()),
            Some(backup) => {
                self.s.note_fault("database is restored");
                while !self.controllers.is_empty() {
                    self.kill_controller(0);
                }
                let lease = self.s.db.lease.clone();
                self.s.db = backup;
                self.s.db.lease.until = lease.until.min(self.s.now);
                self.s.judge.restored(&self.s.db);
            }
        }
    }

    /// A disk is copied to another host, or put back as it was.
    fn copy_disk(&mut self, place: usize) {
        match self.image.take() {
            Some((of, image)) => {
                self.s.note_fault("disk is put back");
                let name = self.hosts[of].name.clone();
                self.s.judge.copied.insert(name.clone());
                self.s.judge.forgot.insert(name.clone());
                self.s.judge.wiped.insert(name);
                self.hosts[of].put_back(&mut self.s, image.path());
            }
            None if self.s.dice.once_in(2) => self.image = Some((place, self.hosts[place].save())),
            None if self.hosts.len() < 5 => {
                self.s.note_fault("disk is cloned");
                self.s.judge.copied.insert(self.hosts[place].name.clone());
                self.s.judge.forgot.insert(self.hosts[place].name.clone());
                let twin = self.hosts[place].twin(self.hosts.len());
                self.hosts.push(twin);
            }
            None => {}
        }
    }
}
