-- Who changed what, or was refused. Rows are inserted; one whose `outcome` is `begun` gets another one; then each is sealed once: it gets
-- its number, the hash of the row before and its own. `id` is a UUIDv7 of `happened_at`, so that it sorts by time.
CREATE TABLE audit (
    id CHAR(36) NOT NULL PRIMARY KEY,
    seq BIGINT,
    happened_at BIGINT NOT NULL,
    principal VARCHAR(255),
    principal_kind VARCHAR(32),
    means VARCHAR(32),
    peer VARCHAR(64),
    request_id VARCHAR(64),
    action VARCHAR(64) NOT NULL,
    object_kind VARCHAR(32),
    object_id VARCHAR(255),
    outcome VARCHAR(32) NOT NULL,
    status SMALLINT,
    code VARCHAR(64),
    before_digest CHAR(64),
    after_digest CHAR(64),
    details TEXT NOT NULL,
    previous_hash CHAR(64),
    row_hash CHAR(64)
);
CREATE UNIQUE INDEX audit_by_seq ON audit (seq);
CREATE INDEX audit_by_principal ON audit (principal, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_object ON audit (object_id, id);
CREATE INDEX audit_by_outcome ON audit (outcome, id);
