-- Roles and databases of the services, on the instance that RDS made. Run again, it changes
-- passwords to what the secrets say and nothing else.
\getenv gateway_password GATEWAY_PASSWORD
\getenv langfuse_password LANGFUSE_PASSWORD

SELECT 'CREATE ROLE gateway LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gateway') \gexec
ALTER ROLE gateway WITH PASSWORD :'gateway_password';
SELECT format('GRANT gateway TO %I', current_user) \gexec
ALTER DATABASE gateway OWNER TO gateway;
REVOKE CONNECT, TEMPORARY ON DATABASE gateway FROM PUBLIC;

\if :{?langfuse_password}
SELECT 'CREATE ROLE langfuse LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'langfuse') \gexec
ALTER ROLE langfuse WITH PASSWORD :'langfuse_password';
SELECT format('GRANT langfuse TO %I', current_user) \gexec
SELECT 'CREATE DATABASE langfuse OWNER langfuse' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'langfuse') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE langfuse FROM PUBLIC;
\endif
