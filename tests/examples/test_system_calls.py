"""What a round trip through echo_server costs in system calls, as strace sees it: one wait, one receive, one send,
however many lines come in one segment. Argument is the program. Exits with 77 where nothing can be traced."""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import Client, Server, eventually, main, program

ROUND_TRIPS = 2000
WARM_UP = 20
LINE = b"x" * 63 + b"\n"
PAYLOAD = '"xxxx'  # how strace shows the beginning of a line

WAITS = {"epoll_wait", "epoll_pwait", "epoll_pwait2"}
RECEIVES = {"recvfrom", "recvmsg", "read", "readv"}
SENDS = {"sendto", "sendmsg", "write", "writev"}


def why_not():
    """Why system calls cannot be traced here, or None."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        result = subprocess.run(["strace", "-D", "-f", "-o", log, "true"], capture_output=True, text=True, check=False)
        return None if result.returncode == 0 else "strace may not trace here: " + result.stderr.strip()


class TracedServer(Server):
    """A server that is traced: the tracer (-D) is not its parent, so it can be talked to as any other."""

    def __init__(self, path, log):
        self.log = log
        environment = dict(os.environ)
        # A leak checker cannot work in a process that is traced.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        super().__init__("strace", "-D", "-f", "-o", log, path, 0, env=environment)

    def calls(self):
        """The calls of the main thread in the order of their beginning, as (name, text)."""
        lines = []

        def complete():
            with open(self.log, encoding="ascii", errors="replace") as log:
                lines[:] = [line for line in log if line.startswith(f"{self.process.pid} ")]
            return bool(lines) and "+++ exited with 0 +++" in lines[-1]

        if not eventually(complete):
            raise AssertionError("the trace has no end: " + "".join(lines[-3:]))
        calls = []
        for line in lines:
            begun = re.match(r"\d+ +(\w+)\(", line)
            if begun:
                calls.append((begun[1], line))
            elif calls and " resumed>" in line:  # the rest of the call before, where threads interleave
                calls[-1] = (calls[-1][0], calls[-1][1] + line)
        return calls


def kind(name):
    for names, short in ((WAITS, "wait"), (RECEIVES, "receive"), (SENDS, "send")):
        if name in names:
            return short
    return name


class SystemCalls(unittest.TestCase):
    def trace(self, segment):
        """Plays the round trips; returns the calls of the server from the end of the first to the end of the last."""
        with tempfile.TemporaryDirectory() as folder:
            server = TracedServer(program(), os.path.join(folder, "log"))
            with server, Client(server) as client:
                for _ in range(WARM_UP + ROUND_TRIPS):
                    client.send(segment)
                    self.assertEqual(client.read_bytes(len(segment)), segment)
            calls = server.calls()
        answers = [at for at, (name, text) in enumerate(calls) if kind(name) == "send" and PAYLOAD in text]
        self.assertEqual(len(answers), WARM_UP + ROUND_TRIPS, "answers were sent in pieces")
        around = len(calls) - (answers[-1] - answers[0])
        steady = [kind(name) for name, _ in calls[answers[WARM_UP - 1] + 1 : answers[-1] + 1]]
        print(dict(collections.Counter(steady)), f"in {ROUND_TRIPS} round trips, {around} calls before and after")
        return steady, around

    def check(self, segment):
        steady, around = self.trace(segment)
        self.assertEqual(collections.Counter(steady), dict.fromkeys(("wait", "receive", "send"), ROUND_TRIPS))
        self.assertEqual(steady, ["wait", "receive", "send"] * ROUND_TRIPS)
        self.assertNotIn("epoll_ctl", steady)
        self.assertLess(around, 1000, "starting and ending takes too many calls")

    def test_one_line(self):
        self.check(LINE)

    def test_sixteen_lines_in_one_segment(self):
        self.check(LINE * 16)


reason = why_not()
if reason:
    print(reason)
    sys.exit(77)
main()
