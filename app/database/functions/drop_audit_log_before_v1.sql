-- Deletes audit log entries older than p_before, p_most at a time. The only way to delete any.
CREATE OR REPLACE FUNCTION drop_audit_log_before_v1(p_before timestamptz, p_most integer)
RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_deleted integer;
BEGIN
    PERFORM set_config('gateway.forgets', 'audit_log', true);
    DELETE FROM audit_log
     WHERE id IN (SELECT id FROM (SELECT id, at FROM audit_log ORDER BY id LIMIT p_most) AS oldest
                   WHERE at < p_before);
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    PERFORM set_config('gateway.forgets', '', true);
    RETURN v_deleted;
END $$;
