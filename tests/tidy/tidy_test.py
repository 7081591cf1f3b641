#!/usr/bin/env python3
"""Each rule of tidy.py finds what it is there for, and lets good code pass."""

import contextlib
import io
import unittest

import tidy

GOOD_FUNCTION = '''/* Does it.
 *
 * owner    : nothing
 * thread   : [loop]
 * returns  : IOLOOP_OK
 * since    : 0.1
 */
IOLOOP_API int32_t ioloop_do(ioloop_t *loop, int fd, ioloop_callback_fn fn, void *ctx);
'''


def messages(rule, files):
    """What a rule says about a tree of these files."""
    with contextlib.redirect_stdout(io.StringIO()):
        return [violation.message for violation in rule(tidy.Tree('.', files, None))]


class TidyTest(unittest.TestCase):
    def finds(self, rule, path, text, part):
        found = messages(rule, {path: text})
        self.assertTrue(any(part in message for message in found), '%r finds %r' % (text, found))

    def passes(self, rule, path, text):
        self.assertEqual(messages(rule, {path: text}), [], text)

    def test_includes_go_to_lower_layers_only(self):
        self.passes(tidy.check_includes, 'src/loop/a.cc', '#include "loop/a.h"\n#include "os/b.h"\n#include <vector>\n')
        self.finds(tidy.check_includes, 'src/os/a.cc', '#include "poll/a.h"\n', 'a layer above')
        self.finds(tidy.check_includes, 'src/poll/a.h', ' # include "stream/a.h"\n', 'a layer above')
        self.finds(tidy.check_includes, 'src/base/a.h', '#include "a.h"\n', 'written from src')
        self.finds(tidy.check_includes, 'src/other/a.h', '', 'is no layer')

    def test_public_headers_by_layer(self):
        self.passes(tidy.check_includes, 'src/base/a.h', '#include "ioloop/base.h"\n')
        self.passes(tidy.check_includes, 'src/loop/a.h', '#include "ioloop/event.h"\n')
        self.passes(tidy.check_includes, 'capi/a.cc', '#include "ioloop/ioloop.h"\n#include "stream/stream.h"\n')
        self.finds(tidy.check_includes, 'src/loop/a.h', '#include "ioloop/stream.h"\n', 'public header')

    def test_system_headers_only_in_os(self):
        self.passes(tidy.check_includes, 'src/os/a.cc', '#include <sys/socket.h>\n#include <cerrno>\n')
        self.passes(tidy.check_includes, 'src/stream/a.cc', '#include <pcre2.h>\n')
        for header in ['sys/epoll.h', 'errno.h', 'cerrno', 'unistd.h', 'chrono', 'thread', 'csignal', 'pcre2.h']:
            self.finds(tidy.check_includes, 'src/loop/a.cc', '#include <%s>\n' % header, 'belongs to src/os')

    def test_calls_only_in_os(self):
        for call in ['if (errno == 4)', 'clock_gettime(0, &t);', 'auto t = std::chrono::steady_clock::now();',
                     'x = ::recv(fd, p, 1, 0);', 'return ::close(fd);', 'int r = rand();', 'std::getenv("HOME");',
                     'std::malloc(1);', 'x = std::random_device{}();']:
            self.finds(tidy.check_calls, 'src/loop/a.cc', call + '\n', 'belongs to src/os')
            self.passes(tidy.check_calls, 'src/os/a.cc', call + '\n')
            self.passes(tidy.check_calls, 'src/loop/a.cc', '// ' + call + '\n')
        for call in ['os::close(fd);', 'ioloop::os::poll(a, 1, 0);', 'transport.send(x);', 'Stream::close();']:
            self.passes(tidy.check_calls, 'src/loop/a.cc', call + '\n')

    def test_banned_calls(self):
        for call in ['strcpy(a, b);', 'sprintf(a, "x");', 'system("x");', 'std::exit(1);']:
            self.finds(tidy.check_calls, 'src/os/a.cc', call + '\n', 'not to be called')
        self.passes(tidy.check_calls, 'src/os/a.cc', 'loop.exit();\nsnprintf(a, 1, "strcpy(");\non_exit();\n')

    def test_file_sizes(self):
        self.passes(tidy.check_file_sizes, 'src/os/a.cc', 'x\n' * 600)
        self.finds(tidy.check_file_sizes, 'capi/a.cc', 'x\n' * 601, 'the limit is 600')
        self.passes(tidy.check_file_sizes, 'include/ioloop/a.h', 'x\n' * 900)
        self.finds(tidy.check_file_sizes, 'include/ioloop/a.h', 'x\n' * 901, 'the limit is 900')

    def test_function_sizes(self):
        head = 'namespace a {\nclass B {\n    int c() const {\n%s    }\n};\n}\n'
        self.passes(tidy.check_function_sizes, 'src/os/a.cc', head % ('        if (x) { y(); }\n' * 68))
        self.finds(tidy.check_function_sizes, 'src/os/a.cc', head % ('        if (x) { y(); }\n' * 69), '71 lines')
        self.passes(tidy.check_function_sizes, 'src/os/a.cc', 'void a() {\n}\n' * 100)
        self.finds(tidy.check_function_sizes, 'capi/a.cc', 'int a(void)\n{\n%s}\n' % ('\n' * 70), '73 lines')

    def test_text(self):
        self.passes(tidy.check_text, 'docs/a.md', 'fine  \n' + 'x' * 200 + '\n')
        for text in ['x', '\tx\n', 'x \n', 'x' * 121 + '\n', '// TO' + 'DO: x\n']:
            self.assertEqual(len(messages(tidy.check_text, {'src/os/a.cc': text})), 1, text)

    def test_style(self):
        self.passes(tidy.check_style, 'src/os/a.h', '// What it is.\n#pragma once\n')
        self.finds(tidy.check_style, 'src/os/a.h', '// What it is.\n', '#pragma once')
        self.finds(tidy.check_style, 'src/os/a.h', '#pragma once\n', 'does not say')

    def test_sources_are_built(self):
        self.assertEqual(messages(tidy.check_built, {'src/os/a.cc': '', 'src/os/meson.build': "files('a.cc')"}), [])
        self.assertEqual(messages(tidy.check_built, {'docs/x/a.c': '', 'docs/meson.build': "foreach n : ['a']"}), [])
        self.assertEqual(len(messages(tidy.check_built, {'src/os/a.cc': '', 'src/os/meson.build': "'ab.cc'"})), 1)

    def test_top_level(self):
        self.assertEqual(messages(tidy.check_top_level, {'src/a': '', '.ci/run': '', 'README.md': ''}), [])
        self.assertEqual(len(messages(tidy.check_top_level, {'examples/a.c': '', 'NOTES': ''})), 2)

    def test_header_comments(self):
        path = 'include/ioloop/a.h'
        self.passes(tidy.check_headers, path, GOOD_FUNCTION)
        for field in ['owner', 'thread', 'returns', 'since']:
            text = '\n'.join(line for line in GOOD_FUNCTION.split('\n') if ' * %s ' % field not in line)
            self.finds(tidy.check_headers, path, text, 'no field "%s"' % field)
        self.finds(tidy.check_headers, path, GOOD_FUNCTION.replace('[loop]', 'some'), 'thread words')
        self.finds(tidy.check_headers, path, GOOD_FUNCTION.replace('owner ', 'ownr  '), 'unknown field')
        self.finds(tidy.check_headers, path, '\n' + GOOD_FUNCTION.split('*/\n')[1], 'no field "owner"')

    def test_header_signatures(self):
        path = 'include/ioloop/a.h'
        for parameter in ['int count', 'enum kind kind', 'long size', 'bool on', 'ioloop_options_t options', 'char c']:
            text = GOOD_FUNCTION.replace('int fd', parameter)
            self.assertTrue(messages(tidy.check_headers, {path: text}), parameter)
            text = 'typedef void (*ioloop_x_fn)(void *ctx, %s);\n' % parameter
            self.assertTrue(messages(tidy.check_headers, {path: text}), parameter)
        self.finds(tidy.check_headers, path, GOOD_FUNCTION.replace('int32_t ', 'int '), 'by value')
        self.finds(tidy.check_headers, path, GOOD_FUNCTION.replace('ioloop_do', 'loop_do'), 'prefixes')
        self.finds(tidy.check_headers, path, '#include <stdbool.h>\n', 'may not include')
        self.finds(tidy.check_headers, path, 'typedef struct { long x; } ioloop_x_t;\n', 'no fixed size')

    def test_version(self):
        header = 'enum { IOLOOP_VERSION_MAJOR = 1, IOLOOP_VERSION_MINOR = 2, IOLOOP_VERSION_PATCH = 3, %s = 10203 };\n'
        files = {'meson.build': "    version: '1.2.3',\n", 'include/ioloop/base.h': header % 'IOLOOP_VERSION'}
        self.assertEqual(messages(tidy.check_version, files), [])
        files['meson.build'] = "    version: '1.2.4',\n"
        self.assertEqual(len(messages(tidy.check_version, files)), 1)

    def test_symbols(self):
        files = {'include/ioloop/a.h': GOOD_FUNCTION, 'capi/ioloop.map': 'A {\nglobal:\n    ioloop_do;\n};\n'}
        self.assertEqual(messages(tidy.check_symbols, files), [])
        files['capi/ioloop.map'] = 'A {\nglobal:\n    ioloop_did;\n    ioloop_did;\n};\n'
        self.assertEqual(len(messages(tidy.check_symbols, files)), 3)


if __name__ == '__main__':
    unittest.main()
