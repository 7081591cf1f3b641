#!/usr/bin/env python3
"""Plays a short conversation of several members in the chat room of chat_relay, and prints what each says and hears.

usage: conversation.py PORT

Nobody speaks before everybody has heard what was said last, so the run shows that every word reached everyone.
"""

import os
import socket
import sys

PATIENCE = 20  # seconds to wait for a line
COLOURS = {'Ada': 36, 'Ben': 33, 'Cleo': 35}

SCRIPT = [
    ('Ada', 'joins'),
    ('Ben', 'joins'),
    ('Ada', 'Hello Ben! Every word here has been to the echo server and back.'),
    ('Cleo', 'joins'),
    ('Ben', 'Hello Cleo. Ada was just telling how this room works.'),
    ('Cleo', 'One stream to the echo server, and one read_until per line?'),
    ('Ada', 'That is all of it.'),
    ('Ben', 'leaves'),
    ('Cleo', 'Then we can go too.'),
    ('Cleo', 'leaves'),
    ('Ada', 'leaves'),
]


class Member:
    def __init__(self, name, port):
        self.name = name
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=PATIENCE)
        self.lines = self.socket.makefile('r', encoding='utf-8', newline='\n')

    def type(self, line):
        self.socket.sendall((line + '\n').encode())

    def leave(self):
        self.lines.close()
        self.socket.close()


def show(name, arrow, text):
    label = '%-5s' % name
    if sys.stdout.isatty() and 'NO_COLOR' not in os.environ:
        label = '\033[1;%dm%s\033[0m' % (COLOURS[name], label)
    print('%s %s %s' % (label, arrow, text), flush=True)


def expect(members, line):
    """Everybody in the room hears the line."""
    for member in members.values():
        heard = member.lines.readline()
        if heard != line + '\n':
            raise OSError('%s heard %r instead of %r' % (member.name, heard, line))
        show(member.name, '<', line)


def play(port):
    members = {}
    for name, words in SCRIPT:
        if words == 'joins':
            members[name] = Member(name, port)
            members[name].type(name)
            show(name, '>', name)
            expect(members, '* %s joined' % name)
        elif words == 'leaves':
            members.pop(name).leave()
            show(name, '-', 'hangs up')
            expect(members, '* %s left' % name)
        else:
            members[name].type(words)
            show(name, '>', words)
            expect(members, '%s: %s' % (name, words))


def main():
    try:
        play(int(sys.argv[1]))
    except OSError as error:
        print('the conversation broke off: %s' % error)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
