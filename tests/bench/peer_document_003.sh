#!/usr/bin/env bash
# The "Emergency Rollback Script" of source document 003 with its own sleeps. What differs: the tag is moved, as the
# document says elsewhere, since this stack names a tag that moves; nothing is pulled; curl is bash's own /dev/tcp.
# Arguments: PROJECT IMAGE:VERSION IMAGE:DEPLOYED PORT; run from the project's directory.
set -euo pipefail
project=$1 previous=$2 deployed=$3 port=$4

answers() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /api/status HTTP/1.0\r\n\r\n' >&3
  read -r _ status _ <&3
  [ "$status" = 200 ]
} 2>/dev/null

backup=../backup/$(date +%Y%m%d_%H%M%S)
mkdir -p "$backup"
docker compose -p "$project" config >"$backup/docker-compose.yml"
docker compose -p "$project" down --remove-orphans
docker tag "$previous" "$deployed"
docker compose -p "$project" up -d
sleep 10
for _ in {1..30}; do
  if (answers); then break; fi
  sleep 2
done
docker ps
