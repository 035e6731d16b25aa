"""The templates of the pages: each holds its style and figures, runs no script and needs nothing from outside."""

from __future__ import annotations

import jinja2


def template(name: str) -> jinja2.Template:
    """A template of this package. Text from files cannot become markup, and a forgotten value is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sottovoce", "show"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
