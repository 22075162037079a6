#!/usr/bin/env bash
# "System State Assessment" of source document 001 for a hundred runs instead of ten, and what failed in each run that
# did, which is how often the image could not be built. Prints the names of the failed jobs.
set -euo pipefail

gh run list --limit 100 --json databaseId,conclusion,status,startedAt,updatedAt >runs.json
for run in $(jq '.[] | select(.conclusion == "failure") | .databaseId' runs.json); do
  gh run view "$run" --json jobs --jq '.jobs[] | select(.conclusion == "failure") | .name'
done
