"""Lists the commands: `python -m src`."""

import ast
import difflib
import shlex
import sys
from pathlib import Path


def main() -> None:
    """Prints each command with what it does; for `python -m src train`, what to type."""
    here = Path(__file__).parent
    files = {file.stem: file for file in here.glob("[a-z]*.py") if file.stem != "src"}  # which is no command
    files |= {file.parent.name: file for file in here.glob("*/__main__.py")}
    if (words := sys.argv[1:]) and words[0] not in ("-h", "--help"):
        near = difflib.get_close_matches(words[0].lower().removesuffix(".py"), files, n=1)
        meant = [f"did you mean `{shlex.join(['python', '-m', f'src.{name}', *words[1:]])}`?" for name in near]
        listed = f"no such command; allowed: {', '.join(sorted(files))}"
        print(f"error: {words[0]}: {''.join(meant) or listed}", file=sys.stderr)
        sys.exit(2)
    print("Commands: python -m src.NAME; each has --help.\n")
    for name, file in sorted(files.items()):
        says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        print(f"  {name:10} {says.split(chr(10) * 2)[0].replace(chr(10), ' ')}")


if __name__ == "__main__":
    main()
