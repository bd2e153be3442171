-- The enrolment that a token may end: the `enrolled_at` of the agent whose host was reinstalled.
ALTER TABLE agent_tokens
    ADD COLUMN IF NOT EXISTS replaces BIGINT;
