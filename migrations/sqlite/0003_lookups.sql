-- What lists and look-ups lacked with a million executions: `update#812`, a workflow's executions of one status, every open attempt.

CREATE INDEX executions_by_reference ON executions (workflow, number);
CREATE INDEX executions_by_workflow_status ON executions (workflow, status, id);
CREATE INDEX attempts_by_state ON attempts (state, agent);
