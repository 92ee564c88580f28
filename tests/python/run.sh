#!/usr/bin/env bash
# Drives the real binary with the official Python SDK, 1.x and 2.x, and with schemathesis, installed from PyPI in the
# versions that requirements-1.txt and requirements-2.txt name, each in an environment of its own in build/python.
#
#   tests/python/run.sh PATH_TO_CHRONOS [ARGUMENT...]     ARGUMENT: of pytest, as -k searches
#
# Ends with `N passed, N failed`.
set -uo pipefail
export CHRONOS_BINARY
CHRONOS_BINARY=$(realpath "${1:?path of the chronos binary}")
shift
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
[ -x "$CHRONOS_BINARY" ] || { echo "$CHRONOS_BINARY is not a program"; echo "0 passed, 1 failed"; exit 1; }
place=$(realpath ../..)/build/python
mkdir -p "$place"
# Servers on loopback are not behind a proxy; of Python packages only the pinned ones are there.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME

python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer with venv (package python3-venv) is needed: the Python clients were NOT tested."
  echo "0 passed, 1 failed"
  exit 1
fi

# PyPI is asked only when the requirements changed since the last successful install.
install() {
  local environment=$place/sdk-$1 requirements=requirements-$1.txt
  local stamp=$environment/.installed-for
  cmp -s "$requirements" "$stamp" && "$environment/bin/python" -c 'import mcp, pytest' 2>/dev/null && return 0
  rm -rf "$environment"
  "$python" -m venv "$environment" &&
    "$environment/bin/python" -m pip install --quiet --only-binary :all: --retries 5 -r "$requirements" </dev/null &&
    cp "$requirements" "$stamp"
}

waiting=()
for sdk in 1 2; do
  install $sdk >"$place/install-$sdk.log" 2>&1 &
  waiting+=($!)
done
bad=0
for process in "${waiting[@]}"; do wait "$process" || bad=1; done
if [ $bad != 0 ]; then
  cat "$place"/install-[12].log
  echo "pip could not install the clients (is the registry reachable?): the Python clients were NOT tested."
  echo "0 passed, 1 failed"
  exit 1
fi

# Of the stores: short, because a socket lies in each.
stores=$(mktemp -d)
trap 'rm -rf "$stores"' EXIT
passed=0
failed=0
for sdk in 1 2; do
  results=$place/results-$sdk.xml
  rm -f "$results"
  "$place/sdk-$sdk/bin/python" -m pytest -p no:cacheprovider --basetemp "$stores/$sdk" --timeout 90 --tb=short -q --junit-xml "$results" "$@" . </dev/null
  status=$?
  counts=$("$python" - "$results" <<'END'
import sys
import xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
total, skipped, *bad = (int(suite.get(name)) for name in ("tests", "skipped", "failures", "errors"))
print(total - skipped - sum(bad), sum(bad))
END
  ) || counts="0 1"
  read -r good wrong <<<"$counts"
  # pytest says 5 when -k matched nothing here.
  [ $status != 0 ] && [ $status != 5 ] && [ "$wrong" = 0 ] && wrong=1
  passed=$((passed + good))
  failed=$((failed + wrong))
done
[ $((passed + failed)) = 0 ] && failed=1
echo "$passed passed, $failed failed"
[ $failed = 0 ]
