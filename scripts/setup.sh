# Sourced by scripts/run and scripts/test: makes sure the packages of some groups (scripts/packages.txt) are there.
#
#   setup_packages GROUP...      installs what is missing; with CHRONOS_NO_INSTALL=1 only says what it would install
#   build PRESET [TARGET...]     configures build/PRESET when needed and builds it
#
# Nothing is touched when nothing is missing, so calling it again costs a fraction of a second.  Packages are
# installed only on Debian and Ubuntu, only by root or sudo, and sources.list is never changed.

setup_missing() {
  local group package commands command
  while read -r group package commands; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    if [ -n "$commands" ]; then
      command=${commands%% *}
      command -v "$command" >/dev/null 2>&1 && continue
    fi
    if command -v dpkg-query >/dev/null 2>&1; then
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
    elif [ -z "$commands" ]; then
      continue # a library on a system without dpkg: CMake looks for it and names it when it is not there
    fi
    echo "$package"
  done < <(grep -v -e '^#' -e '^$' "$ROOT/scripts/packages.txt") | sort -u
}

setup_is_debian() {
  command -v apt-get >/dev/null 2>&1 && grep -qiE '^(ID|ID_LIKE)=.*(debian|ubuntu)' /etc/os-release 2>/dev/null
}

setup_packages() {
  local missing as_root=()
  missing=$(setup_missing "$@" | tr '\n' ' ')
  [ -z "$missing" ] && return 0
  if ! setup_is_debian; then
    {
      echo "These are missing (names of Debian packages; install what your system calls them): $missing"
      echo "Then run the same command again."
    } >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    as_root=(sudo)
    if ! command -v sudo >/dev/null 2>&1 || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then as_root=(); fi
  fi
  if [ "${CHRONOS_NO_INSTALL:-0}" = 1 ] || { [ "$(id -u)" != 0 ] && [ ${#as_root[@]} = 0 ]; }; then
    {
      echo "These packages are missing: $missing"
      echo "Install them, then run the same command again:"
      echo "  sudo apt-get install --no-install-recommends $missing"
    } >&2
    return 1
  fi
  echo "Installing: $missing" >&2
  # shellcheck disable=SC2086  # the package names are words
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
    </dev/null >&2; then
    echo "Could not install: $missing. What apt-get said is above." >&2
    return 1
  fi
}

# Two jobs more than memory allows would swap: a compiler process takes up to about 1 GB.
setup_jobs() {
  local cores memory_gb
  cores=$(nproc 2>/dev/null || echo 2)
  memory_gb=$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo 2>/dev/null || echo 4)
  [ "${memory_gb:-4}" -lt "$cores" ] && cores=$((memory_gb > 0 ? memory_gb : 1))
  echo "$cores"
}

build() {
  local preset=$1
  shift
  local options=()
  # With ccache, what another checkout of the same sources compiled is not compiled again.
  if command -v ccache >/dev/null 2>&1; then
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
  fi
  if [ ! -f "$ROOT/build/$preset/build.ninja" ]; then
    (cd "$ROOT" && cmake --preset "$preset" "${options[@]}" ${BUILD_OPTIONS:-}) || return 1
  fi
  cmake --build "$ROOT/build/$preset" -j "$(setup_jobs)" ${1:+--target "$@"}
}
