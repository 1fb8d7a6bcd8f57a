"""A stand-in for a hosted model, on loopback, that keeps each byte that reaches it.

It speaks chat completions and Messages. Asked a question, it looks up the HbA1c; told the result, it answers
with the first row of it, in the words of that row. It is no model: it shows what a model could see.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Step = dict[str, Any]
LOOK_UP: Step = {
    "thought": "",
    "actions": [{"tool": "observations", "arguments": {"name": "hba1c", "mode": "latest"}}],
}
_ROW = re.compile(
    r"^(?P<ref>[A-Z]\w+/\S+) \|.*? (?P<day>\d{4}-\d\d-\d\d)T\S+ \| (?P<value>[\d.]+ \S+) ", re.MULTILINE
)


def answer(text: str, *citations: str) -> Step:
    """An answer step."""
    arguments = {"text": text, "citations": list(citations), "status": "answered"}
    return {"thought": "", "actions": [{"tool": "answer", "arguments": arguments}]}


def look_up_and_tell(conversation: str) -> Step:
    """Call the tool; told its result, answer with its first row."""
    _, found, result = conversation.rpartition('Result of observations {"name":"hba1c"')
    row = _ROW.search(result) if found else None
    if row is None:
        return LOOK_UP
    return answer(f"HbA1c was {row['value']} on {row['day']} [{row['ref']}].", row["ref"])


@dataclass
class Standin:
    """What it answers with, what reached it, and how it fails where a test wants that."""

    steps: Callable[[str], Step] = look_up_and_tell
    bodies: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    status: int = 200
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Its base, as `hosted_url` has it."""
        assert self.server
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def seen(self) -> str:
        """All that reached it, as text."""
        return "\n".join([*self.requests, *(body.decode() for body in self.bodies)])

    def __enter__(self) -> "Standin":
        standin = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Nothing: the test's output is its own."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                standin.bodies.append(body)
                standin.requests.append(f"{self.requestline}\n{self.headers}")
                asked = json.loads(body)
                step = standin.steps(_conversation(asked))
                told = _message(step) if self.path.endswith("/messages") else _completion(asked, step)
                if standin.status != 200:
                    told = {"error": {"message": "as the test asked"}}
                written = json.dumps(told).encode()
                self.send_response(standin.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.server
        self.server.shutdown()
        self.server.server_close()


def _conversation(asked: dict[str, Any]) -> str:
    """The texts of a request's turns since the last question."""
    texts = []
    for turn in asked["messages"]:
        content = turn["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts.append("\n".join(part["text"] for part in parts if part["type"] == "text"))
    return "\n".join(texts).rpartition("Question: ")[2]


def _completion(asked: dict[str, Any], step: Step) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": json.dumps(step)}, "finish_reason": "stop"}
    # A thousand tokens, or as many as a server that reads all of it would count.
    usage = {"prompt_tokens": max(1000, len(json.dumps(asked)) // 5), "completion_tokens": 50}
    return {"model": asked["model"], "choices": [choice], "usage": usage}


def _message(step: Step) -> dict[str, Any]:
    return {
        "model": "frontier-1",
        "content": [{"type": "tool_use", "id": "t", "name": "step", "input": step}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 900, "cache_read_input_tokens": 100, "output_tokens": 50},
    }
