#!/bin/sh
# The name under which users were managed before; the same commands and options.
exec "$(dirname "$0")/users" "$@"
