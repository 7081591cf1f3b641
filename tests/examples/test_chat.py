"""chat_relay: arguments are the program and echo_server."""

import signal
import socket
import subprocess
import unittest

from harness import Client, Server, eventually, main, program


class Room:
    """An echo server and a chat room on top of it."""

    def __init__(self, end_with=signal.SIGTERM):
        self.echo = Server(program(1))
        self.chat = Server(program(0), 0, self.echo.port, end_with=end_with)

    def join(self, name, *others):
        """A new member, after everybody was told."""
        member = Client(self.chat)
        member.send(name + b"\n")
        for one in (member, *others):
            line = one.line()
            if line != b"* " + name + b" joined\n":
                raise AssertionError(f"{line!r} instead of {name!r} joining")
        return member

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            self.chat.__exit__(*exception)
        finally:
            self.echo.__exit__(*exception)


class Conversation(unittest.TestCase):
    def hear(self, line, *members):
        for member in members:
            self.assertEqual(member.line(), line)

    def test_three_members(self):
        with Room() as room:
            ann = room.join(b"ann")
            bob = room.join(b"bob", ann)
            cid = room.join(b"cid", ann, bob)
            ann.send(b"hello, all\n")
            self.hear(b"ann: hello, all\n", ann, bob, cid)
            cid.send(b"hello, ann\n")
            self.hear(b"cid: hello, ann\n", ann, bob, cid)
            bob.close()
            self.hear(b"* bob left\n", ann, cid)
            ann.send(b"bob?\n")
            self.hear(b"ann: bob?\n", ann, cid)
            ann.close()
            self.hear(b"* ann left\n", cid)
            cid.close()

    def test_name_and_text_in_one_packet(self):
        with Room() as room, Client(room.chat) as client:
            client.send(b"ann\nfirst\nsecond\n")
            self.hear(b"* ann joined\n", client)
            self.hear(b"ann: first\n", client)
            self.hear(b"ann: second\n", client)

    def test_split_lines(self):
        with Room() as room, Client(room.chat) as client:
            for byte in b"ann\r\nslowly\r\n":
                client.send(bytes([byte]))
            self.hear(b"* ann joined\n", client)
            self.hear(b"ann: slowly\n", client)

    def test_two_who_speak_at_once(self):
        with Room() as room:
            ann = room.join(b"ann")
            bob = room.join(b"bob", ann)
            for number in range(200):
                ann.send(b"%d\n" % number)
                bob.send(b"%d\n" % number)
            heard = [[member.line() for _ in range(400)] for member in (ann, bob)]
            self.assertEqual(heard[0], heard[1])
            for name in (b"ann", b"bob"):
                said = [line for line in heard[0] if line.startswith(name)]
                self.assertEqual(said, [name + b": %d\n" % number for number in range(200)])
            ann.close()
            bob.close()

    def test_empty_lines_are_passed_over(self):
        with Room() as room, Client(room.chat) as client:
            client.send(b"\n\r\nann\n\n\r\nhello\n")
            self.hear(b"* ann joined\n", client)
            self.hear(b"ann: hello\n", client)

    def test_who_never_says_a_name_is_no_member(self):
        with Room() as room:
            ann = room.join(b"ann")
            silent = Client(room.chat)
            ann.send(b"anybody?\n")
            self.hear(b"ann: anybody?\n", ann)
            silent.send(b"")
            silent.close()
            ann.send(b"nobody\n")
            self.hear(b"ann: nobody\n", ann)
            ann.close()

    def test_reset_is_leaving(self):
        with Room() as room:
            ann = room.join(b"ann")
            bob = room.join(b"bob", ann)
            bob.reset()
            self.hear(b"* bob left\n", ann)
            ann.close()


