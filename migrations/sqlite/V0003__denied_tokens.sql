-- Tokens of other issuers that are refused before their end, each by its own name (jti).
CREATE TABLE denied_tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer     TEXT    NOT NULL CHECK (length(issuer) BETWEEN 1 AND 200),
    jti        TEXT    NOT NULL CHECK (length(jti) BETWEEN 1 AND 1000),
    note       TEXT,
    -- From then on the token has ended by itself, and the row is forgotten.
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (issuer, jti)
) STRICT;

CREATE TRIGGER denied_tokens_inserted AFTER INSERT ON denied_tokens
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER denied_tokens_updated AFTER UPDATE ON denied_tokens
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;

CREATE TRIGGER denied_tokens_deleted AFTER DELETE ON denied_tokens
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;
