-- Makes the address of a user unique again once it is changed.
CREATE OR REPLACE FUNCTION end_duplicate_email_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    new.duplicate_email := false;
    RETURN new;
END $$;

CREATE OR REPLACE TRIGGER end_duplicate_email BEFORE UPDATE OF user_email ON gateway_user
    FOR EACH ROW
    WHEN (lower(btrim(old.user_email)) IS DISTINCT FROM lower(btrim(new.user_email)))
    EXECUTE FUNCTION end_duplicate_email_v1();
