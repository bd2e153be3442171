//! `/install-agent.sh` and `/downloads`.

mod get;
