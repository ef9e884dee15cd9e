-- Keeps the names of deleted keys for reports on what they spent.
CREATE OR REPLACE FUNCTION keep_deleted_key_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deleted_key (key_id, key_name, key_alias, user_id)
    VALUES (old.key_id, old.key_name, old.key_alias, old.user_id)
    ON CONFLICT (key_id) DO UPDATE
       SET key_name = excluded.key_name, key_alias = excluded.key_alias,
           user_id = excluded.user_id, deleted_at = excluded.deleted_at;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER keep_deleted_key AFTER DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION keep_deleted_key_v1();
