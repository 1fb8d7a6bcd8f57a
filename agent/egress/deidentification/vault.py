"""What stands for what in one session: typed tokens, aliases of records, and the way back."""

import re
from collections import Counter

from agent.egress.deidentification.spans import CLASSES, Class
from agent.errors import NotPermitted

_CLASS = "|".join(CLASSES)
# A model may drop the brackets, or one of each pair.
TOKEN = re.compile(
    rf"\[{{0,2}}\b(?P<kind>{_CLASS})_(?P<number>\d+)(?:\.(?P<form>\d+)(?!\d))?(?![\w])\]{{0,2}}"
)
BRACKETED = re.compile(r"\[\[[^\[\]\n]{0,60}\]\]")
ALIAS = re.compile(r"(?<![\w/])(?P<type>[A-Z][A-Za-z]{2,40})/(?P<id>r\d+)(?![\w-]|\.\w)")


class Vault:
    """The tokens of one session. No other session knows them, and nothing of them is derived from what they
    stand for.

    `[[PERSON_2]]` is the second person met, `[[PERSON_2.1]]` the same one written in another way, so that
    each goes back to the very words that it came from.
    """

    def __init__(self) -> None:
        self._tokens: dict[tuple[Class, str], str] = {}
        self._texts: dict[str, str] = {}
        self._entities: dict[tuple[Class, str], int] = {}
        self._forms: Counter[tuple[Class, int]] = Counter()
        self._numbers: Counter[Class] = Counter()
        self._aliases: dict[str, str] = {}
        self._refs: dict[str, str] = {}

    def token(self, kind: Class, text: str, entity: str = "") -> str:
        """The token for a text of a class; `entity` is whom or what it means, the text itself where empty."""
        known = self._tokens.get((kind, text))
        if known is None:
            whom = kind, entity or text
            if whom not in self._entities:
                self._numbers[kind] += 1
                self._entities[whom] = self._numbers[kind]
            number = self._entities[whom]
            form = self._forms[kind, number]
            self._forms[kind, number] += 1
            known = f"{kind}_{number}" + (f".{form}" if form else "")
            self._tokens[kind, text], self._texts[known] = known, text
        return f"[[{known}]]"

    def alias(self, ref: str) -> str:
        """`Type/rN` for a record's `Type/id`."""
        if ref not in self._aliases:
            alias = f"{ref.partition('/')[0]}/r{len(self._aliases) + 1}"
            self._aliases[ref], self._refs[alias] = alias, ref
        return self._aliases[ref]

    def ref(self, alias: str) -> str:
        """The record that an alias was given. Raises NotPermitted for any other text."""
        if alias not in self._refs:
            raise NotPermitted(
                f"The hosted model named a record that it was never shown ({alias[:40]!r}): refused."
            )
        return self._refs[alias]

    def restored(self, text: str) -> str:
        """The text with each token and alias as what it stands for. Raises NotPermitted for invented ones."""

        def of_token(match: re.Match[str]) -> str:
            whole = f"{match['kind']}_{match['number']}"
            name = f"{whole}.{match['form']}" if match["form"] else whole
            if name in self._texts:
                return self._texts[name]
            if match["form"] and whole in self._texts and "]" not in match.group():
                return f"{self._texts[whole]}.{match['form']}"  # a full stop without a blank behind it
            raise NotPermitted(
                f"The hosted model used a token that was never issued ({name}); its step is refused."
            )

        for found in BRACKETED.finditer(text):
            if not TOKEN.fullmatch(found.group()):
                raise NotPermitted(
                    "The hosted model used a token that was never issued; its step is refused."
                )
        # At once: what a token stands for may itself look like a token (class TEXT).
        both = re.compile(f"{TOKEN.pattern}|{ALIAS.pattern}")
        return both.sub(lambda match: self.ref(match.group()) if match["id"] else of_token(match), text)

    def mapping(self) -> dict[str, str]:
        """Every token and alias with what it stands for: for the sealed ledger, and for nobody else."""
        return dict(self._texts) | dict(self._refs)
