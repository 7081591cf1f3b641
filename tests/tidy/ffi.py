#!/usr/bin/env python3
"""Reads the installed headers, preprocessed, into LuaJIT, finds every function in the library and calls one.

usage: ffi.py CC FOLDER LIBRARY
"""

import os
import shutil
import subprocess
import sys
import tempfile

import header_rules

PROGRAM = '''
local ffi = require("ffi")
ffi.cdef(io.open(arg[1]):read("*a"))
local library = ffi.load(arg[2])
for i = 3, #arg do
    local found, reason = pcall(function() return library[arg[i]] end)
    if not found then error(arg[i] .. ": " .. reason) end
end
assert(library.ioloop_version() == library.IOLOOP_VERSION)
assert(ffi.string(library.ioloop_status_name(library.IOLOOP_EINVAL)) == "EINVAL")
assert(ffi.sizeof("ioloop_event_t") == 64)
print(#arg - 2 .. " functions found")
'''


def main():
    compiler, include, library = sys.argv[1:]
    if not shutil.which('luajit'):
        print('skipped, because luajit is not installed')
        return 77
    names = []
    for header in sorted(os.listdir(os.path.join(include, 'ioloop'))):
        with open(os.path.join(include, 'ioloop', header), encoding='utf-8') as file:
            names += [function.name for function in header_rules.functions(file.read())]
    with tempfile.TemporaryDirectory() as folder:
        # LuaJIT knows the types of these two by itself.
        for name in ['stddef.h', 'stdint.h']:
            open(os.path.join(folder, name), 'w', encoding='utf-8').close()
        text = subprocess.run([compiler, '-E', '-P', '-nostdinc', '-U__GNUC__', '-I', folder, '-I', include, '-x', 'c',
                               os.path.join(include, 'ioloop', 'ioloop.h')],
                              check=True, capture_output=True, text=True).stdout
        for name, content in [('headers.i', text), ('load.lua', PROGRAM)]:
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
                file.write(content)
        return subprocess.run(['luajit', os.path.join(folder, 'load.lua'), os.path.join(folder, 'headers.i'), library]
                              + names, check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
