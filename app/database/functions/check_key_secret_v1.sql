-- Names a new key by its first secret; refuses a secret that is or was another key's.
CREATE OR REPLACE FUNCTION check_key_secret_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    new.key_id := coalesce(new.key_id, new.key_hash);
    IF EXISTS (SELECT FROM previous_key_secret r
                WHERE r.key_hash = new.key_hash AND (TG_OP = 'UPDATE' OR r.key_id <> new.key_id))
       OR EXISTS (SELECT FROM api_key k
                   WHERE k.key_id = new.key_hash AND k.key_id <> new.key_id) THEN
        RAISE unique_violation USING MESSAGE = 'this secret is or was that of another key',
                                     CONSTRAINT = 'api_key_pkey';
    END IF;
    RETURN new;
END $$;

CREATE OR REPLACE TRIGGER check_key_secret BEFORE INSERT OR UPDATE OF key_hash ON api_key
    FOR EACH ROW EXECUTE FUNCTION check_key_secret_v1();
