"""Dispatcher: ``python -m offline COMMAND [options]``; every command is one line of the table below."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    'train': ('.training.command', 'train a recipe, stage by stage, into a run folder'),
    'bench-train': ('.training.bench', 'measure the speed of a recipe and its parts'),
    'synthesize': ('.synthesize.command', 'drive through a procedural street and write images, labels or a rosbag2'),
    'default-bundle': ('.default_bundle.command', 'train the network that comes with the package and write its bundle'),
    'compare': ('.compare.command', 'train every method of a suite with several seeds and write the table'),
    'evaluate': ('.evaluate.command', 'score a bundle or a run on labelled data, with a page to look at'),
    'adopt': ('.weights.command', 'make a bundle of published weights'),
    'export': ('.export.command', 'make a bundle of a run, with replay memory and source statistics, proven on the engine'),
}


def usage() -> str:
    """The list of commands, one a line."""
    lines = [f'  {name:<14} {meaning}' for name, (_, meaning) in COMMANDS.items()]
    return 'usage: python -m offline COMMAND [options]\n\ncommands:\n' + '\n'.join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; 2 where the command is missing or unknown."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ('-h', '--help'):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] not in COMMANDS:
        print(f"error: unknown command '{arguments[0]}'\n\n{usage()}", file=sys.stderr)
        return 2
    module = importlib.import_module(COMMANDS[arguments[0]][0], package='offline')
    return module.main(arguments[1:])


if __name__ == '__main__':
    sys.exit(main())
