#!/usr/bin/env bash
# The emergency of source document 000 (cancel, replace the workflow files), proven as document 001 says: a run of
# ci.yml, its sleep, and the conclusion of the newest run. What differs: gh run cancel takes one run at a time, and
# refuses the list that the document gives it, so it is called for each.
# Arguments: SECONDS, which in the document are 60; run from a clone of the repository, at the branch main.
set -euo pipefail

gh run list --limit 10 --json databaseId --jq '.[].databaseId' | xargs -n 1 gh run cancel
"$(dirname "$0")/peer_document_000_swap.sh"
gh workflow run ci.yml
sleep "$1"
gh run list --limit 1 --json conclusion
