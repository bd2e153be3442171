-- Retention: what it has to look up, and what is being removed.

-- When retention removed the output of an execution; null while it is kept.
ALTER TABLE executions
    ADD COLUMN IF NOT EXISTS output_removed_at BIGINT,
    ADD INDEX IF NOT EXISTS executions_by_output (source, workflow, output_removed_at, number),
    ADD INDEX IF NOT EXISTS executions_by_retry (retry_of),
    ADD INDEX IF NOT EXISTS executions_by_snapshot (snapshot);

-- Why an agent was revoked, where nobody did it by hand.
ALTER TABLE agents
    ADD COLUMN IF NOT EXISTS revoked_reason VARCHAR(255);

-- Executions whose row is gone, and whose events, attempts, prompts and output go in small steps.
CREATE TABLE IF NOT EXISTS removals (
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    removed_at BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
