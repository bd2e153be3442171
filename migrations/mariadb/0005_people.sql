-- People in the loop: what they are asked, what they hold, when no controller ran, and what executions are searched by.

-- A question to a person, `open` until it is `answered`, `expired` or `withdrawn`. `source`, `workflow` and `number` are its
-- execution's.
CREATE TABLE IF NOT EXISTS prompts (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    source VARCHAR(190) NOT NULL,
    workflow VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    step VARCHAR(255) NOT NULL,
    visit BIGINT NOT NULL,
    message LONGTEXT NOT NULL,
    options LONGTEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    timeout_us BIGINT,
    status VARCHAR(32) NOT NULL,
    answer LONGTEXT,
    answered_by VARCHAR(255),
    comment LONGTEXT,
    closed_at BIGINT,
    INDEX prompts_by_status (status, id),
    INDEX prompts_by_execution (execution, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- What somebody has set holds until it expires, or somebody ends it.
CREATE TABLE IF NOT EXISTS pauses (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    scope LONGTEXT NOT NULL,
    reason LONGTEXT NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    ended_by VARCHAR(255),
    INDEX pauses_by_end (ended_at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Spans in which no controller ran, by the clock of the controller that came after.
CREATE TABLE IF NOT EXISTS absences (
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    PRIMARY KEY (from_at, to_at),
    INDEX absences_by_end (to_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- When the lease was given back, and until when somebody had held it before it was taken last; 0 where that was never.
ALTER TABLE leases
    ADD COLUMN IF NOT EXISTS given_back_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS held_before BIGINT NOT NULL DEFAULT 0;

-- `labels` are the workflow's, written once; `waits` says what a `waiting` one waits for.
ALTER TABLE executions
    ADD COLUMN IF NOT EXISTS labels LONGTEXT NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS retry_of CHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
    ADD COLUMN IF NOT EXISTS waits VARCHAR(32),
    ADD INDEX IF NOT EXISTS executions_by_starter (started_by, id),
    ADD INDEX IF NOT EXISTS executions_by_commit (commit_id, id),
    ADD INDEX IF NOT EXISTS executions_by_creation (created_at, id);

-- The same labels, to be searched by.
CREATE TABLE IF NOT EXISTS execution_labels (
    label_key VARCHAR(253) NOT NULL,
    label_value VARCHAR(63) NOT NULL,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (label_key, label_value, execution)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Every attempt that an agent ever had, settled ones too.
ALTER TABLE attempts
    ADD INDEX IF NOT EXISTS attempts_of_agent (agent, execution, attempt);
