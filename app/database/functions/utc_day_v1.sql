-- Returns the UTC day of a time.
CREATE OR REPLACE FUNCTION utc_day_v1(p_at timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (p_at AT TIME ZONE 'UTC')::date $$;
