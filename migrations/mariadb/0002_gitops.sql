-- GitOps and schedules: files pinned beside a definition, who made a commit, the last webhook, schedules and their slots.

ALTER TABLE definitions ADD COLUMN IF NOT EXISTS files LONGTEXT NOT NULL DEFAULT '{}';

-- `reason` is a word of a closed set; `author` and `title` are the commit's.
ALTER TABLE syncs
    ADD COLUMN IF NOT EXISTS reason VARCHAR(63),
    ADD COLUMN IF NOT EXISTS author VARCHAR(255),
    ADD COLUMN IF NOT EXISTS title VARCHAR(255),
    ADD COLUMN IF NOT EXISTS generation BIGINT;

-- The schedule that started an execution; absent for every other trigger.
ALTER TABLE executions
    ADD COLUMN IF NOT EXISTS schedule VARCHAR(190),
    ADD INDEX IF NOT EXISTS executions_by_schedule (source, schedule, terminal);

-- The last webhook of each source, accepted or refused.
CREATE TABLE IF NOT EXISTS webhooks (
    source VARCHAR(190) NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    accepted SMALLINT NOT NULL,
    reason VARCHAR(63) NOT NULL,
    detail LONGTEXT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Every slot up to and including `watermark` is settled. `timing` is the digest of what says when; another one moves the
-- watermark to now. `revision` counts the writes, for compare-and-set.
CREATE TABLE IF NOT EXISTS schedules (
    source VARCHAR(190) NOT NULL,
    name VARCHAR(190) NOT NULL,
    timing VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    watermark BIGINT NOT NULL,
    suspended SMALLINT NOT NULL,
    revision BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (source, name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- A settled slot: `fired` with its execution, or `skipped` or `missed` with a reason. One row may stand for a run of slots that
-- were missed alike: `slots` of them, from `slot_at` to `last_slot_at`.
CREATE TABLE IF NOT EXISTS slots (
    source VARCHAR(190) NOT NULL,
    schedule VARCHAR(190) NOT NULL,
    slot_at BIGINT NOT NULL,
    last_slot_at BIGINT NOT NULL,
    slots BIGINT NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    reason VARCHAR(63),
    message LONGTEXT,
    execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (source, schedule, slot_at),
    UNIQUE INDEX slots_by_execution (execution)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
