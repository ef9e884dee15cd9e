-- A Bedrock guardrail for a key's or a user's calls, as id:version; NULL leaves it to the next level.

ALTER TABLE gateway_user ADD COLUMN guardrail text;
ALTER TABLE api_key ADD COLUMN guardrail text;
