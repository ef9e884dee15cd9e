-- Returns the tokens of a request, of every kind.
CREATE OR REPLACE FUNCTION all_tokens_v1(r spend_log) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT r.input_tokens + r.output_tokens + r.cache_read_tokens + r.cache_write_5m_tokens
         + r.cache_write_1h_tokens
$$;
