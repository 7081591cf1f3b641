"""C and C++ text without what is not code."""

import re

_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def code_of(text):
    """The text with comments and literals blanked, and every line where it was."""

    def blank(match):
        found = match.group()
        if found[0] == "'" and match.start() > 0 and text[match.start() - 1].isalnum():
            return found  # a digit separator
        if found[0] in '"\'':
            return found[0] + re.sub(r'[^\n]', ' ', found[1:-1]) + found[0]
        return re.sub(r'[^\n]', ' ', found)

    return _TOKEN.sub(blank, text)
