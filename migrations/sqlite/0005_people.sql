-- People in the loop: what they are asked, what they hold, when no controller ran, and what executions are searched by.

-- A question to a person, `open` until it is `answered`, `expired` or `withdrawn`. `source`, `workflow` and `number` are its
-- execution's.
CREATE TABLE prompts (
    id CHAR(36) NOT NULL PRIMARY KEY,
    execution CHAR(36) NOT NULL,
    source VARCHAR(190) NOT NULL,
    workflow VARCHAR(190) NOT NULL,
    number BIGINT NOT NULL,
    step VARCHAR(255) NOT NULL,
    visit BIGINT NOT NULL,
    message TEXT NOT NULL,
    options TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    timeout_us BIGINT,
    status VARCHAR(32) NOT NULL,
    answer TEXT,
    answered_by VARCHAR(255),
    comment TEXT,
    closed_at BIGINT
);
CREATE INDEX prompts_by_status ON prompts (status, id);
CREATE INDEX prompts_by_execution ON prompts (execution, id);

-- What somebody has set holds until it expires, or somebody ends it.
CREATE TABLE pauses (
    id CHAR(36) NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    ended_by VARCHAR(255)
);
CREATE INDEX pauses_by_end ON pauses (ended_at, id);

-- Spans in which no controller ran, by the clock of the controller that came after.
CREATE TABLE absences (
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    PRIMARY KEY (from_at, to_at)
);
CREATE INDEX absences_by_end ON absences (to_at);

-- When the lease was given back, and until when somebody had held it before it was taken last; 0 where that was never.
ALTER TABLE leases ADD COLUMN given_back_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN held_before BIGINT NOT NULL DEFAULT 0;

-- `labels` are the workflow's, written once; `waits` says what a `waiting` one waits for.
ALTER TABLE executions ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE executions ADD COLUMN retry_of CHAR(36);
ALTER TABLE executions ADD COLUMN waits VARCHAR(32);
CREATE INDEX executions_by_starter ON executions (started_by, id);
CREATE INDEX executions_by_commit ON executions (commit_id, id);
CREATE INDEX executions_by_creation ON executions (created_at, id);

-- The same labels, to be searched by.
CREATE TABLE execution_labels (
    label_key VARCHAR(253) NOT NULL,
    label_value VARCHAR(63) NOT NULL,
    execution CHAR(36) NOT NULL,
    PRIMARY KEY (label_key, label_value, execution)
);

-- Every attempt that an agent ever had, settled ones too.
CREATE INDEX attempts_of_agent ON attempts (agent, execution, attempt);
