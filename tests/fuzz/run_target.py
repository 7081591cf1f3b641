#!/usr/bin/env python3
"""Runs one fuzz target: its corpus first, then, with libFuzzer, a search from there.

usage: run_target.py --search|--replay NAME PROGRAM CORPUS

IOLOOP_FUZZ_SECONDS is the length of the search, 30 by default; 0 only replays. New inputs go to IOLOOP_FUZZ_CORPUS/NAME
if that is set, else to a folder that is thrown away. What a finding needs to be seen again is printed.
"""

import os
import re
import subprocess
import sys
import tempfile


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    return result.returncode, result.stdout


def report(name, executions, code, output, command):
    if code != 0:
        print(output[-6000:])
        print('again:', ' '.join(command))
    print(f'G7 {name} {executions} executions, {0 if code == 0 else 1} findings')
    return 1 if code != 0 else 0


def main():
    mode, name, program, corpus = sys.argv[1:5]
    files = sorted(os.listdir(corpus)) if os.path.isdir(corpus) else []
    if not files:
        print('no corpus at', corpus)
        return 1
    paths = [os.path.join(corpus, each) for each in files]
    code, output = run([program] + paths)
    seconds = int(os.environ.get('IOLOOP_FUZZ_SECONDS', '30'))
    if code != 0 or mode == '--replay' or seconds == 0:
        return report(name, len(files), code, output, [program] + paths)
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get('IOLOOP_FUZZ_CORPUS')
        grown = os.path.join(kept, name) if kept else os.path.join(folder, 'corpus')
        os.makedirs(grown, exist_ok=True)
        command = [
            program, grown, corpus, f'-max_total_time={seconds}', '-timeout=10', '-rss_limit_mb=1024', '-max_len=2048',
            '-print_final_stats=1', f'-artifact_prefix={os.getcwd()}/fuzz-{name}-',
        ]
        code, output = run(command)
    found = re.search(r'stat::number_of_executed_units:\s*(\d+)', output)
    return report(name, len(files) + int(found.group(1) if found else 0), code, output, command)


sys.exit(main())
