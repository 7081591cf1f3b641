#!/usr/bin/env python3
"""Counts the test cases of finished meson test runs, and shows those that failed or were skipped.

usage: summary.py [--total] BUILD_FOLDER...

With --total only the last line: "N passed, N failed, N skipped". Ends with 1 when something failed.

A GoogleTest program counts as its cases, which meson has collected in testlog.junit.xml, any other test as one. What
became of a test is in testlog.json: a program that crashed or ran out of time has left no cases.
"""

import json
import os
import sys
import xml.etree.ElementTree
from collections import namedtuple

Counts = namedtuple('Counts', 'passed failed skipped')
GOOD = {'OK', 'EXPECTEDFAIL'}


def cases_of(folder):
    """Test name -> list of (case name, element) of the GoogleTest programs."""
    path = os.path.join(folder, 'meson-logs', 'testlog.junit.xml')
    cases = {}
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return cases
    for suite in root.iter('testsuite'):
        # "libioloop.libioloop:unit / unit_base.SearchTest"
        project, _, rest = suite.get('name').partition('.')
        name, _, gtest_suite = rest.partition('.')
        if name and project:
            cases.setdefault(name, []).extend(('%s.%s' % (gtest_suite, case.get('name')), case) for case in suite)
    return cases


def tests_of(folder):
    try:
        with open(os.path.join(folder, 'meson-logs', 'testlog.json'), encoding='utf-8') as file:
            return [json.loads(line) for line in file]
    except OSError:
        return []


def last_lines(text, count=40):
    return '\n'.join('    ' + line for line in text.rstrip('\n').split('\n')[-count:])


def count(folder, show):
    passed = failed = skipped = 0
    cases = cases_of(folder)
    tests = tests_of(folder)
    for test in tests:
        name, result = test['name'], test['result']
        own = cases.get(name, [])
        bad = [case for case, element in own if element.find('failure') is not None]
        left_out = [(case, element.find('skipped')) for case, element in own if element.find('skipped') is not None]
        if result in GOOD or (own and bad):
            passed += max(len(own), 1) - len(bad) - len(left_out)
        failed += len(bad) if own and bad else int(result not in GOOD and result != 'SKIP')
        skipped += len(left_out) + int(result == 'SKIP')
        for case, element in left_out:
            show('  skipped: %s: %s: %s' % (name, case, ' '.join((element.get('message') or '').split())))
        if result == 'SKIP':
            show('  skipped: %s: %s' % (name, ' '.join(test.get('stdout', '').split())))
        elif result not in GOOD:
            show('  failed: %s (%s) %s' % (name, result, ' '.join(bad)))
            show(last_lines(test.get('stdout', '') + test.get('stderr', '')))
    # Nothing tested is no success.
    return Counts(passed, failed if tests else failed + 1, skipped)


def main():
    total_only = '--total' in sys.argv[1:]
    folders = [argument for argument in sys.argv[1:] if argument != '--total']
    show = (lambda text: None) if total_only else print
    parts = [count(folder, show) for folder in folders]
    total = Counts(*map(sum, zip(*parts)))
    print('%s%d passed, %d failed, %d skipped' % ('' if total_only else '  ', *total))
    return 1 if total.failed else 0


if __name__ == '__main__':
    sys.exit(main())
