"""What the tests of the example programs share: starting a server, talking to it, ending it."""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

PATIENCE = 20.0  # seconds after which a test gives up waiting


def program(index=0):
    """The path of an example, from the command line of the test."""
    return PROGRAMS[index]


def main():
    """Runs the test case classes of the calling script; its arguments are the paths of the programs."""
    PROGRAMS.extend(sys.argv[1:])
    unittest.main(argv=sys.argv[:1], verbosity=2)


PROGRAMS = []


class Server:
    """A running example. `with Server(path) as server:` ends it with SIGTERM and checks that it ended well."""

    def __init__(self, path, *arguments, end_with=signal.SIGTERM, **options):
        self.end_with = end_with
        self.process = subprocess.Popen(
            [path, *[str(argument) for argument in arguments or (0,)]],
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            **options,
        )
        line = self.line()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"{path} said {line!r} and {self.process.communicate()[1]!r}")
        self.port = int(found[1])

    def line(self):
        """The next line the server prints; '' when it has ended."""
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready:
            self.process.kill()
            raise AssertionError("the server said nothing")
        return self.process.stdout.readline()

    def wait(self):
        """Waits for the end; returns the exit code, what was printed and what went to stderr."""
        try:
            output, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the server did not end") from None
        return self.process.returncode, output, errors

    def end(self, signum=None):
        self.process.send_signal(signum or self.end_with)
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
            self.process.communicate()
            return
        result = self.end()
        if result != (0, "", ""):
            raise AssertionError(f"the server ended with code {result[0]}, stdout {result[1]!r}, stderr {result[2]!r}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """A connection that keeps what it received until it is asked for."""

    def __init__(self, server, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self, data):
        self.socket.sendall(data)

    def read_until(self, delimiter):
        while delimiter not in self.received:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"the server closed after {self.received!r}")
            self.received += data
        end = self.received.index(delimiter) + len(delimiter)
        result, self.received = self.received[:end], self.received[end:]
        return result

    def line(self):
        return self.read_until(b"\n")

    def read_bytes(self, size):
        while len(self.received) < size:
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"the server closed after {len(self.received)} of {size} bytes")
            self.received += data
        result, self.received = self.received[:size], self.received[size:]
        return result

    def rest(self):
        """All up to the server's end of the connection."""
        while True:
            data = self.socket.recv(65536)
            if not data:
                break
            self.received += data
        result, self.received = self.received, b""
        return result

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Breaks the connection instead of ending it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def eventually(condition, seconds=PATIENCE):
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
