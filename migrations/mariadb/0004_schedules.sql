-- The slot of a schedule that fired last: when that was, by the controller's clock, and what it started.
ALTER TABLE schedules
    ADD COLUMN IF NOT EXISTS fired_slot BIGINT,
    ADD COLUMN IF NOT EXISTS fired_at BIGINT,
    ADD COLUMN IF NOT EXISTS fired_execution CHAR(36) CHARACTER SET ascii COLLATE ascii_bin;
