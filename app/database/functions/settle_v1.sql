-- Settles a request: deletes its reservation, adds its cost to its counters, writes its row of the
-- spend log. Repeating it changes nothing; actual figures replace those of a recovered reservation.
-- p_settlement: row (a row of spend_log) and counters [{scope, id, start, cap}].
-- Returns what is spent in each counter now.
CREATE OR REPLACE FUNCTION settle_v1(p_settlement jsonb) RETURNS numeric[]
LANGUAGE plpgsql AS $$
DECLARE
    v_row spend_log := jsonb_populate_record(NULL::spend_log, p_settlement -> 'row');
    v_more numeric := v_row.cost;
    v_day date := utc_day_v1(v_row.started_at);
    v_reservation reservation;
    v_logged spend_log;
    v_surplus double precision := 0;
    v_spent numeric;
    v_all numeric[] := '{}';
    a record;
BEGIN
    DELETE FROM reservation WHERE request_id = v_row.request_id RETURNING * INTO v_reservation;
    INSERT INTO spend_log SELECT v_row.* ON CONFLICT (started_at, request_id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO v_logged FROM spend_log
         WHERE started_at = v_row.started_at AND request_id = v_row.request_id FOR UPDATE;
        IF v_logged.ending = 'gateway_lost' AND v_row.ending <> 'gateway_lost' THEN
            v_more := v_row.cost - v_logged.cost;
            DELETE FROM spend_log
             WHERE started_at = v_row.started_at AND request_id = v_row.request_id;
            INSERT INTO spend_log SELECT v_row.*;
        ELSE
            v_more := 0;
        END IF;
    END IF;
    IF v_day < utc_day_v1(now()) THEN
        PERFORM note_late_spend_v1(v_day, v_row.request_id);
    END IF;
    IF v_reservation.limits IS NOT NULL AND v_reservation.limits <> '[]' THEN
        IF v_row.ending <> 'gateway_lost' THEN
            v_surplus := all_tokens_v1(v_row) - v_row.cache_read_tokens - v_reservation.tokens;
        END IF;
        FOR a IN SELECT * FROM jsonb_to_recordset(v_reservation.limits)
            AS x (scope text, id text, rpm double precision, tpm double precision) LOOP
            UPDATE rate_limit_bucket m
               SET requests = greatest(0, m.requests - coalesce(a.rpm, 0) / 60 * greatest(
                       0, extract(epoch FROM clock_timestamp() - m.as_of))),
                   tokens = greatest(0, v_surplus + greatest(
                       0, m.tokens - coalesce(a.tpm, 0) / 60 * greatest(
                           0, extract(epoch FROM clock_timestamp() - m.as_of)))),
                   as_of = clock_timestamp(),
                   in_flight = greatest(0, m.in_flight - 1)
             WHERE m.scope = a.scope AND m.id = a.id;
        END LOOP;
    END IF;
    FOR a IN SELECT * FROM jsonb_to_recordset(p_settlement -> 'counters')
        AS x (scope text, id text, start timestamptz, cap numeric) LOOP
        INSERT INTO budget_counter AS t (scope, id, window_start, spent)
        VALUES (a.scope, a.id, a.start, v_more)
        ON CONFLICT (scope, id, window_start) DO UPDATE
           SET spent = t.spent + v_more,
               reserved = t.reserved - CASE WHEN a.cap IS NULL THEN 0
                                            ELSE coalesce(v_reservation.amount, 0) END
        RETURNING t.spent INTO v_spent;
        v_all := v_all || v_spent;
    END LOOP;
    RETURN v_all;
END $$;
