-- Who changed what, or was refused. Rows are inserted; one whose `outcome` is `begun` gets another one; then each is sealed once: it gets
-- its number, the hash of the row before and its own. `id` is a UUIDv7 of `happened_at`, so that it sorts by time.
CREATE TABLE IF NOT EXISTS audit (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
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
    before_digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    after_digest CHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    details LONGTEXT NOT NULL,
    previous_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    row_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    UNIQUE INDEX audit_by_seq (seq),
    INDEX audit_by_principal (principal, id),
    INDEX audit_by_action (action, id),
    INDEX audit_by_object (object_id, id),
    INDEX audit_by_outcome (outcome, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
