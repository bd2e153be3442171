-- Retention: what it has to look up, and what is being removed.

-- When retention removed the output of an execution; null while it is kept.
ALTER TABLE executions ADD COLUMN output_removed_at BIGINT;
CREATE INDEX executions_by_output ON executions (source, workflow, output_removed_at, number);
CREATE INDEX executions_by_retry ON executions (retry_of);
CREATE INDEX executions_by_snapshot ON executions (snapshot);

-- Why an agent was revoked, where nobody did it by hand.
ALTER TABLE agents ADD COLUMN revoked_reason VARCHAR(255);

-- Executions whose row is gone, and whose events, attempts, prompts and output go in small steps.
CREATE TABLE removals (
    execution CHAR(36) NOT NULL PRIMARY KEY,
    removed_at BIGINT NOT NULL
);
