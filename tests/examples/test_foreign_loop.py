"""The work that foreign_loop does beside the library's: argument is the program."""

import subprocess
import unittest

from harness import Client, Server, main, program


class Terminal(unittest.TestCase):
    def test_typed_line_prints_the_connections(self):
        with Server(program(), stdin=subprocess.PIPE) as server:

            def typed():
                server.process.stdin.write("\n")
                server.process.stdin.flush()
                return server.line()

            self.assertEqual(typed(), "0 connections\n")
            with Client(server) as one, Client(server) as other:
                for client in (one, other):
                    client.send(b"hello\n")
                    self.assertEqual(client.line(), b"hello\n")
                self.assertEqual(typed(), "2 connections\n")

    def test_serves_on_after_the_terminal_is_gone(self):
        with Server(program(), stdin=subprocess.PIPE) as server:
            server.process.stdin.close()
            server.process.stdin = None
            with Client(server) as client:
                for _ in range(100):
                    client.send(b"hello\n")
                    self.assertEqual(client.line(), b"hello\n")
            self.assertLess(server.cpu_seconds(), 1.0)


main()
