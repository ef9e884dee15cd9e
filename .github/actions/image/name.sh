#!/usr/bin/env bash
# Where an image is pushed to and what it is built from, as outputs of a workflow's step.
set -euo pipefail

registry="$1" environment="$2" image="$3"
case "$image" in
  gateway) context=. dockerfile=app/Dockerfile ;;
  grafana) context=infra/grafana dockerfile=infra/grafana/Dockerfile ;;
  *)
    echo "There is no image of ${image@Q}." >&2
    exit 2
    ;;
esac
case "$environment" in
  poc | prod) ;;
  *)
    echo "There is no environment ${environment@Q}." >&2
    exit 2
    ;;
esac
printf 'repository=%s/stargate-%s/%s\n' "$registry" "$environment" "$image"
printf 'context=%s\ndockerfile=%s\n' "$context" "$dockerfile"
