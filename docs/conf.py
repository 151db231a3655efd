"""Sphinx: the documentation of vdes. `bash tools/docs.sh` builds it.

The source folder is the project's root, so that a page's links are the same here, on a forge and in an editor, and the
README, the bundles' cards and the notebooks are pages as they are.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import vdes
from vdes.cli.reference import reference

project = "vdes"
author = "The vdes developers"
copyright = "the vdes developers"
release = version = vdes.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/**",
    "notebooks/*.ipynb",
    "bundles/*/docs/README.md",
]
exclude_patterns = [".*", "build", "cache", "dist", "runs", "tests", "tools", "vdes", "*.egg-info", "bundles/*/[!d]*"]

# the reference of the package: a page a module, from its docstrings
apidoc_modules = [
    {
        "path": "../vdes",
        "destination": "docs/reference/api",
        "separate_modules": True,
        "module_first": True,
        "exclude_patterns": ["../vdes/cli"],  # docs/reference/commands.md
        "automodule_options": {"members", "show-inheritance"},
    }
]
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {"ignore-module-all": True}  # what a package passes on is described in its own module
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "py:obj"  # `name` in a docstring is a link where there is such an object

# `low` of a docstring's "low, high" is no link: several classes have a field of that name
suppress_warnings = ["ref.python"]

nb_execution_mode = "off"  # the notebooks' outputs are those that tools/make_notebooks.py made
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"

html_theme = "furo"
html_title = "vdes"
html_additional_pages = {"index": "to_the_start.html"}
templates_path = ["templates"]


class Commands(SphinxDirective):
    """All commands of ``vdes``, as ``--help`` describes them."""

    def run(self) -> list[nodes.Node]:
        """Return the parsed description."""
        return self.parse_text_to_nodes(reference(), allow_section_headings=True)


def setup(app: Sphinx) -> None:
    """Add what Sphinx lacks for this documentation."""
    app.add_directive("commands", Commands)
