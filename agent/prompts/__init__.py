"""The texts that models and people are told, each in a file beside this one."""

from importlib.resources import files
from string import Template


def prompt(name: str, **values: str) -> str:
    """A text of this folder, its placeholders filled in."""
    text = (files("agent") / "prompts" / f"{name}.txt").read_text(encoding="utf-8").strip()
    return Template(text).substitute(values)
