-- Who comes in: people as their identity provider says them, sessions of browsers, tokens of the API. Of secrets only the SHA-256
-- is kept.

CREATE TABLE IF NOT EXISTS users (
    name VARCHAR(190) NOT NULL PRIMARY KEY,
    provider VARCHAR(63) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    display_name LONGTEXT,
    email LONGTEXT,
    member_of LONGTEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- `name` is never given twice, so that a policy that names a token means the same one for ever.
CREATE TABLE IF NOT EXISTS api_tokens (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    name VARCHAR(190) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    roles LONGTEXT NOT NULL,
    scope LONGTEXT NOT NULL,
    reason LONGTEXT,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    revoked_by VARCHAR(255),
    last_used_at BIGINT,
    UNIQUE INDEX api_tokens_name (name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS browser_sessions (
    secret_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    holder LONGTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    INDEX browser_sessions_by_end (expires_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- Who may answer a prompt; whoever may answer its workflow's where nobody is named.
ALTER TABLE prompts
    ADD COLUMN IF NOT EXISTS who LONGTEXT NOT NULL DEFAULT '[]';
