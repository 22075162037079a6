#!/usr/bin/env bash
# The written "Tier 2: Standard Rollback" of source document 004, step by step: snapshot, stop, restore in place,
# previous version, up, health. Arguments: PROJECT IMAGE:VERSION IMAGE:DEPLOYED PORT USER DATABASE BACKUP; run from the
# project's directory. The document stops the database too and then restores into it, which cannot work: here the
# application is stopped. Its "sleep 60" at the end is left out; this asks until there is an answer instead.
set -euo pipefail
project=$1 previous=$2 deployed=$3 port=$4 user=$5 database=$6 backup=$7

answers() {
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'GET /api/status HTTP/1.0\r\n\r\n' >&3
  read -r _ status _ <&3
  [ "$status" = 200 ]
} 2>/dev/null

docker exec "$project-db-1" pg_dump -U "$user" -d "$database" -F c -f /tmp/pre-rollback.dump
docker compose -p "$project" stop api writer
docker exec -i "$project-db-1" pg_restore -U "$user" -d "$database" --clean --if-exists <"$backup"
docker tag "$previous" "$deployed"
docker compose -p "$project" up -d
until (answers); do sleep 0.1; done
docker compose -p "$project" ps
