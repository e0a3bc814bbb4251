"""What `import src` finds in `python src/train.py`, where it can't be the package: says how to start a command."""

import sys
from pathlib import Path

_command = Path(sys.argv[0])
print(
    f"error: {_command}: start it from {_command.absolute().parent.parent}, as: python -m src.{_command.stem}",
    file=sys.stderr,
)
sys.exit(2)
