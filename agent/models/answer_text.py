"""The text of an answer, read out of a step's JSON while the model still writes it."""

import codecs
import json
import re

# The schema fixes the order of properties, and within a string quotes are escaped: these characters stand
# nowhere else. An answer beside tool calls is no answer, so it must be the first action.
_BEGINNING = re.compile(
    r'"actions"\s*:\s*\[\s*\{\s*"tool"\s*:\s*"answer"\s*,\s*"arguments"\s*:\s*\{\s*"text"\s*:\s*"'
)
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_CHARACTERS = re.compile(
    rf'(?:[^"\\]|{_HIGH}{_LOW}|(?!{_HIGH})\\u[0-9a-fA-F]{{4}}|{_HIGH}(?=[^\\]|\\[^u]|\\u(?![dD][c-fC-F])..)'
    r'|\\["\\/bfnrt])+'
)


class AnswerText:
    """Takes the bytes of a step piece by piece, and returns what of the answer's text they tell."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._unread = ""
        self._within = False
        self._ended = False

    def read(self, piece: bytes) -> str:
        """The characters of the answer's text that are now whole; most often those of `piece`, or none.

        From an escape on that is none in JSON, which a model without a grammar may write, nothing is told.
        """
        self._unread += self._utf8.decode(piece)
        if self._ended:
            return ""
        if not self._within:
            found = _BEGINNING.search(self._unread)
            if not found:
                return ""
            self._within, self._unread = True, self._unread[found.end() :]
        whole = _CHARACTERS.match(self._unread)
        told = whole[0] if whole else ""
        self._unread = self._unread[len(told) :]
        self._ended = self._unread.startswith('"')
        text: str = json.loads(f'"{told}"', strict=False)
        # Half a surrogate pair could be neither printed nor sent.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
