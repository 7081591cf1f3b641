#!/usr/bin/env python3
"""Checks the rules of the source tree that no compiler knows.

usage: tidy.py [--library libioloop.so] [ROOT]

Prints each violation as "file:line: message" and ends with 1 if there is any. Lines that begin with "warning" do not
count. Each rule is a function that takes the tree and yields violations; tidy_test.py shows each of them one.
"""

import argparse
import os
import re
import subprocess
import sys
from collections import namedtuple

import header_rules
from source_text import code_of

Violation = namedtuple('Violation', 'path line message')
Tree = namedtuple('Tree', 'root files library')  # files: path -> text

LAYERS = ['base', 'os', 'poll', 'loop', 'stream']
PUBLIC_OF_LAYER = {
    'loop': {'base.h', 'event.h', 'loop.h'},
    'stream': {'base.h', 'stream.h', 'server.h'},
}
LIBRARY_OF_LAYER = {'stream': {'pcre2.h'}}
TOP_LEVEL = {'src', 'include', 'capi', 'tests', 'docs', 'meson.build', 'meson_options.txt', 'README.md', 'LICENSE'}

# What a layer above os may include of the C++ library: everything but the system in other clothes.
STANDARD = {
    'algorithm', 'array', 'atomic', 'bit', 'charconv', 'climits', 'compare', 'concepts', 'cstddef', 'cstdint',
    'cstring', 'exception', 'functional', 'initializer_list', 'iterator', 'limits', 'map', 'memory', 'mutex', 'new',
    'numeric', 'optional', 'set', 'span', 'string', 'string_view', 'tuple', 'type_traits', 'unordered_map',
    'unordered_set', 'utility', 'variant', 'vector', 'stddef.h', 'stdint.h',
}

# Belongs to src/os alone, and should not be used even there if it is in the second list.
SYSTEM_CALLS = (
    'recv recvfrom recvmsg send sendto sendmsg sendfile accept accept4 connect bind listen socket socketpair shutdown '
    'getsockopt setsockopt getsockname getpeername read readv write writev close dup dup2 dup3 pipe pipe2 fcntl ioctl '
    'open openat unlink stat fstat lstat epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 poll ppoll select '
    'eventfd timerfd_create timerfd_settime signalfd sigaction signal sigprocmask pthread_sigmask kill raise fork '
    'vfork getpid gettid syscall getrandom getaddrinfo freeaddrinfo getnameinfo inet_pton inet_ntop mmap munmap malloc '
    'calloc realloc free'
).split()
SYSTEM_WORDS = [
    (r'\berrno\b', 'errno'),
    (r'\bclock_gettime\b', 'clock_gettime'),
    (r'\bgettimeofday\b', 'gettimeofday'),
    (r'\bstd::chrono\b', 'std::chrono'),
    (r'_clock::now\b', 'a clock'),
    (r'\bstd::random_device\b', 'std::random_device'),
    (r'\bstd::this_thread\b', 'std::this_thread'),
    (r'\bstd::j?thread\b', 'std::thread'),
    (r'(?<![\w.>:])(?:std::|::)?s?rand(?:om|48)?(?:_r)?\s*\(', 'rand'),
    (r'(?<![\w.>:])(?:std::|::)?(?:secure_)?getenv\s*\(', 'getenv'),
    (r'(?<![\w>)\]])::(?:%s)\s*\(' % '|'.join(SYSTEM_CALLS), 'a raw system call'),
    (r'\bstd::(?:malloc|calloc|realloc|free)\s*\(', 'malloc and its like'),
]
BANNED_CALLS = re.compile(
    r'(?<![\w.>])(?:std::|::)?(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok|system|popen|tmpnam|mktemp|alloca|'
    r'setjmp|longjmp|abort|exit)\s*\('
)

SOURCE_LIMIT, SOURCE_WARNING, HEADER_LIMIT = 600, 400, 900
FUNCTION_LIMIT, FUNCTION_WARNING = 70, 60
LINE_LIMIT = 120


def is_code(path):
    return path.endswith(('.h', '.cc', '.c'))


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def layer_of(path):
    parts = path.split('/')
    return parts[1] if parts[0] == 'src' and len(parts) > 2 else None


def include_of_layer(layer, name):
    """What is wrong with src/<layer> including "name", or None."""
    folder, _, rest = name.partition('/')
    if folder == 'ioloop':
        allowed = PUBLIC_OF_LAYER.get(layer, {'base.h'})
        return None if rest in allowed else 'src/%s may not include the public header %s' % (layer, rest)
    if folder not in LAYERS or not rest:
        return 'includes are written from src: "layer/file.h"'
    if LAYERS.index(folder) > LAYERS.index(layer):
        return 'src/%s may not include src/%s, a layer above it' % (layer, folder)
    return None


