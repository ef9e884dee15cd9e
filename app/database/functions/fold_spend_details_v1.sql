-- Bounds the roll-ups by session and tag, whose names clients choose: of each key and day the
-- p_most with the highest cost stay, the rest is summed as "(other)".
CREATE OR REPLACE FUNCTION fold_spend_details_v1(p_day date, p_most integer) RETURNS void
LANGUAGE sql AS $$
    WITH ranked AS (
        SELECT session_id, key_id, user_id,
               row_number() OVER (PARTITION BY key_id ORDER BY cost DESC, session_id) AS place
          FROM spend_session_daily WHERE day = p_day AND session_id <> '(other)'
    ), folded AS (
        DELETE FROM spend_session_daily d USING ranked r
         WHERE r.place > p_most AND d.day = p_day AND d.session_id = r.session_id
           AND d.key_id = r.key_id AND d.user_id = r.user_id
        RETURNING d.*
    )
    INSERT INTO spend_session_daily AS d
    SELECT p_day, '(other)', key_id, user_id, min(first_at), max(last_at), sum(requests),
           sum(tokens), sum(cost)
      FROM folded GROUP BY key_id, user_id
    ON CONFLICT (day, session_id, key_id, user_id) DO UPDATE
       SET first_at = least(d.first_at, excluded.first_at),
           last_at = greatest(d.last_at, excluded.last_at),
           requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
    WITH ranked AS (
        SELECT tag, key_id,
               row_number() OVER (PARTITION BY key_id ORDER BY cost DESC, tag) AS place
          FROM spend_tag_daily WHERE day = p_day AND tag <> '(other)'
    ), folded AS (
        DELETE FROM spend_tag_daily d USING ranked r
         WHERE r.place > p_most AND d.day = p_day AND d.tag = r.tag AND d.key_id = r.key_id
        RETURNING d.*
    )
    INSERT INTO spend_tag_daily AS d
    SELECT p_day, '(other)', key_id, sum(requests), sum(tokens), sum(cost)
      FROM folded GROUP BY key_id
    ON CONFLICT (day, tag, key_id) DO UPDATE
       SET requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
$$;
