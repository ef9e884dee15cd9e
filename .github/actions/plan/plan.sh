#!/usr/bin/env bash
# Plans an environment into a folder: plan.tfplan to apply, plan.json to read, plan.log for people.
# Writes outputs of a step to stdout. A plan that fails leaves no plan.json behind.
set -euo pipefail

root="infra/terraform/environments/$1"
mkdir -p "$2"
target="$(cd "$2" && pwd)"

# A role that only reads cannot lock; what changes meanwhile makes the plan stale, and its apply fails.
code=0
terraform -chdir="$root" plan -input=false -no-color -lock=false -detailed-exitcode \
  -out="$target/plan.tfplan" > "$target/plan.log" 2>&1 || code=$?
cat "$target/plan.log" >&2
case "$code" in
  0) changes=false ;;
  2) changes=true ;;
  *) exit "$code" ;;
esac
terraform -chdir="$root" show -json "$target/plan.tfplan" > "$target/plan.partial"
mv "$target/plan.partial" "$target/plan.json"
digest="$(sha256sum "$target/plan.tfplan")"
printf 'changes=%s\nsha256=%s\n' "$changes" "${digest%% *}"
