#!/bin/sh
# Installs what is missing on Debian 12, builds the library, starts the chat room that relays through the echo server,
# and plays a short conversation in it. Then it stays up for you to join, until Ctrl-C.
#
# usage: docs/examples/demo.sh [--once]    (as root, or with sudo; --once: ends after the conversation)
set -u
cd "$(dirname "$0")/../.." || exit 1
once=no
case ${1:-} in
'') ;;
--once) once=yes ;;
*)
    sed -n 's/^# usage: /usage: /p' "$0"
    exit 2
    ;;
esac

work=$(mktemp -d)
servers=
finish() {
    code=$?
    trap - EXIT HUP INT TERM
    for server in $servers; do
        kill "$server" 2>/dev/null
    done
    wait
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 0' INT
trap 'exit 1' HUP TERM

quietly() {
    "$@" >"$work/log" 2>&1 || {
        tail -n 40 "$work/log"
        exit 1
    }
}

# start NAME ARGUMENT... - leaves the port it listens on in $port
start() {
    name=$1
    shift
    : >"$work/$name"
    "build/docs/examples/$name" "$@" >"$work/$name" 2>&1 &
    server=$!
    servers="$server $servers"
    tries=0
    until port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$work/$name") && [ -n "$port" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
            cat "$work/$name"
            echo "$name did not start"
            exit 1
        fi
        sleep 0.1
    done
    echo "$name is listening on 127.0.0.1:$port"
}

sh tests/support/packages.sh g++ meson ninja-build pkg-config libpcre2-dev python3 netcat-openbsd || exit 1
echo "building the library and its examples (a minute or two at the first time)"
if [ ! -f build/build.ninja ]; then
    quietly meson setup build
fi
quietly ninja -C build docs/examples/echo_server docs/examples/chat_relay

start echo_server 0
start chat_relay 0 "$port"
echo
python3 docs/examples/conversation.py "$port" || exit 1
if [ "$once" = no ]; then
    echo
    echo "The room is open. Join it from another terminal with"
    echo "    nc 127.0.0.1 $port"
    echo "and type your name, then whatever you have to say. Ctrl-C here closes it."
    # In the background, because a shell takes signals while it waits, not while a program runs.
    wait
fi
