"""Lists the commands: `python -m src`."""

import ast
from pathlib import Path


def main() -> None:
    """Prints each command with what it does."""
    print("Commands: python -m src.NAME; each has --help.\n")
    here = Path(__file__).parent
    files = {file.stem: file for file in here.glob("[a-z]*.py") if file.stem != "src"}  # which is no command
    files |= {file.parent.name: file for file in here.glob("*/__main__.py")}
    for name, file in sorted(files.items()):
        says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        print(f"  {name:10} {says.split(chr(10) * 2)[0].replace(chr(10), ' ')}")


if __name__ == "__main__":
    main()
