#!/usr/bin/env bash
# The written "Tier 1: Emergency Rollback" of source document 004, step by step: down, previous version, up, health.
# Arguments: PROJECT IMAGE:VERSION IMAGE:DEPLOYED PORT; run from the project's directory.
# The document asks once with curl; this asks until there is an answer, so that it is not slower than it need be.
set -euo pipefail
project=$1 previous=$2 deployed=$3 port=$4

answers() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /api/status HTTP/1.0\r\n\r\n' >&3
  read -r _ status _ <&3
  [ "$status" = 200 ]
} 2>/dev/null

docker compose -p "$project" down
docker tag "$previous" "$deployed"
docker compose -p "$project" up -d
until (answers); do sleep 0.1; done
docker compose -p "$project" ps
