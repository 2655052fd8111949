"""A chat server with scripted answers, in the protocol of OpenAI's streamed chat completions.

The answer is a function of the last user message alone, and holds a hash of all of it: a run whose
prompts differ from another's makes other files. Two things are answered badly at first, so that the
ways behind a refused answer are walked too: a plan (it needs a file that nothing makes) and a file
that ends in .json (it is none); a message that says so gets a good answer.

Each request goes into FOLDER/CASE.jsonl, CASE being the first part of the URL's path: project, task,
the SHA-256 of the message, the tokens by this server's own rule (a quarter of the bytes), and whether
all of the answer was sent.

    model.py FOLDER     prints its port, and ends when its standard input does
"""

import hashlib
import http.server
import json
import os
import re
import sys
import threading

PIECE = 160


def tokens(text):
    return len(text.encode()) // 4 + 1


def usage(messages, answer):
    """Prompt and completion tokens as this server counts them."""
    return sum(tokens(message["content"]) for message in messages), tokens(answer)


def describe(message):
    """The project's title and the task that a message asks for."""
    title = re.search(r"^# (?:Project: )?(.+)$", message, re.M)
    title = title.group(1) if title else ""
    if message.startswith("Plan this project."):
        return title, "plan"
    task = re.search(r"^# Your task now: (\S+)", message, re.M)
    return title, task.group(1) if task else ""


def answer(message):
    """What the model says to a last user message."""
    digest = hashlib.sha256(message.encode()).hexdigest()
    if message.startswith("Plan this project."):
        return json.dumps(plan(first="Your last plan cannot be used" not in message))
    path = re.search(r"content of the file `([^`]+)`", message)
    if path is None:
        return f"A note, made from {digest}."
    if path.group(1).endswith(".json"):
        whole = json.dumps({"made_from": digest})
        return whole if "Your last answer could not be used" in message else whole[:-1]
    lines = [f"{path.group(1)}, line {number} of {digest}" for number in range(1, 9)]
    return "\n".join(lines) + "\n"


def plan(first):
    needs = ["no-such-file.md"] if first else ["first.md"]
    return {
        "goal": "Two files",
        "phases": [
            {
                "title": "Both",
                "subtasks": [
                    {"title": "Write the first", "instructions": "Sum up what came along.",
                     "output": "first.md", "needs": []},
                    {"title": "Write the second", "instructions": "Go on from the first.",
                     "output": "texts/second.md", "needs": needs},
                ],
            }
        ],
    }


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def log(self, case, entry):
        """Written at once: whoever called may be killed before the answer has come."""
        with self.lock, open(os.path.join(self.folder, case + ".jsonl"), "a") as file:
            file.write(json.dumps(entry) + "\n")

    def handle_error(self, request, client_address):
        """Clients are killed in the middle of their calls here."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        case = self.path.strip("/").split("/")[0]
        message = body["messages"][-1]["content"]
        text = answer(message)
        prompt, completion = usage(body["messages"], text)
        project, task = describe(message)
        entry = {
            "project": project, "task": task, "prompt_tokens": prompt,
            "completion_tokens": completion,
            "message": hashlib.sha256(message.encode()).hexdigest(),
        }
        self.server.log(case, entry)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for start in range(0, len(text), PIECE):
            self.event({"choices": [{"delta": {"content": text[start:start + PIECE]}}]})
        self.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        self.event({"choices": [],
                    "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})
        self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()
        self.close_connection = True

    def event(self, value):
        value["model"] = "scripted"
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")


def main():
    server = Server(sys.argv[1])
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
