//! End to end: the real `pulse-controller`, `pulse-agent` and `pulse`, real shells, real `kill -9`. A witness file outside of
//! PULSE says what ran. `docs/testing.md` tells how to run this and how to read a failure.

#![expect(clippy::disallowed_methods, reason = "real processes run in real time, and the environment narrows a run")]

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../support/contract.rs"]
mod contract;
#[path = "../support/gitea.rs"]
mod gitea;
mod harness;
#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../../../crd-schemas/tests/book/pages.rs"]
mod pages;
#[expect(dead_code, unused_imports, reason = "these tests need a part of it")]
#[path = "../support/remotes/mod.rs"]
mod remotes;
#[path = "../../../crd-schemas/tests/book/shell.rs"]
mod shell;

mod backup;
mod cancel;
mod chaos;
mod clones;
mod command_line;
mod commands;
mod database;
mod dev;
mod document;
mod examples;
mod exec;
mod failpoints;
mod folder;
mod gitops;
mod handover;
mod happy;
mod identity;
mod keep;
mod kill_matrix;
mod lifecycle;
mod observe;
mod offline;
mod parameters;
mod partition;
mod pauses;
mod people;
mod planted;
#[path = "../support/planted.rs"]
mod planted_runs;
mod queue;
mod races;
mod reboots;
mod restarts;
mod retries;
mod schedules;
mod scripts;
mod settings;
mod standby;
mod step_kills;
mod steps;
mod sync_kills;
mod timers;
mod tls;
mod tutorial;
mod upgrades;
