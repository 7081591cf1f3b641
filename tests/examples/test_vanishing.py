"""A thousand clients that come and vanish at random points must leave a server as it was: arguments are the program
and, for chat_relay, echo_server."""

import random
import unittest

from harness import PROGRAMS, Client, Server, eventually, main, program

SEED = 20240229
CLIENTS = 1000


def send_something(client, chance):
    """All of a line, a part of one, several, or nothing."""
    text = bytes(chance.choice(b"abc defg\nthis!") for _ in range(chance.randrange(200)))
    client.send(chance.choice([b"", text, text + b"\n", b"hello\n" * chance.randrange(1, 50), b"that is all!"]))


def vanish(client, chance):
    way = chance.randrange(4)
    if way == 0:
        client.reset()
    elif way == 1:
        client.end_sending()
        client.close()
    elif way == 2:
        client.socket.setblocking(False)
        try:
            client.socket.recv(chance.randrange(1, 20))
        except OSError:
            pass
        client.close()
    else:
        client.close()


class Vanishing(unittest.TestCase):
    def play(self, server):
        chance = random.Random(SEED)
        clients = []
        before = server.descriptors()
        for _ in range(CLIENTS):
            client = Client(server)
            clients.append(client)
            try:
                send_something(client, chance)
                if len(clients) > 50:
                    leaving = clients.pop(chance.randrange(len(clients)))
                    send_something(leaving, chance)
                    vanish(leaving, chance)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server may end a connection too: message_server at its ending
        for client in clients:
            client.reset()
        self.assertTrue(eventually(lambda: server.descriptors() == before), "connections stayed open")

    def test_server_survives(self):
        if len(PROGRAMS) > 1:
            self.skipTest("a room is tested")
        with Server(program()) as server:
            self.play(server)
            with Client(server) as client:
                client.send(b"still there? that is all!\n")
                self.assertEqual(client.read_until(b"that is all!"), b"still there? that is all!")

    def test_room_survives(self):
        if len(PROGRAMS) == 1:
            self.skipTest("a single server is tested")
        with Server(program(1)) as echo, Server(program(0), 0, echo.port) as chat:
            self.play(chat)
            with Client(chat) as client:
                client.send(b"ann\nstill there?\n")
                while client.line() != b"ann: still there?\n":
                    pass


main()
