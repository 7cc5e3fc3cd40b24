-- Who may call: organisations, teams, users and their keys.
-- Times are Unix milliseconds, money is nano-credits (1 credit = 10^9), flags are 0 or 1.
-- `version` counts the changes of a row, for optimistic locking.

CREATE TABLE organisations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE teams (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id             INTEGER NOT NULL REFERENCES organisations (id),
    name               TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    common_pool        INTEGER NOT NULL DEFAULT 0 CHECK (common_pool >= 0),
    used_pool          INTEGER NOT NULL DEFAULT 0 CHECK (used_pool >= 0),
    vacation_share_pct INTEGER NOT NULL DEFAULT 0 CHECK (vacation_share_pct BETWEEN 0 AND 100),
    version            INTEGER NOT NULL DEFAULT 1,
    created_at         INTEGER NOT NULL,
    UNIQUE (org_id, name),
    UNIQUE (id, org_id)
) STRICT;

CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id         INTEGER NOT NULL REFERENCES organisations (id),
    team_id        INTEGER,
    email          TEXT    NOT NULL UNIQUE COLLATE NOCASE CHECK (length(email) BETWEEN 3 AND 320),
    name           TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    api_key_hash   TEXT    CHECK (length(api_key_hash) = 64),
    is_admin       INTEGER NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    status         TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    personal_quota INTEGER NOT NULL DEFAULT 0 CHECK (personal_quota >= 0),
    used_tokens    INTEGER NOT NULL DEFAULT 0 CHECK (used_tokens >= 0),
    version        INTEGER NOT NULL DEFAULT 1,
    created_at     INTEGER NOT NULL,
    UNIQUE (id, org_id),
    -- With org_id in the key no row can point into another tenant.
    FOREIGN KEY (team_id, org_id) REFERENCES teams (id, org_id)
) STRICT;

CREATE INDEX users_by_team ON users (team_id);

CREATE TABLE api_keys (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id              INTEGER NOT NULL REFERENCES organisations (id),
    team_id             INTEGER,
    user_id             INTEGER NOT NULL,
    name                TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    env                 TEXT    NOT NULL CHECK (length(env) BETWEEN 1 AND 16),
    public_id           TEXT    NOT NULL UNIQUE CHECK (length(public_id) = 12),
    key_hash            TEXT    NOT NULL CHECK (length(key_hash) = 64),
    pepper_version      INTEGER NOT NULL,
    last4               TEXT    NOT NULL CHECK (length(last4) = 4),
    models              TEXT    CHECK (json_type(models) = 'array'),
    requests_per_minute INTEGER CHECK (requests_per_minute > 0),
    tokens_per_minute   INTEGER CHECK (tokens_per_minute > 0),
    is_active           INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    expires_at          INTEGER,
    revoked_at          INTEGER CHECK (revoked_at IS NULL OR is_active = 0),
    version             INTEGER NOT NULL DEFAULT 1,
    created_at          INTEGER NOT NULL,
    FOREIGN KEY (user_id, org_id) REFERENCES users (id, org_id),
    FOREIGN KEY (team_id, org_id) REFERENCES teams (id, org_id)
) STRICT;

CREATE INDEX api_keys_by_user ON api_keys (user_id);

-- What changed since a reader last looked: one number per topic. Triggers keep it, so that a
-- change made by another process, or by hand, is seen like any other.
CREATE TABLE revisions (
    topic TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO revisions (topic, value) VALUES ('keys', 0);

CREATE TRIGGER api_keys_inserted AFTER INSERT ON api_keys
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER api_keys_updated AFTER UPDATE ON api_keys
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER users_moved AFTER UPDATE OF org_id, team_id, status ON users
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;
