-- When a key was last used is no change that anybody must hear of.
DROP TRIGGER api_keys_updated;

CREATE TRIGGER api_keys_updated AFTER UPDATE OF org_id, team_id, user_id, name, env, public_id, key_hash,
    pepper_version, last4, models, requests_per_minute, tokens_per_minute, is_active, expires_at, revoked_at, version
ON api_keys
BEGIN UPDATE revisions SET value = value + 1 WHERE topic = 'keys'; END;
