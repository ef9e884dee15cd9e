-- Keeps every entry of the audit log for 90 days.
CREATE OR REPLACE FUNCTION refuse_early_deletion_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps every entry for 90 days', TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER keep_90_days BEFORE DELETE ON audit_log
    FOR EACH ROW WHEN (old.at > now() - interval '90 days')
    EXECUTE FUNCTION refuse_early_deletion_v1();
