#!/usr/bin/env python3
"""Compiles each installed header alone, as C99 and as C++20, with every compiler that is here.

usage: headers.py FOLDER
"""

import os
import shutil
import subprocess
import sys

LANGUAGES = [('c', 'c99'), ('c++', 'c++20')]
COMPILERS = ['gcc', 'clang']


def main():
    include = sys.argv[1]
    headers = sorted(name for name in os.listdir(os.path.join(include, 'ioloop')) if name.endswith('.h'))
    compilers = [name for name in COMPILERS if shutil.which(name)]
    for name in set(COMPILERS) - set(compilers):
        print('without %s, which is not installed' % name)
    failed = 0
    for compiler in compilers:
        for header in headers:
            for language, standard in LANGUAGES:
                command = [compiler, '-x', language, '-std=' + standard, '-pedantic', '-Wall', '-Wextra', '-Werror',
                           '-I', include, '-fsyntax-only', '-']
                text = '#include <ioloop/%s>\n#include <ioloop/%s>\n' % (header, header)
                result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
                if result.returncode:
                    failed += 1
                    print('%s as %s with %s:\n%s' % (header, standard, compiler, result.stderr))
    print('%d headers, %d compilers, %d failures' % (len(headers), len(compilers), failed))
    return 1 if failed or not headers or not compilers else 0


if __name__ == '__main__':
    sys.exit(main())
