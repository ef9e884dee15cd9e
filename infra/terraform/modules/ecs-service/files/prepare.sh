#!/bin/sh
# Runs to its end before the service's own container starts: opens the writable folders to an
# unprivileged user, unpacks the configuration, and puts values in the place of @NAMES@. For a POSIX
# shell with busybox's tools.
set -eu

for folder in $WRITABLE; do
  chmod 1777 "/writable/$folder"
done

number=0
value=
while eval "path=\${PATH_$number:-}" && [ -n "$path" ]; do
  mkdir -p "/configuration/$(dirname "$path")"
  eval "printf '%s' \"\$DATA_$number\"" | base64 -d | gunzip > "/configuration/$path"
  for name in $VALUES; do
    eval "value=\${$name}"
    sed -i "s|@$name@|${value:?}|g" "/configuration/$path"
  done
  number=$((number + 1))
done
