"""The rules of the installed C headers: what they include, what a signature may hold, what a comment has to say."""

import re
from collections import namedtuple

from source_text import code_of

Function = namedtuple('Function', 'name result parameters line comment')

# By value only these, functions, and pointers to anything: every foreign function interface knows them.
VALUES = {'int32_t', 'uint32_t', 'int64_t', 'uint64_t', 'uint16_t', 'size_t'}
BANNED_TYPES = r'\b(?:_?Bool|bool|long|short|float|wchar_t|va_list|off_t|ssize_t|time_t|intmax_t|u?intptr_t)\b'
PREFIXES = ('ioloop_', 'iostream_', 'ioserver_', 'ioclient_', 'ioresolver_', 'iotls_', 'ioprocess_')
FIELDS = ['owner', 'thread', 'since']


def functions(text):
    """The functions a header declares, in order."""
    code = code_of(text)
    for match in re.finditer(r'^IOLOOP_API\s+(.*?)\b(\w+)\s*\(([^;]*)\)\s*;', code, re.M | re.S):
        before = text[:match.start()]
        comment = re.search(r'/\*((?:(?!\*/).)*)\*/\n\Z', before, re.S)
        yield Function(match.group(2), ' '.join(match.group(1).split()), match.group(3),
                       before.count('\n') + 1, comment.group(1) if comment else '')


def value_problem(declaration):
    """What is wrong with a parameter or result of this type, or None."""
    words = declaration.replace('const', ' ').split()
    if '*' in declaration or not words:
        return None
    if words[0] in VALUES or words[0].endswith('_fn') or words == ['int', 'fd']:
        return None
    return 'passes "%s" by value' % ' '.join(words)


def check_function(function):
    if not function.name.startswith(PREFIXES):
        yield 'has none of the prefixes'
    fields = re.findall(r'^ \* (\w+) *: +\S', function.comment, re.M)
    wanted = FIELDS + (['returns'] if function.result in VALUES else [])
    for field in wanted:
        if field not in fields:
            yield 'the comment has no field "%s"' % field
    for unknown in set(fields) - {'owner', 'thread', 'blocks', 'returns', 'units', 'source', 'since'}:
        yield 'the comment has an unknown field "%s"' % unknown
    if 'thread' in fields and not re.search(r'^ \* thread +: +(?:\[(?:loop|any|signal)\]|any one thread)',
                                            function.comment, re.M):
        yield 'the field "thread" has none of the thread words'
    if function.result != 'void' and value_problem(function.result):
        yield value_problem(function.result)
    if function.parameters.strip() != 'void':
        for parameter in function.parameters.split(','):
            if value_problem(parameter):
                yield value_problem(parameter)


def check(text):
    """Yields (line, message) for everything that is wrong with a header."""
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(\S+)', text, re.M):
        name = match.group(1)
        if name not in ('<stddef.h>', '<stdint.h>') and not re.fullmatch(r'"\w+\.h"', name):
            yield text.count('\n', 0, match.start()) + 1, 'may not include %s' % name
    code = code_of(text)
    for match in re.finditer(BANNED_TYPES, code):
        yield code.count('\n', 0, match.start()) + 1, 'the type %s has no fixed size' % match.group()
    for match in re.finditer(r'\benum\s+\w', code):
        yield code.count('\n', 0, match.start()) + 1, 'an enumeration with a name: its size is not fixed'
    for match in re.finditer(r'^typedef\s+[\w\s*]+\(\s*\*\s*(\w+)\s*\)\s*\(([^;]*)\)\s*;', code, re.M):
        for parameter in match.group(2).split(','):
            problem = value_problem(parameter) if parameter.strip() != 'void' else None
            if problem:
                yield code.count('\n', 0, match.start()) + 1, '%s: %s' % (match.group(1), problem)
    declared = list(functions(text))
    if code.count('\nIOLOOP_API ') != len(declared):
        yield 1, 'IOLOOP_API stands where no function declaration could be read'
    for function in declared:
        for message in check_function(function):
            yield function.line, '%s: %s' % (function.name, message)
