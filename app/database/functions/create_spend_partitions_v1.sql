-- Creates daily partitions ahead of time. A day that cannot be created now may wait: behind a long
-- query on the log, all writers would queue. A day that has rows in the default partition stays
-- there.
CREATE OR REPLACE FUNCTION create_spend_partitions_v1(p_first date, p_days integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- One gateway at a time: two that find a table missing would both make it.
    PERFORM pg_advisory_xact_lock(hashtext('create_spend_partitions'));
    PERFORM set_config('lock_timeout', '500ms', true);
    FOR i IN 0 .. p_days - 1 LOOP
        BEGIN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF spend_log FOR VALUES FROM (%L) TO (%L)',
                'spend_log_' || to_char(p_first + i, 'YYYYMMDD'),
                (p_first + i)::timestamp AT TIME ZONE 'UTC',
                (p_first + i + 1)::timestamp AT TIME ZONE 'UTC');
        EXCEPTION
            WHEN check_violation THEN CONTINUE;
            WHEN lock_not_available THEN RETURN;
        END;
    END LOOP;
END $$;
