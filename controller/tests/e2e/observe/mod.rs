//! What those who watch see: a real Prometheus that scrapes, a real collector that is sent traces, lines of the log, and what `doctor` says.

mod collector;
mod doctor;
mod logs;
mod prometheus;
mod rules;
mod traces;
