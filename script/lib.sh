#!/usr/bin/env bash
# Shared by the scripts beside it; to be sourced.
# shellcheck disable=SC2034  # what is set here is used there

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
CACHE=$ROOT/.cache
ENGINE=$ROOT/.engine
# Everything that the demo and the tests make carries this label, and only that is ever removed.
LABEL=tiered.rollback.demo=true
export BASE_IMAGE=${TIERED_BASE_IMAGE:-tiered-rollback/base:bookworm}

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
codename() { (. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-unknown}"); }

use_venv() {
  export PATH=$VENV/bin:$PATH
  export ANSIBLE_COLLECTIONS_PATH=$ROOT/.collections
  # Without compiled bytecode each start of Ansible costs a second more.
  unset PYTHONDONTWRITEBYTECODE
}

# The peelback service shares no package with the collection, so it has an environment of its own.
peelback_venv() {
  "$VENV/bin/python" -m venv "$CACHE/peelback-venv" &&
    (cd "$ROOT/peelback" && "$CACHE/peelback-venv/bin/python" -m pip install -qq -r requirements.txt -r requirements-test.txt)
}

# ansible-rulebook is an extra that needs Java; who rolls back by hand needs neither.
rulebook_venv() {
  command -v java >/dev/null || apt_install default-jre-headless
  [ -x "$CACHE/rulebook-venv/bin/ansible-rulebook" ] && return
  say "making .cache/rulebook-venv"
  "$VENV/bin/python" -m venv --clear "$CACHE/rulebook-venv" &&
    "$CACHE/rulebook-venv/bin/python" -m pip install -q -r "$ROOT/extensions/eda/requirements.txt"
}

# --- packages of the system -------------------------------------------------------------------

# apt_install PACKAGE...: what is missing of them, or a clear refusal without root.
apt_install() {
  is_root || die "needed and not installed: $*. Without root this script cannot install them; ask for:
       apt-get install $*"
  command -v apt-get >/dev/null || die "needed and not installed: $*. This is no Debian; install them by hand."
  say "installing with apt-get: $*"
  ordinary_lists
  quietly apt-get -qq -y --no-install-recommends install "$@"
}

# dpkg talks a lot, and it matters only when something fails.
quietly() {
  local output
  output=$(DEBIAN_FRONTEND=noninteractive "$@" 2>&1) || { tail -n 30 <<<"$output" >&2; die "failed: $*"; }
}

# The lists of a fresh image are empty or old; once per run is enough.
ordinary_lists() {
  [ -n "${_lists_done:-}" ] || apt-get update -qq
  _lists_done=1
}

# Where this machine gets its Debian packages from. Arguments: options for apt.
# shellcheck disable=SC2016,SC2120  # apt fills in the variable; most callers need no option
debian_uri() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $(codename)" "$@" | head -n 1
}

# --- the engine -------------------------------------------------------------------------------

engine_answers() { command -v docker >/dev/null && timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
compose_v2() { docker compose version --short 2>/dev/null | grep -Eq '^v?([2-9]|[1-9][0-9])\.'; }

# The pid of the engine that this clone started, if it still runs.
own_engine() {
  local pid
  pid=$(cat "$ENGINE/dockerd.pid" 2>/dev/null) || return 1
  grep -zqxF -- "$ENGINE/data" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

engine_start() {
  local pid=
  if [ -d /run/systemd/system ]; then
    say "starting the Docker engine: systemctl start docker"
    systemctl start docker
  else
    say "starting the Docker engine: dockerd, data and log in .engine/"
    mkdir -p "$ENGINE"
    # A Unix socket's path holds 107 bytes, and containerd's lie below the exec root.
    local exec_root=$ENGINE/exec
    [ "${#exec_root}" -lt 60 ] || exec_root=/run/tiered-rollback-$(cksum <<<"$ROOT" | cut -d' ' -f1)
    setsid dockerd --data-root "$ENGINE/data" --exec-root "$exec_root" --pidfile "$ENGINE/dockerd.pid" \
      >"$ENGINE/dockerd.log" 2>&1 </dev/null &
    pid=$!
  fi
  local _
  for _ in $(seq 120); do
    if engine_answers; then return; fi
    if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.5
  done
  tail -n 20 "$ENGINE/dockerd.log" >&2 2>/dev/null || true
  die "the Docker engine ended or did not answer within a minute; the end of its log is above"
}

# Stops only what engine_start of this clone started by hand; dockerd ends its own containerd.
engine_stop() {
  local pid
  pid=$(own_engine) || return 0
  say "stopping the Docker engine that this clone started"
  kill "$pid"
  local _
  for _ in $(seq 120); do
    # A dead process has no command line, even where the container's first process reaps nobody.
    grep -qs . "/proc/$pid/cmdline" || return 0
    sleep 0.5
  done
  die "dockerd (pid $pid) did not stop within a minute; see $ENGINE/dockerd.log"
}
