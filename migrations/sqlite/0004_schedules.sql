-- The slot of a schedule that fired last: when that was, by the controller's clock, and what it started.
ALTER TABLE schedules ADD COLUMN fired_slot BIGINT;
ALTER TABLE schedules ADD COLUMN fired_at BIGINT;
ALTER TABLE schedules ADD COLUMN fired_execution CHAR(36);
