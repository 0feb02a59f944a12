# Functions that installer/setup and tests/run share. Sourced by bash with `set -euo pipefail` and SOURCE_DIR, the top of the tree.

# One job of the compiler takes up to this much memory where gRPC's headers are included.
readonly MEGABYTES_PER_JOB=1200

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

require_root() {
  [ "$(id -u)" -eq 0 ] || fail "$1 needs root: run \`sudo $0 ${2:-}\`"
}

# packages_of SECTION...: the names in installer/packages.txt.
packages_of() {
  local section
  for section in "$@"; do
    awk -v section="$section" '$1 == section { print $2 }' "$SOURCE_DIR/installer/packages.txt"
  done
}

# missing_packages SECTION...: those that are not installed.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || say "$package"
  done
}

# Some test packages bring daemons (strongSwan's) that must not start on the host because of us.
with_no_daemons_started() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  "$@" || status=$?
  rm -f "$policy"
  return "$status"
}

# install_packages SECTION...
install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  [ "$(id -u)" -eq 0 ] || fail "these packages are missing and only root can install them: $(echo $missing)"
  say "Installing packages: $(echo $missing)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  # shellcheck disable=SC2086
  with_no_daemons_started apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends $missing >/dev/null
}

build_jobs() {
  local processors memory
  processors=$(nproc)
  memory=$(awk -v each="$MEGABYTES_PER_JOB" '/^MemAvailable:/ { print int($2 / 1024 / each) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  say $((processors < memory ? processors : memory))
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1 began=$SECONDS
  shift
  say "Building preset $preset in build/$preset with $(build_jobs) jobs"
  local configured
  configured=$(cd "$SOURCE_DIR" && cmake --preset "$preset" 2>&1) || {
    printf '%s\n' "$configured" >&2
    fail "cmake could not configure preset $preset"
  }
  NINJA_STATUS='[%f/%t %es] ' ninja -C "$SOURCE_DIR/build/$preset" -j "$(build_jobs)" "$@"
  say "Built preset $preset in $((SECONDS - began)) s"
}

readonly IKE_ACCOUNT=policyagent-ike

# The user and group under which the IKE service runs; it owns nothing.
make_ike_account() {
  if [ "$(id -u)" -ne 0 ] || getent passwd "$IKE_ACCOUNT" >/dev/null; then return 0; fi
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$IKE_ACCOUNT"
}

remove_ike_account() {
  if getent passwd "$IKE_ACCOUNT" >/dev/null; then userdel "$IKE_ACCOUNT"; fi
}
