-- A settlement writes a thousand rows at once. A foreign key looks its wallet up and locks it for
-- each of them, which was half of the time; the same is asked here once for a statement.
ALTER TABLE transactions DROP CONSTRAINT transactions_wallet_id_fkey;

CREATE FUNCTION transactions_have_wallets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing BIGINT;
BEGIN
    SELECT f.wallet_id INTO missing FROM (SELECT DISTINCT wallet_id FROM fresh) AS f
    WHERE f.wallet_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM wallets w WHERE w.id = f.wallet_id)
    LIMIT 1;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = 'there is no wallet ' || missing || ' for a transaction';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER transactions_entered AFTER INSERT ON transactions
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION transactions_have_wallets();

CREATE TRIGGER transactions_changed AFTER UPDATE ON transactions
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION transactions_have_wallets();

CREATE FUNCTION wallets_with_transactions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM transactions t WHERE t.wallet_id = OLD.id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'wallet ' || OLD.id || ' has transactions';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER wallets_deleted BEFORE DELETE ON wallets
FOR EACH ROW EXECUTE FUNCTION wallets_with_transactions_stay();

-- Rows of a settlement are written together, so that a summary of pages finds them as well as an
-- entry for each row would.
DROP INDEX transactions_by_settlement;
CREATE INDEX transactions_by_settlement ON transactions USING brin (settlement) WITH (autosummarize = on);
