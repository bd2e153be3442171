-- Who comes in: people as their identity provider says them, sessions of browsers, tokens of the API. Of secrets only the SHA-256
-- is kept.

CREATE TABLE users (
    name VARCHAR(190) NOT NULL PRIMARY KEY,
    provider VARCHAR(63) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    display_name TEXT,
    email TEXT,
    member_of TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);

-- `name` is never given twice, so that a policy that names a token means the same one for ever.
CREATE TABLE api_tokens (
    id CHAR(36) NOT NULL PRIMARY KEY,
    name VARCHAR(190) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    roles TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT,
    created_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    revoked_by VARCHAR(255),
    last_used_at BIGINT
);
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name);

CREATE TABLE browser_sessions (
    secret_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX browser_sessions_by_end ON browser_sessions (expires_at);

-- Who may answer a prompt; whoever may answer its workflow's where nobody is named.
ALTER TABLE prompts ADD COLUMN who TEXT NOT NULL DEFAULT '[]';
