-- Notifies every gateway of keys whose cached copy is out of date; an empty payload means all keys.
CREATE OR REPLACE FUNCTION notify_key_change_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'budget' THEN
        PERFORM pg_notify('gateway_key', '');
    ELSIF TG_TABLE_NAME = 'gateway_user' THEN
        PERFORM pg_notify('gateway_key', s.key_hash)
           FROM api_key k
           CROSS JOIN LATERAL (
               SELECT k.key_hash
               UNION ALL
               SELECT r.key_hash FROM previous_key_secret r WHERE r.key_id = k.key_id
           ) s
          WHERE k.user_id = coalesce(new.user_id, old.user_id);
    ELSE
        PERFORM pg_notify('gateway_key', old.key_hash) WHERE TG_OP <> 'INSERT';
        PERFORM pg_notify('gateway_key', new.key_hash) WHERE TG_OP <> 'DELETE';
        PERFORM pg_notify('gateway_key', r.key_hash) FROM previous_key_secret r
         WHERE r.key_id = coalesce(new.key_id, old.key_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER notify_key_change AFTER INSERT OR UPDATE OR DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION notify_key_change_v1();

CREATE OR REPLACE TRIGGER notify_key_change AFTER UPDATE OR DELETE ON gateway_user
    FOR EACH ROW EXECUTE FUNCTION notify_key_change_v1();

CREATE OR REPLACE TRIGGER notify_key_change AFTER INSERT OR UPDATE OR DELETE ON previous_key_secret
    FOR EACH ROW EXECUTE FUNCTION notify_key_change_v1();

CREATE OR REPLACE TRIGGER notify_key_change AFTER UPDATE OR DELETE ON budget
    FOR EACH ROW EXECUTE FUNCTION notify_key_change_v1();
