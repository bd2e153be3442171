-- GitOps and schedules: files pinned beside a definition, who made a commit, the last webhook, schedules and their slots.

ALTER TABLE definitions ADD COLUMN files TEXT NOT NULL DEFAULT '{}';

-- `reason` is a word of a closed set; `author` and `title` are the commit's.
ALTER TABLE syncs ADD COLUMN reason VARCHAR(63);
ALTER TABLE syncs ADD COLUMN author VARCHAR(255);
ALTER TABLE syncs ADD COLUMN title VARCHAR(255);
ALTER TABLE syncs ADD COLUMN generation BIGINT;

-- The schedule that started an execution; absent for every other trigger.
ALTER TABLE executions ADD COLUMN schedule VARCHAR(190);
CREATE INDEX executions_by_schedule ON executions (source, schedule, terminal);

-- The last webhook of each source, accepted or refused.
CREATE TABLE webhooks (
    source VARCHAR(190) NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    accepted SMALLINT NOT NULL,
    reason VARCHAR(63) NOT NULL,
    detail TEXT NOT NULL
);

-- Every slot up to and including `watermark` is settled. `timing` is the digest of what says when; another one moves the
-- watermark to now. `revision` counts the writes, for compare-and-set.
CREATE TABLE schedules (
    source VARCHAR(190) NOT NULL,
    name VARCHAR(190) NOT NULL,
    timing VARCHAR(64) NOT NULL,
    watermark BIGINT NOT NULL,
    suspended SMALLINT NOT NULL,
    revision BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (source, name)
);

-- A settled slot: `fired` with its execution, or `skipped` or `missed` with a reason. One row may stand for a run of slots that
-- were missed alike: `slots` of them, from `slot_at` to `last_slot_at`.
CREATE TABLE slots (
    source VARCHAR(190) NOT NULL,
    schedule VARCHAR(190) NOT NULL,
    slot_at BIGINT NOT NULL,
    last_slot_at BIGINT NOT NULL,
    slots BIGINT NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    reason VARCHAR(63),
    message TEXT,
    execution CHAR(36),
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (source, schedule, slot_at)
);
CREATE UNIQUE INDEX slots_by_execution ON slots (execution);