def check_includes(tree):
    for path, text in tree.files.items():
        layer = layer_of(path)
        if not is_code(path) or not (layer or path.startswith('capi/')):
            continue
        if layer and layer not in LAYERS:
            yield Violation(path, 1, 'src/%s is no layer' % layer)
            continue
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, re.M):
            line, name = line_of(text, match.start()), match.group(2)
            if match.group(1) == '"':
                problem = include_of_layer(layer, name) if layer else None
                if problem:
                    yield Violation(path, line, problem)
            elif layer != 'os' and name not in STANDARD | LIBRARY_OF_LAYER.get(layer, set()):
                yield Violation(path, line, '<%s> belongs to src/os' % name)


def check_calls(tree):
    for path, text in tree.files.items():
        if not is_code(path) or not path.startswith(('src/', 'capi/')):
            continue
        code = code_of(text)
        if layer_of(path) != 'os':
            for pattern, name in SYSTEM_WORDS:
                for match in re.finditer(pattern, code):
                    yield Violation(path, line_of(code, match.start()), '%s belongs to src/os' % name)
        for match in BANNED_CALLS.finditer(code):
            yield Violation(path, line_of(code, match.start()), '%s is not to be called' % match.group(1))


def check_file_sizes(tree):
    for path, text in tree.files.items():
        if not is_code(path) or not path.startswith(('src/', 'capi/', 'include/')):
            continue
        lines, header = text.count('\n'), path.startswith('include/')
        limit, warning = (HEADER_LIMIT, HEADER_LIMIT) if header else (SOURCE_LIMIT, SOURCE_WARNING)
        if lines > limit:
            yield Violation(path, limit + 1, 'the file has %d lines, the limit is %d' % (lines, limit))
        elif lines > warning:
            print('warning: %s has %d lines, more than %d' % (path, lines, warning))


def functions(code):
    """Yields (first line, last line) of each outermost function body, found by its braces."""
    stack, head_start, function_depth = [], 0, None
    not_a_function = re.compile(r'\s*(?:(?:inline\s+)?namespace|class|struct|union|enum|extern|if|for|while|switch|do|'
                                r'else|try|catch)\b')
    for match in re.finditer(r'[{};]', code):
        position, char = match.start(), match.group()
        if char == '{':
            head = code[head_start:position]
            if function_depth is None and '(' in head and not not_a_function.match(head) and '=' not in head:
                function_depth = len(stack)
                stack.append(head_start + len(head) - len(head.lstrip()))
            else:
                stack.append(None)
        elif char == '}' and stack:
            start = stack.pop()
            if function_depth == len(stack):
                function_depth = None
                yield line_of(code, start), line_of(code, position)
        head_start = position + 1


def check_function_sizes(tree):
    for path, text in tree.files.items():
        if not is_code(path) or not path.startswith(('src/', 'capi/')):
            continue
        code = re.sub(r'^[ \t]*#.*$', '', code_of(text), flags=re.M)
        for first, last in functions(code):
            lines = last - first + 1
            if lines > FUNCTION_LIMIT:
                yield Violation(path, first, 'the function has %d lines, the limit is %d' % (lines, FUNCTION_LIMIT))
            elif lines > FUNCTION_WARNING:
                print('warning: %s:%d: the function has %d lines' % (path, first, lines))


def check_text(tree):
    for path, text in tree.files.items():
        if text and not text.endswith('\n'):
            yield Violation(path, line_of(text, len(text)), 'no newline at the end')
        for number, line in enumerate(text.split('\n'), 1):
            if '\t' in line or '\r' in line:
                yield Violation(path, number, 'a tab or carriage return')
            if line != line.rstrip() and not path.endswith('.md'):
                yield Violation(path, number, 'space at the end of the line')
            if len(line) > LINE_LIMIT and not path.endswith('.md'):
                yield Violation(path, number, 'the line is longer than %d characters' % LINE_LIMIT)
            if re.search(r'\b(?:[T]ODO|[F]IXME|[X]XX)\b', line):
                yield Violation(path, number, 'something is left to do')


def check_style(tree):
    for path, text in tree.files.items():
        if not is_code(path) or not path.startswith(('src/', 'capi/', 'include/')):
            continue
        if path.endswith('.h') and not path.startswith('include/') and '#pragma once' not in text:
            yield Violation(path, 1, 'no #pragma once')
        if path.endswith('.h') and not text.startswith(('//', '/*')):
            yield Violation(path, 1, 'the file does not say first what it is')


