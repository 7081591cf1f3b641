#!/bin/sh
# Installs the library into an empty folder and uses it as its users do: a C program that knows pkg-config alone,
# linked shared and static, and a Meson project that has the library as its subproject. Each program has to echo.
#
# usage: run.sh ROOT VERSION MESON    (CC and CXX name the compilers)
set -eu
root=$1
version=$2
meson=$3
: "${CC:=cc}"
here=$root/tests/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

step() {
    echo "-- $*"
}

quietly() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log"
        return 1
    }
}

step "installing"
quietly "$meson" setup "$work/build" "$root" --prefix "$work/prefix" --libdir lib \
    -Dtests=disabled -Dexamples=disabled
quietly "$meson" install -C "$work/build"
found=$(cd "$work/prefix" && find . -type f | sort)
expected=$(
    {
        cd "$root" && find include/ioloop -type f | sed 's|^|./|'
        printf '%s\n' ./lib/libioloop.a "./lib/libioloop.so.$version" ./lib/pkgconfig/ioloop.pc
    } | sort
)
if [ "$found" != "$expected" ]; then
    printf 'installed:\n%s\nexpected:\n%s\n' "$found" "$expected"
    exit 1
fi

export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
for pair in pollers=epoll,poll tls=no; do
    value=$(pkg-config --variable="${pair%%=*}" ioloop)
    if [ "$value" != "${pair#*=}" ]; then
        echo "the variable ${pair%%=*} of ioloop.pc is \"$value\""
        exit 1
    fi
done

step "a program that uses the shared library"
# The words of pkg-config are to be split; so are those of CC.
# shellcheck disable=SC2046,SC2086
$CC "$root/docs/examples/echo_server.c" $(pkg-config --cflags --libs ioloop) -o "$work/shared"
LD_LIBRARY_PATH="$work/prefix/lib" python3 "$here/echo_once.py" "$work/shared"

step "a program that has the library inside"
# The C library warns that getaddrinfo loads other libraries even then.
# shellcheck disable=SC2046,SC2086
quietly $CC "$root/docs/examples/echo_server.c" -static $(pkg-config --cflags --static --libs ioloop) -o "$work/static"
if readelf -d "$work/static" | grep -q NEEDED; then
    echo "the static program needs shared libraries"
    exit 1
fi
python3 "$here/echo_once.py" "$work/static"

step "a project that has the library as its subproject"
mkdir -p "$work/consumer/subprojects"
ln -s "$root" "$work/consumer/subprojects/libioloop"
cp "$root/docs/examples/echo_server.c" "$work/consumer"
printf '[wrap-file]\ndirectory = libioloop\n\n[provide]\nioloop = ioloop_dep\n' \
    >"$work/consumer/subprojects/libioloop.wrap"
cat >"$work/consumer/meson.build" <<'END'
project('consumer', 'c', default_options: ['buildtype=debug'])
executable('consumer', 'echo_server.c', dependencies: dependency('ioloop', version: '>=0.1'))
END
PKG_CONFIG_PATH='' quietly "$meson" setup "$work/consumer/build" "$work/consumer"
quietly "$meson" compile -C "$work/consumer/build"
python3 "$here/echo_once.py" "$work/consumer/build/consumer"
if [ -e "$work/consumer/build/subprojects/libioloop/tests" ]; then
    echo "the subproject builds its tests"
    exit 1
fi
