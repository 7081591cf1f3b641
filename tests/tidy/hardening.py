#!/usr/bin/env python3
"""Asserts on the finished shared library that the hardening asked for at build time is in it.

usage: hardening.py LIBRARY
"""

import re
import subprocess
import sys

BANNED = {'system', 'popen', 'gets', 'strcpy', 'strcat', 'sprintf', 'vsprintf', 'select', 'signal', 'tmpnam', 'mktemp',
          'execlp', 'execvp', 'longjmp', 'abort', 'exit'}
NEEDED = re.compile(r'(?:libc|libm|libgcc_s|libstdc\+\+|libc\+\+|libc\+\+abi|libpcre2-8|ld-linux[\w-]*)\.so\.\d+')


def readelf(*arguments):
    return subprocess.run(['readelf', '--wide', *arguments], check=True, capture_output=True, text=True).stdout


def problems(path):
    header, program, dynamic = readelf('-h', path), readelf('-l', path), readelf('-d', path)
    notes, symbols = readelf('-n', path), readelf('--dyn-syms', path)
    imported = {match.split('@')[0] for match in re.findall(r' UND (\S+)', symbols)}
    exported = re.findall(r'(?:GLOBAL|WEAK)\s+\w+\s+(?!UND)\w+ (\S+)', symbols)

    if 'GNU_RELRO' not in program:
        yield 'no RELRO segment'
    if 'BIND_NOW' not in dynamic and not re.search(r'FLAGS_1.*\bNOW\b', dynamic):
        yield 'not bound at load time, so RELRO is not full'
    if 'NODELETE' not in dynamic:
        yield 'may be unloaded'
    if 'TEXTREL' in dynamic:
        yield 'text relocations'
    if re.search(r'\bR(?:UN)?PATH\b', dynamic):
        yield 'a run path'
    if not re.search(r'SONAME.*\[libioloop\.so\.0\]', dynamic):
        yield 'the soname is not libioloop.so.0'
    for name in re.findall(r'NEEDED.*\[(.*)\]', dynamic):
        if not NEEDED.fullmatch(name):
            yield 'needs ' + name
    if not re.search(r'GNU_STACK\s+(?:\S+\s+){5}RW ', program):
        yield 'the stack is executable'
    for segment in re.findall(r'LOAD\s+(?:\S+\s+){5}([RWE ]+?)\s+0x', program):
        if 'W' in segment and 'E' in segment:
            yield 'a segment that is both writable and executable'
    if '__stack_chk_fail' not in imported:
        yield 'no stack protector'
    if 'X86-64' in header:
        for feature in ['IBT', 'SHSTK']:
            if not re.search(r'x86 feature:.*\b%s\b' % feature, notes):
                yield 'no %s mark' % feature
    for name in sorted(imported & BANNED):
        yield 'imports ' + name
    for name in exported:
        if not re.fullmatch(r'io\w+@@IOLOOP_\d+\.\d+|IOLOOP_\d+\.\d+(?:@@.*)?', name):
            yield 'exports ' + name


def main():
    found = list(problems(sys.argv[1]))
    for problem in found:
        print('%s: %s' % (sys.argv[1], problem))
    print('%d problems' % len(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
