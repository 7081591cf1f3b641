"""message_server: argument is the program."""

import signal
import time
import unittest

from harness import Client, Server, eventually, main, program

ENDING = b"that is all!"


class Messages(unittest.TestCase):
    def test_message_comes_back_with_its_ending(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"hello, that is all!")
            self.assertEqual(client.read_until(ENDING), b"hello, that is all!")

    def test_message_of_several_lines(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"first\r\nsecond\nthat is all!")
            self.assertEqual(client.read_until(ENDING), b"first\r\nsecond\nthat is all!")

    def test_nothing_comes_back_before_the_ending(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"a line\nthat is al")
            client.socket.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                client.socket.recv(1)
            client.socket.settimeout(20)
            client.send(b"l!")
            self.assertEqual(client.read_until(ENDING), b"a line\nthat is all!")

    def test_ending_split_at_every_place(self):
        with Server(program()) as server, Client(server) as client:
            for place in range(len(ENDING) + 1):
                message = b"message %d " % place
                client.send(message + ENDING[:place])
                time.sleep(0.005)  # so that the rest is a packet of its own
                client.send(ENDING[place:])
                self.assertEqual(client.read_until(ENDING), message + ENDING)

    def test_almost_the_ending(self):
        message = b"that is that is all, that is al that is all!"
        with Server(program()) as server, Client(server) as client:
            client.send(message)
            self.assertEqual(client.read_until(ENDING), message)

    def test_many_messages_in_one_packet(self):
        messages = b"".join(b"%d that is all!" % number for number in range(500))
        with Server(program()) as server, Client(server) as client:
            client.send(messages)
            self.assertEqual(client.read_bytes(len(messages)), messages)

    def test_long_message(self):
        message = b"so long " * 100_000 + ENDING
        with Server(program()) as server, Client(server) as client:
            client.send(message)
            self.assertEqual(client.read_until(ENDING), message)

    def test_many_clients(self):
        with Server(program()) as server:
            clients = [Client(server) for _ in range(100)]
            for number, client in enumerate(clients):
                client.send(b"%d that " % number)
            for client in clients:
                client.send(b"is all!")
            for number, client in enumerate(clients):
                self.assertEqual(client.read_until(ENDING), b"%d that is all!" % number)
                client.close()


class Ending(unittest.TestCase):
    def test_the_ending_alone_ends_the_connection(self):
        with Server(program()) as server, Client(server) as client:
            client.send(ENDING)
            self.assertEqual(client.rest(), b"")

    def test_it_does_so_in_pieces(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"that is")
            time.sleep(0.01)
            client.send(b" all!")
            self.assertEqual(client.rest(), b"")

    def test_it_does_so_after_messages(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"one that is all!two that is all!that is all!")
            self.assertEqual(client.rest(), b"one that is all!two that is all!")

    def test_typed_lines(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"hello that is all!\n")
            self.assertEqual(client.read_until(ENDING), b"hello that is all!")
            client.send(b"that is all!\n")
            self.assertEqual(client.rest(), b"")

    def test_answers_arrive_although_more_was_sent(self):
        """What comes after the end is not read, and must not cost the answers before it."""
        answer = b"x" * 500_000 + ENDING
        with Server(program()) as server, Client(server) as client:
            client.send(answer + ENDING + b"too late" * 10_000)
            self.assertEqual(client.read_bytes(len(answer)), answer)
            client.end_sending()
            self.assertEqual(client.rest(), b"")

    def test_other_clients_go_on(self):
        with Server(program()) as server, Client(server) as other:
            with Client(server) as client:
                client.send(ENDING)
                self.assertEqual(client.rest(), b"")
            other.send(b"still here, that is all!")
            self.assertEqual(other.read_until(ENDING), b"still here, that is all!")

    def test_client_that_ends_sending_gets_its_answers(self):
        with Server(program()) as server, Client(server) as client:
            client.send(b"one that is all!two that is all!and no end")
            client.end_sending()
            self.assertEqual(client.rest(), b"one that is all!two that is all!")

    def test_ended_connections_leave_nothing(self):
        with Server(program()) as server:
            before = server.descriptors()
            for _ in range(20):
                with Client(server) as client:
                    client.send(ENDING)
                    self.assertEqual(client.rest(), b"")
            self.assertTrue(eventually(lambda: server.descriptors() == before))

    def test_signals(self):
        for signum in (signal.SIGINT, signal.SIGTERM):
            with Server(program(), end_with=signum) as server, Client(server) as client:
                client.send(b"half a message that is")
                client.send(b"")


main()
