#!/bin/sh
# Runs a command with the variables of the files that SECRETS names.
set -eu
set -a
for name in $SECRETS; do
  # shellcheck disable=SC1090 # they are made when the stack first starts
  . "${SECRETS_FOLDER:-/secrets}/$name"
done
set +a
exec "$@"
