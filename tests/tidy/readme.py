"""The program that the README shows is the example of that name, and every page the documentation links to exists."""

import pathlib
import re
import sys


def problems(root):
    readme = (root / "README.md").read_text()
    shown = re.search(r"```c\n(.*?)```", readme, re.DOTALL)
    program = (root / "docs/examples/echo_server.c").read_text()
    if not shown or shown.group(1).strip() != program.strip():
        yield "README.md: the program differs from docs/examples/echo_server.c"
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(root)}: links to {target}, which does not exist"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
