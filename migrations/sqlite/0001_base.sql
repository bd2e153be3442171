-- The spine. Types are those that sqlx's Any driver reads on every engine: times BIGINT (microseconds since 1970 UTC), flags
-- SMALLINT, documents JSON as TEXT, ids CHAR(36), bytes BLOB. `part` is the partition (a reserved word on MariaDB).

CREATE TABLE meta (
    name VARCHAR(63) NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE leases (
    part SMALLINT NOT NULL PRIMARY KEY,
    owner VARCHAR(255) NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE sources (
    source VARCHAR(190) NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    commit_id VARCHAR(64) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE definitions (
    source VARCHAR(190) NOT NULL,
    kind VARCHAR(63) NOT NULL,
    name VARCHAR(190) NOT NULL,
    path TEXT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    generation BIGINT NOT NULL,
    commit_id VARCHAR(64) NOT NULL,
    manifest TEXT NOT NULL,
    retired_at BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (source, kind, name)
);
CREATE INDEX definitions_by_kind ON definitions (kind, name);

CREATE TABLE snapshots (
    digest VARCHAR(64) NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE syncs (
    id CHAR(36) NOT NULL PRIMARY KEY,
    source VARCHAR(190) NOT NULL,
    commit_id VARCHAR(64),
    outcome VARCHAR(32) NOT NULL,
    problems TEXT NOT NULL,
    counts TEXT NOT NULL,
    message TEXT,
    started_at BIGINT NOT NULL,
    duration_us BIGINT NOT NULL
);
CREATE INDEX syncs_by_source ON syncs (source, id);

-- One row per execution, written with its events. `seq` is the last event's, `prior_seq` the one that this write built on,
-- `revision` counts the writes.
CREATE TABLE executions (
    id CHAR(36) NOT NULL PRIMARY KEY,
    part SMALLINT NOT NULL,
    source VARCHAR(190) NOT NULL,
    workflow VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    terminal SMALLINT NOT NULL,
    commit_id VARCHAR(64) NOT NULL,
    snapshot VARCHAR(64) NOT NULL,
    started_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    wake_at BIGINT,
    message TEXT,
    seq BIGINT NOT NULL,
    prior_seq BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX executions_number ON executions (source, workflow, number);
CREATE INDEX executions_by_workflow ON executions (workflow, id);
CREATE INDEX executions_by_status ON executions (status, id);
CREATE INDEX executions_open ON executions (terminal, wake_at);

CREATE TABLE events (
    execution CHAR(36) NOT NULL,
    seq BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    version INTEGER NOT NULL,
    kind VARCHAR(63) NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (execution, seq)
);

CREATE TABLE claims (
    claim_key VARCHAR(512) NOT NULL PRIMARY KEY,
    execution CHAR(36) NOT NULL,
    part SMALLINT NOT NULL
);
CREATE INDEX claims_by_execution ON claims (execution);

CREATE TABLE attempts (
    attempt CHAR(36) NOT NULL PRIMARY KEY,
    execution CHAR(36) NOT NULL,
    agent VARCHAR(63) NOT NULL,
    incarnation CHAR(36) NOT NULL,
    state VARCHAR(32) NOT NULL
);
CREATE INDEX attempts_by_agent ON attempts (agent, state);
CREATE INDEX attempts_by_execution ON attempts (execution);

CREATE TABLE idempotency (
    principal VARCHAR(190) NOT NULL,
    idem_key VARCHAR(255) NOT NULL,
    body_digest VARCHAR(64) NOT NULL,
    execution CHAR(36) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, idem_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE agents (
    name VARCHAR(63) NOT NULL PRIMARY KEY,
    public_key VARCHAR(64) NOT NULL,
    labels TEXT NOT NULL,
    token_labels TEXT NOT NULL,
    slots BIGINT NOT NULL,
    facts TEXT NOT NULL,
    boot CHAR(36),
    incarnation CHAR(36),
    sequence BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    last_seen BIGINT,
    revoked_at BIGINT,
    quarantine TEXT
);

CREATE TABLE agent_tokens (
    id CHAR(36) NOT NULL PRIMARY KEY,
    secret_hash VARCHAR(64) NOT NULL,
    uses_left BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    labels TEXT NOT NULL,
    names TEXT NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX agent_tokens_secret ON agent_tokens (secret_hash);

-- Pieces of output; what lies between two pieces is cut for good.
CREATE TABLE output (
    attempt CHAR(36) NOT NULL,
    stream VARCHAR(8) NOT NULL,
    start_offset BIGINT NOT NULL,
    end_offset BIGINT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (attempt, stream, start_offset)
);

CREATE TABLE output_state (
    attempt CHAR(36) NOT NULL,
    stream VARCHAR(8) NOT NULL,
    stored BIGINT NOT NULL,
    cut BIGINT NOT NULL,
    PRIMARY KEY (attempt, stream)
);
