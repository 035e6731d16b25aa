"""Run the commands of README.md marked `<!-- run -->`, in order, in a copy of the environment a reader has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commands(text: str) -> list[str]:
    """The lines of every block that follows the mark."""
    blocks = re.findall(r"<!-- run -->\n+```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]


def main() -> int:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = commands(text)
    if not found:
        print("README.md has no commands to run")
        return 1
    environment = os.environ | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}
    for command in found:
        if command.partition("#")[0].strip() == "make test":  # done before this
            continue
        print(f"$ {command}", flush=True)
        if subprocess.run(["bash", "-ec", command], cwd=ROOT, env=environment, check=False).returncode:
            return 1
    for program in re.findall(r"<!-- python -->\n+```python\n(.*?)```", text, flags=re.DOTALL):
        if subprocess.run([ROOT / ".venv/bin/python", "-c", program], cwd=ROOT, check=False).returncode:
            return 1
    print(f"{len(found)} commands of README.md ran")
    return 0


if __name__ == "__main__":
    sys.exit(main())
