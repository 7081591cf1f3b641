"""echo_server with no descriptor left (G14): 10 connections are served, 200 more wait. Argument is the program."""

import resource
import time
import unittest

from harness import Client, Server, eventually, main, program

LIMIT = 64
SERVED = 10
WAITING = 200
WATCHED_SECONDS = 4.0


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


class Exhaustion(unittest.TestCase):
    def round_trip(self, client):
        begin = time.monotonic()
        client.send(b"hello\n")
        self.assertEqual(client.line(), b"hello\n")
        return time.monotonic() - begin

    def test_H_D6_no_descriptor_left(self):
        with Server(program(), preexec_fn=limit_descriptors) as server:
            served = [Client(server) for _ in range(SERVED)]
            for client in served:
                self.round_trip(client)
            waiting = [Client(server) for _ in range(WAITING)]
            self.assertTrue(eventually(lambda: server.descriptors() == LIMIT))

            cpu = server.cpu_seconds()
            begin = time.monotonic()
            trips = []
            while time.monotonic() - begin < WATCHED_SECONDS:
                trips += [self.round_trip(client) for client in served]
                time.sleep(0.2)
            share = (server.cpu_seconds() - cpu) / (time.monotonic() - begin)
            trips.sort()
            print(f"CPU {share:.2%}, 99 of 100 round trips within {trips[len(trips) * 99 // 100] * 1000:.1f} ms")
            self.assertLess(share, 0.02)
            self.assertLess(trips[len(trips) * 99 // 100], 0.05)
            self.assertEqual(server.descriptors(), LIMIT)

            for client in waiting:
                client.close()
            left = time.monotonic()
            with Client(server) as newcomer:
                self.round_trip(newcomer)
                print(f"a newcomer was served {time.monotonic() - left:.2f} s after the others left")
                self.assertLess(time.monotonic() - left, 2.0)
            for client in served:
                self.round_trip(client)
                client.close()

    def test_H_D7_every_waiting_client_is_served_in_the_end(self):
        with Server(program(), preexec_fn=limit_descriptors) as server:
            clients = [Client(server) for _ in range(WAITING)]
            for client in clients:
                client.send(b"my turn\n")
            for client in clients:
                self.assertEqual(client.line(), b"my turn\n")
                client.close()


main()