class Limits(unittest.TestCase):
    def test_longest_line(self):
        with Room() as room:
            ann = room.join(b"ann")
            ann.send(b"x" * 1023 + b"\n")
            self.assertEqual(ann.line(), b"ann: " + b"x" * 1023 + b"\n")
            ann.close()

    def test_overlong_line(self):
        for text in (b"x" * 1024 + b"\n", b"x" * 2000, b"x" * 100_000 + b"\nmore\n"):
            with Room() as room:
                ann = room.join(b"ann")
                bob = room.join(b"bob", ann)
                bob.send(text)
                bob.end_sending()
                self.assertEqual(bob.rest(), b"! that was too long\n")
                bob.close()
                self.assertEqual(ann.line(), b"* bob left\n")
                ann.close()

    def test_overlong_name(self):
        with Room() as room:
            ann = room.join(b"ann")
            with Client(room.chat) as client:
                client.send(b"n" * 33 + b"\n")
                client.end_sending()
                self.assertEqual(client.rest(), b"! that was too long\n")
            room.join(b"n" * 32, ann).close()
            self.assertEqual(ann.line(), b"* " + b"n" * 32 + b" left\n")
            ann.close()

    def test_slow_member_is_dropped(self):
        """It does not read; the others lose nothing."""
        with Room() as room:
            ann = room.join(b"ann")
            slow = Client(room.chat)
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.send(b"slow\n")
            self.assertEqual(ann.line(), b"* slow joined\n")
            text = b"x" * 1000
            said = 0
            left = False
            while not left:
                self.assertLess(said, 50_000, "it was never dropped")
                for _ in range(20):
                    ann.send(text + b"\n")
                    said += 1
                for _ in range(20):
                    line = ann.line()
                    if line == b"* slow left\n":
                        left = True
                        line = ann.line()
                    self.assertEqual(line, b"ann: " + text + b"\n")
            slow.close()
            ann.send(b"still here\n")
            self.assertEqual(ann.line(), b"ann: still here\n")
            ann.close()


class EchoServer(unittest.TestCase):
    def test_everything_goes_through_one_stream(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            chat = subprocess.Popen(
                [program(0), "0", str(listener.getsockname()[1])], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True)
            listener.settimeout(20)
            relay, _ = listener.accept()
            relay.settimeout(20)
            port = int(chat.stdout.readline().rsplit(":", 1)[1])
            member = socket.create_connection(("127.0.0.1", port), 20)
            member.sendall(b"ann\n")
            self.assertEqual(relay.recv(100), b"* ann joined\n")
            relay.sendall(b"whatever the ")
            relay.sendall(b"echo server says\n")
            self.assertEqual(member.makefile("rb").readline(), b"whatever the echo server says\n")
            relay.close()
            output, errors = chat.communicate(timeout=20)
            self.assertEqual((chat.returncode, output), (1, ""))
            self.assertIn("echo server is gone", errors)
            self.assertEqual(member.recv(1), b"")
            member.close()

    def test_goes_away(self):
        echo = Server(program(1))
        chat = Server(program(0), 0, echo.port)
        with Client(chat) as member:
            member.send(b"ann\n")
            self.assertEqual(member.line(), b"* ann joined\n")
            self.assertEqual(echo.end(), (0, "", ""))
            code, output, errors = chat.wait()
            self.assertEqual((code, output), (1, ""))
            self.assertRegex(errors, r"\Achat_relay: the echo server is gone: .+\n\Z")
            self.assertEqual(member.rest(), b"")

    def test_is_not_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            result = subprocess.run([program(0), "0", str(unused.getsockname()[1])], capture_output=True, text=True,
                                    timeout=20, check=False)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"\Achat_relay: there is no echo server: .+\n\Z")


class End(unittest.TestCase):
    def test_signals(self):
        for signum in (signal.SIGINT, signal.SIGTERM):
            with Room(end_with=signum) as room:
                ann = room.join(b"ann")
                unnamed = Client(room.chat)
                half = room.join(b"bob", ann)
                half.send(b"half a li")
            for client in (ann, unnamed, half):
                client.close()

    def test_members_that_left_leave_nothing(self):
        with Room() as room:
            ann = room.join(b"ann")
            before = room.chat.descriptors()
            for number in range(30):
                name = b"member %d" % number
                room.join(name, ann).close()
                self.assertEqual(ann.line(), b"* " + name + b" left\n")
            self.assertTrue(eventually(lambda: room.chat.descriptors() == before))
            ann.close()


main()
