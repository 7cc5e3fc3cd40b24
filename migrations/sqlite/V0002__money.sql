-- Money and governance: roles, wallets, leases, transactions, sealed blocks, the audit chain.
-- Money is nano-credits, times are Unix milliseconds, flags are 0 or 1, UUIDs are 16 bytes,
-- hashes 32. The PostgreSQL twin of this file differs in types and partitions only.

ALTER TABLE organisations ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended'));
-- Who pays first, of quota, user and team.
ALTER TABLE organisations ADD COLUMN funding_order TEXT NOT NULL DEFAULT 'quota,user,team';
-- Factor on the provider's price in millionths.
ALTER TABLE organisations ADD COLUMN markup_ppm INTEGER NOT NULL DEFAULT 1000000 CHECK (markup_ppm BETWEEN 0 AND 1000000000);
ALTER TABLE teams ADD COLUMN funding_order TEXT;
ALTER TABLE teams ADD COLUMN markup_ppm INTEGER CHECK (markup_ppm BETWEEN 0 AND 1000000000);
ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'auditor', 'member'));
ALTER TABLE users ADD COLUMN team_role TEXT NOT NULL DEFAULT 'member' CHECK (team_role IN ('lead', 'member'));
ALTER TABLE users ADD COLUMN password_hash TEXT;
-- The name an identity provider knows the user by.
ALTER TABLE users ADD COLUMN subject TEXT;
-- Tokens and sessions issued before this moment are void.
ALTER TABLE users ADD COLUMN tokens_valid_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN rotated_to INTEGER REFERENCES api_keys (id);
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;

UPDATE users SET role = 'owner' WHERE is_admin = 1;

CREATE UNIQUE INDEX users_by_subject ON users (subject) WHERE subject IS NOT NULL;
CREATE INDEX users_by_org ON users (org_id, id);
CREATE INDEX api_keys_by_org ON api_keys (org_id, id);

CREATE TABLE wallets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id       INTEGER NOT NULL REFERENCES organisations (id),
    owner_type   TEXT    NOT NULL CHECK (owner_type IN ('user', 'quota', 'team', 'key', 'organisation', 'house')),
    owner_id     INTEGER NOT NULL,
    balance      INTEGER NOT NULL DEFAULT 0,
    -- Spent beyond what could be reserved; no part of the balance.
    overage      INTEGER NOT NULL DEFAULT 0 CHECK (overage >= 0),
    -- Usage posted in this period.
    spent        INTEGER NOT NULL DEFAULT 0,
    overdraft    INTEGER NOT NULL DEFAULT 0 CHECK (overdraft >= 0),
    hard_limit   INTEGER CHECK (hard_limit >= 0),
    soft_limit   INTEGER CHECK (soft_limit >= 0),
    mode         TEXT    NOT NULL DEFAULT 'incremental' CHECK (mode IN ('strict', 'incremental', 'cap')),
    -- The most that one request holds in mode cap.
    cap          INTEGER CHECK (cap > 0),
    period       TEXT    NOT NULL DEFAULT 'none' CHECK (period IN ('none', 'day', 'week', 'month')),
    -- What the balance is set to when a period begins; without it only `spent` begins anew.
    allowance    INTEGER CHECK (allowance >= 0),
    period_start INTEGER NOT NULL DEFAULT 0,
    status       TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'frozen', 'closed')),
    version      INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    UNIQUE (owner_type, owner_id, org_id)
) STRICT;

CREATE INDEX wallets_by_org ON wallets (org_id, id);

-- What may still be leased of each wallet: a row of its own, so that a refill never waits for a
-- settlement.
CREATE TABLE wallet_pool (
    wallet_id INTEGER PRIMARY KEY REFERENCES wallets (id),
    unleased  INTEGER NOT NULL DEFAULT 0,
    -- Leased in this period, less what came back: never less than what was spent.
    drawn     INTEGER NOT NULL DEFAULT 0,
    -- Counts the leases that got less than they asked for: holders give back what is idle.
    wanted    INTEGER NOT NULL DEFAULT 0,
    -- By so much may `unleased` lie below the overdraft: it was leased when a period began anew,
    -- or posted for a holder after its leases had gone back.
    late      INTEGER NOT NULL DEFAULT 0 CHECK (late >= 0)
) STRICT;

