-- The spine, as on SQLite. Each statement commits by itself here, so each may be run again: a migration that was killed half-way
-- is run again from its first statement. Text compares byte by byte (nopad: a space at the end counts), ids are ASCII.

CREATE TABLE IF NOT EXISTS meta (
    name VARCHAR(63) NOT NULL PRIMARY KEY,
    value LONGTEXT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS leases (
    part SMALLINT NOT NULL PRIMARY KEY,
    owner VARCHAR(255) NOT NULL,
    epoch BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS sources (
    source VARCHAR(190) NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    commit_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    updated_at BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS definitions (
    source VARCHAR(190) NOT NULL,
    kind VARCHAR(63) NOT NULL,
    name VARCHAR(190) NOT NULL,
    path LONGTEXT NOT NULL,
    digest VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    generation BIGINT NOT NULL,
    commit_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    manifest LONGTEXT NOT NULL,
    retired_at BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (source, kind, name),
    INDEX definitions_by_kind (kind, name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS snapshots (
    digest VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    body LONGTEXT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS syncs (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    source VARCHAR(190) NOT NULL,
    commit_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    outcome VARCHAR(32) NOT NULL,
    problems LONGTEXT NOT NULL,
    counts LONGTEXT NOT NULL,
    message LONGTEXT,
    started_at BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    INDEX syncs_by_source (source, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- One row per execution, written with its events. `seq` is the last event's, `prior_seq` the one that this write built on,
-- `revision` counts the writes.
CREATE TABLE IF NOT EXISTS executions (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    part SMALLINT NOT NULL,
    source VARCHAR(190) NOT NULL,
    workflow VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    terminal SMALLINT NOT NULL,
    commit_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    snapshot VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    started_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    wake_at BIGINT,
    message LONGTEXT,
    seq BIGINT NOT NULL,
    prior_seq BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE INDEX executions_number (source, workflow, number),
    INDEX executions_by_workflow (workflow, id),
    INDEX executions_by_status (status, id),
    INDEX executions_open (terminal, wake_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS events (
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq BIGINT NOT NULL,
    happened_at BIGINT NOT NULL,
    version INTEGER NOT NULL,
    kind VARCHAR(63) NOT NULL,
    body LONGTEXT NOT NULL,
    PRIMARY KEY (execution, seq)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS claims (
    claim_key VARCHAR(512) NOT NULL PRIMARY KEY,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    part SMALLINT NOT NULL,
    INDEX claims_by_execution (execution)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS attempts (
    attempt CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    agent VARCHAR(63) NOT NULL,
    incarnation CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state VARCHAR(32) NOT NULL,
    INDEX attempts_by_agent (agent, state),
    INDEX attempts_by_execution (execution)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS idempotency (
    principal VARCHAR(190) NOT NULL,
    idem_key VARCHAR(255) NOT NULL,
    body_digest VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, idem_key),
    INDEX idempotency_by_age (created_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS agents (
    name VARCHAR(63) NOT NULL PRIMARY KEY,
    public_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    labels LONGTEXT NOT NULL,
    token_labels LONGTEXT NOT NULL,
    slots BIGINT NOT NULL,
    facts LONGTEXT NOT NULL,
    boot CHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
    incarnation CHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
    sequence BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    last_seen BIGINT,
    revoked_at BIGINT,
    quarantine LONGTEXT
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS agent_tokens (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    secret_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    uses_left BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    labels LONGTEXT NOT NULL,
    names LONGTEXT NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE INDEX agent_tokens_secret (secret_hash)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Pieces of output; what lies between two pieces is cut for good.
CREATE TABLE IF NOT EXISTS output (
    attempt CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stream VARCHAR(8) NOT NULL,
    start_offset BIGINT NOT NULL,
    end_offset BIGINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (attempt, stream, start_offset)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS output_state (
    attempt CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stream VARCHAR(8) NOT NULL,
    stored BIGINT NOT NULL,
    cut BIGINT NOT NULL,
    PRIMARY KEY (attempt, stream)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
