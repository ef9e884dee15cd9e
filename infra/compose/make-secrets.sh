#!/bin/sh
# Passwords and keys of the stack on this machine: `make-secrets.sh FOLDER` makes them once, one file
# of variables for each that needs them; `make-secrets.sh FOLDER show` prints those for people.
set -eu
cd "$1"

random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

make() {
  database=$(random 24)
  clickhouse=$(random 24)
  valkey=$(random 24)
  storage=$(random 24)
  public=pk-lf-$(random 16)
  secret=sk-lf-$(random 16)
  echo "POSTGRES_PASSWORD=$database" > postgres
  printf '%s\n' "PGPASSWORD=$database" "GATEWAY_MASTER_KEY=sk-$(random 24)" > gateway
  echo "GF_SECURITY_ADMIN_PASSWORD=$(random 16)" > grafana
  printf '%s\n' "LANGFUSE_PUBLIC_KEY=$public" "LANGFUSE_SECRET_KEY=$secret" > langfuse-project
  printf '%s\n' \
    "LANGFUSE_INIT_PROJECT_PUBLIC_KEY=$public" \
    "LANGFUSE_INIT_PROJECT_SECRET_KEY=$secret" \
    "LANGFUSE_INIT_USER_PASSWORD=$(random 16)" \
    "NEXTAUTH_SECRET=$(random 32)" > langfuse-web
  printf '%s\n' \
    "DATABASE_PASSWORD=$database" \
    "CLICKHOUSE_PASSWORD=$clickhouse" \
    "REDIS_AUTH=$valkey" \
    "SALT=$(random 32)" \
    "ENCRYPTION_KEY=$(random 32)" \
    "LANGFUSE_S3_EVENT_UPLOAD_SECRET_ACCESS_KEY=$storage" \
    "LANGFUSE_S3_MEDIA_UPLOAD_SECRET_ACCESS_KEY=$storage" > langfuse
  echo "CLICKHOUSE_PASSWORD=$clickhouse" > clickhouse
  echo "VALKEY_PASSWORD=$valkey" > valkey
  echo "MINIO_ROOT_PASSWORD=$storage" > minio
  # The last of all, so that what was interrupted is begun anew.
  touch made
}

[ -e made ] || make
if [ "${2:-}" = show ]; then
  cat gateway grafana
  grep USER_PASSWORD langfuse-web
fi