-- One start of one process. Its id is its epoch: once it is not live it never leases again.
CREATE TABLE holders (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    -- Moves while the process lives; watchers time it with their own clocks.
    beat       INTEGER NOT NULL DEFAULT 0,
    state      TEXT    NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'fenced', 'retired')),
    started_at INTEGER NOT NULL
) STRICT;

CREATE TABLE lease_grants (
    holder_id INTEGER NOT NULL REFERENCES holders (id),
    wallet_id INTEGER NOT NULL REFERENCES wallets (id),
    granted   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (holder_id, wallet_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease_uses (
    holder_id INTEGER NOT NULL REFERENCES holders (id),
    wallet_id INTEGER NOT NULL REFERENCES wallets (id),
    used      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (holder_id, wallet_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lease_grants_by_wallet ON lease_grants (wallet_id);
CREATE INDEX lease_uses_by_wallet ON lease_uses (wallet_id);

-- The price tables that transactions were priced with.
CREATE TABLE price_versions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       TEXT    NOT NULL UNIQUE CHECK (length(hash) = 64),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE transactions (
    request_id         BLOB    NOT NULL CHECK (length(request_id) = 16),
    attempt            INTEGER NOT NULL DEFAULT 0 CHECK (attempt BETWEEN 0 AND 255),
    type               TEXT    NOT NULL CHECK (type IN ('usage', 'cap', 'overage', 'undelivered', 'credit', 'debit',
                                   'transfer', 'lend', 'reclaim', 'reset', 'adjustment', 'forgiven')),
    leg                INTEGER NOT NULL DEFAULT 0 CHECK (leg BETWEEN 0 AND 15),
    id                 BLOB    NOT NULL CHECK (length(id) = 16),
    org_id             INTEGER,
    team_id            INTEGER,
    user_id            INTEGER,
    key_id             INTEGER,
    wallet_id          INTEGER REFERENCES wallets (id),
    amount             INTEGER NOT NULL,
    balance_after      INTEGER,
    model              TEXT,
    provider           TEXT,
    prompt_tokens      INTEGER NOT NULL DEFAULT 0,
    completion_tokens  INTEGER NOT NULL DEFAULT 0,
    cached_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens   INTEGER NOT NULL DEFAULT 0,
    -- The whole cost of the attempt, on the first leg; the amounts of its legs add up to it.
    cost               INTEGER NOT NULL DEFAULT 0,
    estimated          INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1)),
    usage_source       TEXT    NOT NULL DEFAULT 'none' CHECK (usage_source IN ('none', 'provider', 'local', 'hold')),
    price_version      INTEGER,
    holder_id          INTEGER,
    settlement         INTEGER,
    position           INTEGER,
    hash               BLOB    NOT NULL CHECK (length(hash) = 32),
    reverses           BLOB    CHECK (length(reverses) = 16),
    note               TEXT,
    created_at         INTEGER NOT NULL,
    PRIMARY KEY (request_id, attempt, type, leg)
) STRICT, WITHOUT ROWID;

CREATE INDEX transactions_by_wallet ON transactions (wallet_id, created_at);
CREATE INDEX transactions_by_org ON transactions (org_id, created_at);
CREATE INDEX transactions_by_settlement ON transactions (settlement, position);

-- One batch of transactions, posted in one commit.
CREATE TABLE settlements (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    holder_id  INTEGER NOT NULL,
    count      INTEGER NOT NULL CHECK (count > 0),
    amount     INTEGER NOT NULL,
    root       BLOB    NOT NULL CHECK (length(root) = 32),
    block      INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX settlements_unsealed ON settlements (id) WHERE block IS NULL;
CREATE INDEX settlements_by_block ON settlements (block, id);

CREATE TABLE blocks (
    n             INTEGER PRIMARY KEY,
    settlements   INTEGER NOT NULL,
    count         INTEGER NOT NULL,
    amount        INTEGER NOT NULL,
    root          BLOB    NOT NULL CHECK (length(root) = 32),
    previous_hash BLOB    NOT NULL CHECK (length(previous_hash) = 32),
    hash          BLOB    NOT NULL CHECK (length(hash) = 32),
    public_key    BLOB    NOT NULL CHECK (length(public_key) = 32),
    signature     BLOB    NOT NULL CHECK (length(signature) = 64),
    sealed_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log (
    id            INTEGER PRIMARY KEY,
    event_type    TEXT    NOT NULL,
    org_id        INTEGER,
    user_id       INTEGER,
    actor         TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    target        TEXT    NOT NULL,
    details       TEXT    NOT NULL,
    ip_address    TEXT,
    previous_hash BLOB    NOT NULL CHECK (length(previous_hash) = 32),
    hash          BLOB    NOT NULL CHECK (length(hash) = 32),
    created_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_log_by_org ON audit_log (org_id, id);

-- Where the chain ends, so that a cut tail is noticed.
CREATE TABLE audit_head (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    id   INTEGER NOT NULL,
    hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO audit_head (number, id, hash) VALUES (1, 0, zeroblob(32));

-- An absence lends a share of the absent member's quota to the team's pool.
CREATE TABLE absences (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id     INTEGER NOT NULL REFERENCES organisations (id),
    user_id    INTEGER NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL CHECK (ends_at > starts_at),
    state      TEXT    NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'active', 'ended')),
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (user_id, org_id) REFERENCES users (id, org_id)
) STRICT;

CREATE INDEX absences_by_state ON absences (state, starts_at);

CREATE TABLE loans (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    absence_id  INTEGER NOT NULL REFERENCES absences (id),
    from_wallet INTEGER NOT NULL REFERENCES wallets (id),
    to_wallet   INTEGER NOT NULL REFERENCES wallets (id),
    amount      INTEGER NOT NULL CHECK (amount > 0),
    reclaimed   INTEGER NOT NULL DEFAULT 0,
    -- Open until the absence ends; then what is unspent goes back as leases return it.
    state       TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ending', 'closed')),
    created_at  INTEGER NOT NULL,
    CHECK (reclaimed BETWEEN 0 AND amount)
) STRICT;

CREATE INDEX loans_by_pool ON loans (to_wallet, state, id);

-- What was answered to a request that carried an Idempotency-Key.
CREATE TABLE idempotency (
    actor      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    -- Of method, path and body: the same key for another request is a mistake.
    request    BLOB    NOT NULL CHECK (length(request) = 32),
    status     INTEGER NOT NULL,
    answer     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE sessions (
    token_hash BLOB    PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    INTEGER NOT NULL REFERENCES users (id),
    ip_address TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Tokens with which machines use the admin API, as the user they belong to.
CREATE TABLE access_tokens (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id         INTEGER NOT NULL,
    user_id        INTEGER NOT NULL,
    name           TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    public_id      TEXT    NOT NULL UNIQUE CHECK (length(public_id) = 12),
    token_hash     TEXT    NOT NULL CHECK (length(token_hash) = 64),
    pepper_version INTEGER NOT NULL,
    expires_at     INTEGER,
    revoked_at     INTEGER,
    created_at     INTEGER NOT NULL,
    FOREIGN KEY (user_id, org_id) REFERENCES users (id, org_id)
) STRICT;

CREATE INDEX access_tokens_by_user ON access_tokens (user_id);

INSERT INTO revisions (topic, value) VALUES ('wallets', 0);

CREATE TRIGGER wallets_made AFTER INSERT ON wallets
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'wallets'; END;

-- Not for balances: those move with every settlement and are known to whoever leases.
CREATE TRIGGER wallets_changed AFTER UPDATE OF overdraft, hard_limit, soft_limit, mode, cap, period, status, period_start ON wallets
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'wallets'; END;

CREATE TRIGGER organisations_changed AFTER UPDATE OF status, funding_order, markup_ppm ON organisations
BEGIN UPDATE revisions SET value = value + 1; END;

CREATE TRIGGER teams_changed AFTER UPDATE OF funding_order, markup_ppm ON teams
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'wallets'; END;

CREATE TRIGGER users_known AFTER UPDATE OF email, subject, role, team_role, tokens_valid_after ON users
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER users_made AFTER INSERT ON users
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;
