"""All commands as a page of Markdown, for the documentation."""

from __future__ import annotations

import re
from inspect import cleandoc

from cyclopts import App
from cyclopts.docs.markdown import generate_markdown_docs

from vdes.cli.app import DEFAULT, application, commands


def reference() -> str:
    """Return the ``--help`` text of every command as Markdown, with one heading per command."""
    app = application()
    for command in commands(app):
        text = cleandoc(command.help).partition("\nArgs:\n")[0].rstrip()
        command.help = "\n\n".join([text, *_paragraphs(command)])
        command.default_parameter = DEFAULT  # the generator does not look for it above a command
    page = generate_markdown_docs(app, heading_level=2, generate_toc=False, no_root_title=True, usage_name="vdes")
    # if run by ``python -m NAME``, as sphinx is, the generator leaves "-m NAME" in the usage of commands
    return re.sub(r"^(vdes [a-z -]+?) -m \S+ ", r"\1 ", page, flags=re.MULTILINE)


def _paragraphs(command: App) -> list[str]:
    """Return the text at the end of a command's help, which the generator leaves out."""
    lines = (command.help_epilogue or "").splitlines()
    return [
        f"```console\n{line.removeprefix('example: ')}\n```" if line.startswith("example: ") else line for line in lines
    ]
