-- What a tenant, a team or a key wants its texts screened with, over what the configuration says.
CREATE TABLE guard_policies (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id     INTEGER NOT NULL REFERENCES organisations (id),
    -- None and no key: the policy of the whole organisation.
    team_id    INTEGER,
    key_id     INTEGER REFERENCES api_keys (id),
    -- As `filters` and `guard` of the configuration; values that are let through are hashed.
    policy     TEXT    NOT NULL CHECK (json_type(policy) = 'object'),
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    CHECK (team_id IS NULL OR key_id IS NULL),
    FOREIGN KEY (team_id, org_id) REFERENCES teams (id, org_id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX guard_policies_by_organisation ON guard_policies (org_id)
WHERE team_id IS NULL AND key_id IS NULL;
CREATE UNIQUE INDEX guard_policies_by_team ON guard_policies (team_id) WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX guard_policies_by_key ON guard_policies (key_id) WHERE key_id IS NOT NULL;

CREATE TRIGGER guard_policies_inserted AFTER INSERT ON guard_policies
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER guard_policies_updated AFTER UPDATE ON guard_policies
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER guard_policies_deleted AFTER DELETE ON guard_policies
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

-- How often guards found what, day by day. 0 stands for nobody known.
CREATE TABLE guard_findings (
    -- Its first moment in Unix milliseconds, UTC.
    day       INTEGER NOT NULL,
    org_id    INTEGER NOT NULL,
    team_id   INTEGER NOT NULL,
    user_id   INTEGER NOT NULL,
    key_id    INTEGER NOT NULL,
    direction TEXT    NOT NULL CHECK (direction IN ('request', 'answer')),
    kind      TEXT    NOT NULL,
    rule      TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    -- Only found: the action is what would have been done.
    dry_run   INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    count     INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, org_id, team_id, user_id, key_id, direction, kind, rule, action, dry_run)
) STRICT, WITHOUT ROWID;
