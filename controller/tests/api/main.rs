//! The API as its callers see it: a real controller in this process, on a free port, with a data folder and a source of its
//! own. The folders mirror the URLs, below `/api/v1` where they name nothing else; each file is a verb.

mod agents;
mod audit;
mod authorisation;
mod commands;
mod compression;
#[path = "../support/contract.rs"]
mod contract;
mod dashboard;
mod etags;
mod events;
mod executions;
mod groups;
mod harness;
mod health;
mod identity;
mod install;
mod limits;
mod lists;
mod metrics;
mod openapi;
mod paths;
mod pauses;
mod plan;
mod planted;
#[path = "../support/planted.rs"]
mod planted_runs;
mod problems;
mod prompts;
mod requests;
mod schedules;
mod schemas;
mod settings;
mod sources;
mod syncs;
mod validate;
mod webhooks;
mod workflows;
