#!/usr/bin/env python3
"""Starts an echo server, sends it one line, expects the line back, and ends the server.

usage: echo_once.py PROGRAM
"""

import re
import signal
import socket
import subprocess
import sys


def main():
    with subprocess.Popen([sys.argv[1], '0'], stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline()
            address = re.fullmatch(r'listening on (127\.0\.0\.1):(\d+)\n', said)
            if not address:
                print('the server said %r' % said)
                return 1
            with socket.create_connection((address.group(1), int(address.group(2))), timeout=20) as client:
                client.sendall(b'there and back\n')
                answer = client.makefile('rb').readline()
        finally:
            server.send_signal(signal.SIGTERM)
        if answer != b'there and back\n' or server.wait(20) != 0:
            print('answered %r and ended with %d' % (answer, server.wait(20)))
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