def check_built(tree):
    """Every source file is named in a meson.build of its folder or one above."""
    for path in tree.files:
        if not path.endswith(('.cc', '.c')):
            continue
        stem, folder, named = path.rsplit('/', 1)[-1].rsplit('.', 1)[0], os.path.dirname(path), False
        while folder and not named:
            named = stem in re.findall(r'[\w-]+', tree.files.get(folder + '/meson.build', ''))
            folder = os.path.dirname(folder)
        if not named:
            yield Violation(path, 1, 'no meson.build names this file')


def check_top_level(tree):
    for name in sorted({path.split('/')[0] for path in tree.files}):
        if name not in TOP_LEVEL and not name.startswith('.'):
            yield Violation(name, 1, 'does not belong to the top level of the repository')


def check_headers(tree):
    for path, text in tree.files.items():
        if path.startswith('include/'):
            for line, message in header_rules.check(text):
                yield Violation(path, line, message)


def check_version(tree):
    match = re.search(r"^\s*version: '([^']+)'", tree.files.get('meson.build', ''), re.M)
    project = match.group(1) if match else 'unknown'
    numbers = dict(re.findall(r'\bIOLOOP_VERSION(_\w+)?\s*=\s*(\d+)', tree.files.get('include/ioloop/base.h', '')))
    parts = [int(numbers.get(key, -1)) for key in ('_MAJOR', '_MINOR', '_PATCH')]
    if '%d.%d.%d' % tuple(parts) != project or int(numbers.get('', -1)) != (parts[0] * 100 + parts[1]) * 100 + parts[2]:
        yield Violation('include/ioloop/base.h', 1, 'the version is not that of meson.build, %s' % project)


def check_symbols(tree):
    declared, listed = {}, {}
    for path, text in tree.files.items():
        if path.startswith('include/'):
            for function in header_rules.functions(text):
                declared[function.name] = (path, function.line)
    symbol_map = tree.files.get('capi/ioloop.map', '')
    for number, line in enumerate(symbol_map.split('\n'), 1):
        match = re.fullmatch(r'\s+(\w+);', line)
        if match and match.group(1) in listed:
            yield Violation('capi/ioloop.map', number, '%s is listed twice' % match.group(1))
        elif match:
            listed[match.group(1)] = ('capi/ioloop.map', number)
    for name in sorted(declared.keys() - listed.keys()):
        yield Violation(*declared[name], '%s is not in capi/ioloop.map' % name)
    for name in sorted(listed.keys() - declared.keys()):
        yield Violation(*listed[name], '%s is in no header' % name)
    if not tree.library:
        return
    output = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', tree.library], check=True,
                            capture_output=True, text=True).stdout
    exported = {line.split()[0].split('@')[0] for line in output.splitlines() if line.split()[1] != 'A'}
    for name in sorted(declared.keys() - exported):
        yield Violation(*declared[name], '%s is not exported by the library' % name)
    for name in sorted(exported - declared.keys()):
        yield Violation('capi/ioloop.map', 1, 'the library exports %s, which is in no header' % name)


RULES = [
    check_includes, check_calls, check_file_sizes, check_function_sizes, check_text, check_style, check_built,
    check_top_level, check_headers, check_version, check_symbols,
]


def files_of(root):
    """What belongs to the project: what git knows or would add, or all files where there is no git."""
    git = subprocess.run(['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                         capture_output=True, check=False) if os.path.exists(os.path.join(root, '.git')) else None
    if git and git.returncode == 0:
        return [name for name in git.stdout.decode().split('\0') if os.path.isfile(os.path.join(root, name))]
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith('.') and f != '__pycache__'
                      and not os.path.exists(os.path.join(folder, f, 'meson-private'))]
        names += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return names


# Inputs of the fuzz targets are bytes, not text.
CORPUS = os.path.join('tests', 'fuzz', 'corpus')


def read_tree(root, library):
    files = {}
    for name in sorted(files_of(root)):
        if name.startswith(CORPUS):
            continue
        with open(os.path.join(root, name), encoding='utf-8') as file:
            files[name] = file.read()
    return Tree(root, files, library)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument('--library')
    parser.add_argument('root', nargs='?', default=os.path.dirname(os.path.dirname(here)))
    arguments = parser.parse_args()
    tree = read_tree(arguments.root, arguments.library)
    violations = [violation for rule in RULES for violation in rule(tree)]
    for violation in violations:
        print('%s:%d: %s' % violation)
    print('%d files, %d rules, %d violations' % (len(tree.files), len(RULES), len(violations)))
    return 1 if violations else 0


if __name__ == '__main__':
    sys.exit(main())
