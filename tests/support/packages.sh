#!/bin/sh
# Installs the Debian packages named as arguments, those of them that are missing, without questions. As root, or
# with sudo. Says nothing when all of them are there.
set -u

missing=
for package in "$@"; do
    case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "this system has no apt-get; install what these Debian packages hold:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "run this as root, or install sudo: these packages are missing:$missing" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing$missing"
apt() {
    # Debian's mirrors and another apt at work may need patience.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$log" 2>&1 </dev/null
}
for pause in 2 10 30 0; do
    # $missing is a list.
    # shellcheck disable=SC2086
    if apt update && apt install --no-install-recommends $missing; then
        exit 0
    fi
    sleep "$pause"
done
tail -n 30 "$log" >&2
echo "could not install$missing" >&2
exit 1
