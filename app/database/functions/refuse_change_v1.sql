-- Makes a table append-only; drop_audit_log_before may delete.
CREATE OR REPLACE FUNCTION refuse_change_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gateway.forgets', true) = TG_TABLE_NAME THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% takes no %: it is only ever added to', TG_TABLE_NAME, TG_OP;
END $$;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_v1();
