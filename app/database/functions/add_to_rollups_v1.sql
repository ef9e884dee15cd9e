-- Adds rows of the log to the daily roll-ups: those of a day, or one request of it.
CREATE OR REPLACE FUNCTION add_to_rollups_v1(p_day date, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_first timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_end timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    INSERT INTO spend_daily AS d
    SELECT p_day, key_id, coalesce(user_id, ''), model, count(*),
           count(*) FILTER (WHERE status >= 400), sum(input_tokens), sum(output_tokens),
           sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens),
           sum(cost), coalesce(sum(cost) FILTER (WHERE estimated), 0)
      FROM spend_log
     WHERE started_at >= v_first AND started_at < v_end
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY key_id, coalesce(user_id, ''), model
    ON CONFLICT (day, key_id, user_id, model) DO UPDATE
       SET requests = d.requests + excluded.requests,
           failed_requests = d.failed_requests + excluded.failed_requests,
           input_tokens = d.input_tokens + excluded.input_tokens,
           output_tokens = d.output_tokens + excluded.output_tokens,
           cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens,
           cache_write_5m_tokens = d.cache_write_5m_tokens + excluded.cache_write_5m_tokens,
           cache_write_1h_tokens = d.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
           cost = d.cost + excluded.cost,
           estimated_cost = d.estimated_cost + excluded.estimated_cost;
    INSERT INTO spend_session_daily AS d
    SELECT p_day, session_id, key_id, coalesce(user_id, ''), min(started_at), max(finished_at),
           count(*), sum(all_tokens_v1(l)), sum(cost)
      FROM spend_log l
     WHERE started_at >= v_first AND started_at < v_end AND session_id IS NOT NULL
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY session_id, key_id, coalesce(user_id, '')
    ON CONFLICT (day, session_id, key_id, user_id) DO UPDATE
       SET first_at = least(d.first_at, excluded.first_at),
           last_at = greatest(d.last_at, excluded.last_at),
           requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
    INSERT INTO spend_tag_daily AS d
    SELECT p_day, tag, key_id, count(*), sum(all_tokens_v1(l)), sum(cost)
      FROM spend_log l CROSS JOIN unnest(l.tags) AS tag
     WHERE started_at >= v_first AND started_at < v_end
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY tag, key_id
    ON CONFLICT (day, tag, key_id) DO UPDATE
       SET requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
END $$;
