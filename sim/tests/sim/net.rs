//! Connections. Each direction keeps its order, as TCP does; a stalled one keeps what it holds. Only in unruly worlds are single
//! frames lost, doubled or swapped.

use std::collections::{BTreeMap, VecDeque};

/// A connection's number.
pub type Link = u32;

/// One connection.
#[derive(Default)]
pub struct Conn {
    pub host: usize,
    pub controller: u32,
    /// Frames to the controller, and to the agent.
    pub up: VecDeque<String>,
    pub down: VecDeque<String>,
    /// Each end, until it closes.
    pub agent_open: bool,
    pub controller_open: bool,
    /// Nothing passes for now.
    pub up_stalled: bool,
    pub down_stalled: bool,
    /// Frames that arrived at the agent before, and that an unruly network may bring again.
    pub old: Vec<String>,
}

/// Every connection that somebody still has an end of.
#[derive(Default)]
pub struct Net {
    pub conns: BTreeMap<Link, Conn>,
    last: Link,
    /// Most frames that ever waited in one direction.
    pub most: usize,
}

impl Net {
    pub fn open(&mut self, host: usize, controller: u32) -> Link {
        self.last += 1;
        let conn = Conn { host, controller, agent_open: true, controller_open: true, ..Conn::default() };
        self.conns.insert(self.last, conn);
        self.last
    }

    pub fn send_up(&mut self, link: Link, frame: String) {
        if let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.agent_open) {
            conn.up.push_back(frame);
            self.most = self.most.max(conn.up.len());
        }
    }

    pub fn send_down(&mut self, link: Link, frame: String) {
        if let Some(conn) = self.conns.get_mut(&link).filter(|conn| conn.controller_open) {
            conn.down.push_back(frame);
            self.most = self.most.max(conn.down.len());
        }
    }

    pub fn close_agent(&mut self, link: Link) {
        self.conns.get_mut(&link).into_iter().for_each(|conn| conn.agent_open = false);
        self.sweep();
    }

    pub fn close_controller(&mut self, link: Link) {
        self.conns.get_mut(&link).into_iter().for_each(|conn| conn.controller_open = false);
        self.sweep();
    }

    /// What the controller hears next: a frame, or (`None`) that the agent has closed.
    pub fn hear_up(&mut self, link: Link) -> Option<Option<String>> {
        let conn = self.conns.get_mut(&link).filter(|conn| conn.controller_open && !conn.up_stalled)?;
        match conn.up.pop_front() {
            Some(frame) => Some(Some(frame)),
            None => (!conn.agent_open).then_some(None),
        }
    }

    /// What the agent hears next: a frame, or (`None`) that the controller has closed.
    pub fn hear_down(&mut self, link: Link) -> Option<Option<String>> {
        let conn = self.conns.get_mut(&link).filter(|conn| conn.agent_open && !conn.down_stalled)?;
        match conn.down.pop_front() {
            Some(frame) => {
                if conn.old.len() < 40 {
                    conn.old.push(frame.clone());
                }
                Some(Some(frame))
            }
            None => (!conn.controller_open).then_some(None),
        }
    }

    fn sweep(&mut self) {
        self.conns.retain(|_, conn| conn.agent_open || conn.controller_open);
    }
}
