#!/usr/bin/env bash
# "Rollback All MCP Containers" of source document 003 with its own sleep. What differs: instead of a pull the tag is
# moved, since this stack names a tag that moves, and the container is inspected by its service's name.
# Arguments: PROJECT IMAGE; run from the project's directory.
set -euo pipefail
project=$1 image=$2

services=$(docker compose -p "$project" config --services | grep mcp)
for service in ${services}; do
  echo "Rolling back ${service}..."
  docker compose -p "$project" stop "${service}"
  docker tag "$image" "$project/${service}:production"
  docker compose -p "$project" up -d "${service}"
  sleep 5
  if [ "$(docker inspect --format='{{.State.Status}}' "$(docker compose -p "$project" ps -q "${service}")")" == "running" ]; then
    echo "${service} rolled back successfully"
  else
    echo "${service} rollback failed"
  fi
done
