-- An operator's word on beta flags; model '*' is every model, sent_as NULL means not sent.

CREATE TABLE beta_rule (
    model   text NOT NULL,
    beta    text NOT NULL,
    sent_as text,
    PRIMARY KEY (model, beta)
);

CREATE FUNCTION announce_model_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('gateway_model', '');
    RETURN NULL;
END $$;

CREATE TRIGGER announce_model_change AFTER INSERT OR UPDATE OR DELETE ON beta_rule
    FOR EACH STATEMENT EXECUTE FUNCTION announce_model_change();
