"""The echo servers, whichever way they are written: argument is the program."""

import signal
import socket
import subprocess
import unittest

from harness import Client, Server, eventually, main, program


class Echo(unittest.TestCase):
    def test_line_comes_back(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"hello\n")
            self.assertEqual(client.line(), b"hello\n")
            client.send(b"\n")
            self.assertEqual(client.line(), b"\n")

    def test_split_line_comes_back_whole(self):
        with Server(program()) as server, Client(server) as client:
            for byte in b"one at a time\r\n":
                client.send(bytes([byte]))
            self.assertEqual(client.line(), b"one at a time\r\n")

    def test_many_lines_in_one_segment(self):
        lines = b"".join(b"line %d\n" % number for number in range(1000))
        with Server(program()) as server, Client(server) as client:
            client.send(lines)
            self.assertEqual(client.read_bytes(len(lines)), lines)

    def test_bytes_are_not_changed(self):
        line = bytes(byte for byte in range(256) if byte != 10) * 300 + b"\n"
        with Server(program()) as server, Client(server) as client:
            client.send(line)
            self.assertEqual(client.line(), line)

    def test_long_line(self):
        line = b"x" * 3_000_000 + b"\n"
        with Server(program()) as server, Client(server) as client:
            client.socket.setblocking(False)
            sent = 0
            received = b""
            while len(received) < len(line):
                try:
                    sent += client.socket.send(line[sent:]) if sent < len(line) else 0
                except BlockingIOError:
                    pass
                try:
                    received += client.socket.recv(1 << 20)
                except BlockingIOError:
                    pass
            self.assertEqual(received, line)

    def test_answers_come_before_the_end(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"first\nsecond\n")
            client.end_sending()
            self.assertEqual(client.rest(), b"first\nsecond\n")

    def test_many_clients(self):
        with Server(program()) as server:
            clients = [Client(server) for _ in range(200)]
            for number, client in enumerate(clients):
                client.send(b"I am %d\n" % number)
            for number, client in reversed(list(enumerate(clients))):
                self.assertEqual(client.line(), b"I am %d\n" % number)
            for client in clients:
                client.close()

    def test_clients_that_left_leave_nothing(self):
        with Server(program()) as server:
            before = server.descriptors()
            clients = [Client(server) for _ in range(50)]
            for number, client in enumerate(clients):
                client.send(b"hello\n")
                self.assertEqual(client.line(), b"hello\n")
                if number % 2:
                    client.reset()
                else:
                    client.close()
            self.assertTrue(eventually(lambda: server.descriptors() == before))


class End(unittest.TestCase):
    def end(self, signum):
        server = Server(program(), end_with=signum)
        with server, Client(server) as idle, Client(server) as half:
            half.send(b"no end of line")
            idle.send(b"hello\n")
            self.assertEqual(idle.line(), b"hello\n")

    def test_sigint(self):
        self.end(signal.SIGINT)

    def test_sigterm(self):
        self.end(signal.SIGTERM)

    def test_at_once(self):
        for signum in (signal.SIGINT, signal.SIGTERM):
            self.assertEqual(Server(program()).end(signum), (0, "", ""))

    def test_connections_end_with_the_server(self):
        with Server(program()) as server:
            client = Client(server)
            client.send(b"hello\n")
            client.line()
        with client:
            self.assertEqual(client.rest(), b"")


class Port(unittest.TestCase):
    def test_the_one_asked_for(self):
        with socket.socket() as reserved:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
        with Server(program(), port) as server, Client(server) as client:
            self.assertEqual(server.port, port)
            client.send(b"here\n")
            self.assertEqual(client.line(), b"here\n")

    def test_zero_gives_each_its_own(self):
        with Server(program(), 0) as one, Server(program(), 0) as other:
            self.assertNotEqual(one.port, other.port)

    def test_taken(self):
        with Server(program()) as server:
            second = subprocess.run([program(), str(server.port)], capture_output=True, text=True, timeout=20,
                                    check=False)
            self.assertEqual(second.returncode, 1)
            self.assertEqual(second.stdout, "")
            self.assertIn(str(server.port), second.stderr)

    def test_listens_on_loopback_only(self):
        with Server(program()) as server:
            listening = []
            for table in ("tcp", "tcp6"):
                with open(f"/proc/{server.process.pid}/net/{table}", encoding="ascii") as lines:
                    entries = [line.split() for line in lines]
                listening += [local for _, local, _, state, *_ in entries if state == "0A"]
            mine = [address for address in listening if address.endswith(f":{server.port:04X}")]
            self.assertEqual(mine, [f"0100007F:{server.port:04X}"])


main()
