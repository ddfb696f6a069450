#!/usr/bin/env bash
# The unit as systemd reads it, without a running systemd; argument: the checkout.
set -euo pipefail
root=${1:?usage: systemd_test.sh CHECKOUT}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() { printf 'systemd_test: %s\n' "$*" >&2; exit 1; }
as_installed() { # verify wants the program to exist, and on a build machine /usr/bin/crosspatchd does not
    mkdir -p "$dir/$1"
    sed "s|^ExecStart=/usr/bin/crosspatchd|ExecStart=$(command -v true)|" "$root/systemd/crosspatch.service" \
        >"$dir/$1/crosspatch.service"
}
exposure() { # THRESHOLD UNIT: passes while the exposure is at most THRESHOLD tenths
    systemd-analyze security --offline=true --no-pager --threshold="$1" "$2" >"$dir/report" 2>&1
}

as_installed plain
complaints=$(systemd-analyze verify --man=no "$dir/plain/crosspatch.service" 2>&1) || fail "verify failed: $complaints"
[ -z "$complaints" ] || fail "verify complains: $complaints"

exposure 15 "$dir/plain/crosspatch.service" || { cat "$dir/report"; fail "the unit is more exposed than 1.5"; }
tail -n 1 "$dir/report"

# The gate is worth something only if it closes: without one of its larger lines the unit must not pass.
as_installed opened
sed -i '/^SystemCallFilter=/d; /^CapabilityBoundingSet=/d; /^PrivateDevices=/d' "$dir/opened/crosspatch.service"
! exposure 15 "$dir/opened/crosspatch.service" || fail "the exposure gate lets an open unit pass"

for drop_in in "$root"/systemd/crosspatch.service.d/*.conf; do
    name=$(basename "$drop_in" .conf)
    as_installed "$name"
    mkdir "$dir/$name/crosspatch.service.d"
    cp "$drop_in" "$dir/$name/crosspatch.service.d/"
    complaints=$(systemd-analyze verify --man=no "$dir/$name/crosspatch.service" 2>&1) || fail "$name.conf: $complaints"
    [ -z "$complaints" ] || fail "verify complains about $name.conf: $complaints"
done

mkdir -p "$dir/image/etc"
systemd-sysusers --root="$dir/image" "$root/systemd/crosspatch.sysusers" >/dev/null 2>&1 || fail "sysusers refuses the account"
grep -q '^crosspatch:' "$dir/image/etc/passwd" || fail "sysusers made no account"
grep -q '^crosspatch:' "$dir/image/etc/group" || fail "sysusers made no group"
if [ "$(id -u)" = 0 ]; then
    systemd-tmpfiles --create --root="$dir/image" "$root/systemd/crosspatch.tmpfiles" || fail "tmpfiles refuses the directories"
    [ "$(stat -c '%a' "$dir/image/var/lib/crosspatch" "$dir/image/etc/crosspatch/keys" | tr '\n' ' ')" = '700 700 ' ] ||
        fail "the data and key directories are open to others"
else
    echo "systemd_test: not root, so the directories of crosspatch.tmpfiles were not made"
fi
echo "systemd_test: unit, drop-ins, account and directories are accepted"
