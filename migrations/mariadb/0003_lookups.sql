-- What lists and look-ups lacked with a million executions: `update#812`, a workflow's executions of one status, every open attempt.

ALTER TABLE executions
    ADD INDEX IF NOT EXISTS executions_by_reference (workflow, number),
    ADD INDEX IF NOT EXISTS executions_by_workflow_status (workflow, status, id);
ALTER TABLE attempts
    ADD INDEX IF NOT EXISTS attempts_by_state (state, agent);
