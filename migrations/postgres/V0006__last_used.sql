-- When a key was last used is no change that anybody must hear of.
DROP TRIGGER api_keys_changed ON api_keys;

CREATE TRIGGER api_keys_changed AFTER INSERT OR DELETE OR UPDATE OF org_id, team_id, user_id, name, env, public_id,
    key_hash, pepper_version, last4, models, requests_per_minute, tokens_per_minute, is_active, expires_at, revoked_at,
    version
ON api_keys
FOR EACH ROW EXECUTE FUNCTION revise('keys');
