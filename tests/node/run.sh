#!/usr/bin/env bash
# Drives the real binary with the official MCP clients, installed from npm in the versions package.json names.
#
#   tests/node/run.sh PATH_TO_CHRONOS [FILE...]     FILE: one of the *.mjs here; all of them by default
#
# The event logs that are time-travelled are those in CHRONOS_EVENT_LOGS (a directory of *.ndjson), by default
# shared/data/events beside the checkout; where neither exists the test writes a log of its own.
# Ends with `N passed, N failed`.
set -uo pipefail
export CHRONOS_BINARY
CHRONOS_BINARY=$(realpath "${1:?path of the chronos binary}")
shift
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
# The server of the conformance fixtures, built beside it; without it that part is skipped, and said to be.
export CHRONOS_CONFORMANCE_SERVER
CHRONOS_CONFORMANCE_SERVER=${CHRONOS_CONFORMANCE_SERVER:-$(dirname "$CHRONOS_BINARY")/tests/conformance/conformance_server}
[ -x "$CHRONOS_CONFORMANCE_SERVER" ] || CHRONOS_CONFORMANCE_SERVER=
[ -x "$CHRONOS_BINARY" ] || { echo "$CHRONOS_BINARY is not a program"; echo "0 passed, 1 failed"; exit 1; }

# What the system trusts, Node trusts too: a company's own certificate authority stands in front of many registries.
system_certificates=/etc/ssl/certs/ca-certificates.crt
[ -f "$system_certificates" ] && export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$system_certificates}

# npm is asked only when package.json changed since the last successful install.
stamp=node_modules/.installed-for
if ! cmp -s package.json "$stamp"; then
  if ! npm install --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=2 </dev/null; then
    echo "npm could not install the clients (is the registry reachable?): the real clients were NOT tested."
    echo "0 passed, 1 failed"
    exit 1
  fi
  cp package.json "$stamp"
fi

# The Inspector needs Node 22.19; the distribution's may be older, so Node itself comes from npm too.
for machine in x64 arm64; do
  if node_modules/node-linux-$machine/bin/node --version >/dev/null 2>&1; then
    PATH=$PWD/node_modules/node-linux-$machine/bin:$PATH
  fi
done
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)'; then
  echo "Node 22.19 or newer is needed, found $(node --version); npm had none for this machine."
  echo "0 passed, 1 failed"
  exit 1
fi

if [ -z "${CHRONOS_EVENT_LOGS:-}" ]; then
  top=$(cd ../.. && pwd)
  for place in "$top/../shared/data/events" "$top/../../shared/data/events"; do
    [ -d "$place" ] && export CHRONOS_EVENT_LOGS=$place && break
  done
fi

[ $# -gt 0 ] || set -- clients.mjs offer.mjs conformance.mjs many_processes.mjs time_travel.mjs inspector.mjs openapi.mjs bundle.mjs
tap=$(mktemp)
node --test --test-concurrency=1 --test-timeout=600000 --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$tap" "$@" </dev/null
status=$?
pass=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$tap" | tail -n 1)
fail=$(sed -n 's/^# \(fail\|cancelled\) \([0-9]*\)$/\2/p' "$tap" | awk '{n += $1} END {print n + 0}')
rm -f "$tap"
[ "${fail:-0}" = 0 ] && [ "$status" != 0 ] && fail=1
echo "${pass:-0} passed, ${fail:-1} failed"
exit "$status"
