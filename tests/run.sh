#!/bin/sh
# Installs what is missing on Debian 12, builds the library with both compilers and under the sanitizers, and runs
# every test. The last line is the sum: "N passed, N failed, N skipped".
#
# usage: tests/run.sh    (as root, or with sudo)
# IOLOOP_BUILDS names the folder of the builds, which is kept, so that a second run is quicker; build-tests if unset.
set -u
cd "$(dirname "$0")/.." || exit 1
builds=${IOLOOP_BUILDS:-build-tests}
number=0
all_builds=

step() {
    number=$((number + 1))
    echo "[$number/9] $*"
}

# Without randomised addresses: those of newer kernels are more than the sanitizers of Debian 12 can place.
fixed_addresses=
if setarch -R true 2>/dev/null; then
    fixed_addresses='setarch -R'
fi

# build NAME DESCRIPTION MESON_SETUP_ARGUMENT...
build() {
    name=$1
    step "building with $2"
    shift 2
    log=$builds/$name.log
    all_builds="$all_builds $builds/$name"
    rm -rf "$builds/$name/meson-logs"
    if [ ! -f "$builds/$name/build.ninja" ]; then
        rm -rf "${builds:?}/$name"
        meson setup "$builds/$name" -Dtests=enabled -Dexamples=enabled -Dregex=enabled "$@" >"$log" 2>&1 || {
            tail -n 40 "$log"
            return 1
        }
    fi
    ninja -C "$builds/$name" >"$log" 2>&1 || {
        grep -v '^\[' "$log" | head -n 80
        return 1
    }
}

# check NAME MESON_TEST_ARGUMENT...
check() {
    name=$1
    shift
    step "testing: $builds/$name"
    rm -f "$builds/$name"/*.xml
    $fixed_addresses meson test -C "$builds/$name" --no-rebuild "$@" >"$builds/$name.log" 2>&1
    python3 tests/support/summary.py "$builds/$name"
}

skip_check() {
    step "not testing: the build failed"
}

step "looking for what is missing"
sh tests/support/packages.sh g++ meson ninja-build pkg-config libpcre2-dev libgtest-dev python3 clang \
    libclang-rt-14-dev binutils luajit strace netcat-openbsd || exit 1
mkdir -p "$builds"

if CC=gcc CXX=g++ build gcc "gcc, for release" -Dwerror=true; then
    check gcc
else
    skip_check
fi

if CC=clang CXX=clang++ build clang "clang, for release" -Dwerror=true; then
    check clang
else
    skip_check
fi

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
if CC=clang CXX=clang++ build address "the address and undefined-behaviour sanitizers" \
    -Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false; then
    check address -t 4
else
    skip_check
fi

if CC=clang CXX=clang++ build thread "the thread sanitizer" \
    -Dbuildtype=debug -Doptimization=1 -Db_sanitize=thread -Db_lundef=false; then
    check thread -t 4 --suite unit --suite conformance --suite capi
else
    skip_check
fi

# The names of the builds are a list.
# shellcheck disable=SC2086
python3 tests/support/summary.py --total $all_builds
