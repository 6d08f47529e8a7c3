#!/bin/sh
# Every spec, two processes at a time; a process for each group of folders, so
# that what one leaves in memory does not slow the others' collections.
#
#   lanes.sh command...   (busted and its options; folders are added)
#
# Prints what they say, one after the other; fails if one of them does.
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# Run the rest of the arguments over each group of folders, lines of $1.
lane() {
  groups=$1
  failed=0
  shift
  while read -r folders; do
    # The folders are words.
    # shellcheck disable=SC2086
    "$@" $folders </dev/null || failed=1
  done <<LANE
$groups
LANE
  return $failed
}

lane "spec/vm
spec/base spec/wire spec/net
spec/store
spec/cli spec/fault" "$@" >"$out" 2>&1 &
first=$!
lane "spec/object spec/floors_spec.lua
spec/bindings
spec/host examples" "$@"
failed=$?
wait $first || failed=1
cat "$out"
exit $failed
