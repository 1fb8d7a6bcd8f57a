"""Whether the model that a server names is the one that it was asked for."""

import re

QUANTISATION = re.compile(
    r"(?<![A-Za-z0-9])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|FP8|FP4|NF4|MXFP4|AWQ|GPTQ|INT[48]|[48]-?BIT)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# What servers add to a name: a tag, the day of a snapshot, the parts of a file and its format.
_ADDED = re.compile(
    r"(?<![a-z0-9])(latest|gguf|mlx|20\d\d-?[01]\d-?[0-3]\d|\d{5}-of-\d{5})(?![a-z0-9])", re.IGNORECASE
)


def same_model(asked: str, served: str) -> bool:
    """Whether two names are of one model.

    They are when their words are the same, but for folders and owners before it, a revision (`@...`), the
    tag `latest`, a snapshot's date, a file's format and the quantisation. A size or a variant is never left
    out: `medgemma-4b-it` is not `medgemma-27b-it`, nor is `gpt-6-mini` `gpt-6`.
    """
    return asked == served or _words(asked) == _words(served) != []


def _words(name: str) -> list[str]:
    name = re.split(r"[\\/]", name.rstrip("\\/"))[-1].partition("@")[0]
    return re.findall(r"[^\W_]+", _ADDED.sub(" ", QUANTISATION.sub(" ", name)).casefold())
