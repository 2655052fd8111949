"""A household for tale: an environment below one folder, a model server that answers at once, and
watchers that say when a folder of the queue got a new entry."""
import contextlib
import ctypes
import http.server
import json
import os
import pathlib
import queue
import select
import signal
import struct
import subprocess
import threading
import time


def environment(folder, config=None):
    """An environment in which tale works below one folder."""
    keep = {name: os.environ[name] for name in ("PATH", "XDG_CACHE_HOME") if name in os.environ}
    cache = pathlib.Path(os.environ.get("HOME", "/root"), ".cache")
    more = {"TALE_CONFIG": str(config)} if config else {}
    return {
        "XDG_CACHE_HOME": str(cache), **keep, "HOME": folder, "LANG": "C.UTF-8",
        "TALE_QUEUE_ROOT": f"{folder}/queue", "TALE_SYSTEM_DATA_DIR": f"{folder}/data", **more,
    }


class Scripted:
    """An OpenAI-compatible server on a free port of 127.0.0.1 that gives every call the same short
    answer at once, so that what is measured is tale and not a model.

    With `hold` no call is answered before `close`: the first project keeps the runner, and what
    comes after it is accepted and waits. `asked` holds when each call came (time.monotonic).
    """

    def __init__(self, hold=False):
        self.asked = queue.SimpleQueue()
        self.released = threading.Event()
        if not hold:
            self.released.set()
        asked, released = self.asked, self.released
        events = [
            {"choices": [{"delta": {"content": "one\n"}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 400, "completion_tokens": 3}},
        ]
        lines = [json.dumps({"model": "scripted", **event}) for event in events] + ["[DONE]"]
        answer = "".join(f"data: {line}\n\n" for line in lines).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def do_POST(self):
                asked.put(time.monotonic())
                self.rfile.read(int(self.headers["content-length"]))
                released.wait()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                with contextlib.suppress(OSError):  # a stopped tale has hung up
                    self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def config(self, path):
        """Writes a configuration that sends all work here."""
        url = f"http://127.0.0.1:{self.server.server_port}"
        pathlib.Path(path).write_text(
            "models:\n  task_model: scripted\n  ux_model: scripted\n"
            f"  servers:\n    there: {{kind: openai, url: \"{url}\"}}\n"
            "  definitions:\n    scripted: {server: there, context: 8192, slots: 1}\n")
        return path

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Arrivals:
    """Says when something is moved into a folder: inotify, without anything in between."""

    _libc = ctypes.CDLL(None, use_errno=True)
    MOVED_TO = 0x80
    SECONDS_MAX = 600

    def __init__(self, folder, events=MOVED_TO):
        self.descriptor = self._libc.inotify_init1(os.O_CLOEXEC)
        if self._libc.inotify_add_watch(self.descriptor, os.fsencode(folder), events) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(folder))
        self.waiting = []

    def next(self):
        """Waits for the next arrival, and returns its name."""
        if not self.waiting:
            if not select.select([self.descriptor], [], [], self.SECONDS_MAX)[0]:
                raise SystemExit(f"bench: nothing came within {self.SECONDS_MAX} s")
            data = os.read(self.descriptor, 1 << 16)
            while data:
                length = struct.unpack_from("iIII", data)[3]
                self.waiting.append(data[16:16 + length].rstrip(b"\0").decode())
                data = data[16 + length:]
        return self.waiting.pop(0)

    def close(self):
        os.close(self.descriptor)


@contextlib.contextmanager
def watch(tale, env, folder, before=(), options=()):
    """A `tale watch`, ready when the block begins and stopped when it ends.

    Gives the process; with `before` a command runs it (strace), and the process is that command.
    """
    log = open(f"{folder}/watch.log", "wb")
    process = subprocess.Popen(
        [*before, tale, "watch", *options], env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: b"watching" in pathlib.Path(log.name).read_bytes(), "tale watch")
        # It says so before its first look, and lists what is there only then.
        time.sleep(1)
        yield process
    finally:
        # strace passes a signal on that its program gets from the terminal, and none that it gets.
        if process.poll() is None:
            for child in children(process.pid) if before else [process.pid]:
                os.kill(child, signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


@contextlib.contextmanager
def accepting(tale, folder, before=(), mark=""):
    """A `tale watch` that accepts and starts no work, on the queue below `folder`.

    Where it has no option for that, one project keeps it in a call that is never answered.
    Gives the process as ``watch`` does, and how many projects stand in active already.
    """
    server = Scripted(hold=True)
    env = environment(folder, server.config(f"{folder}/config.yaml"))
    env["BENCH_QUEUE"] = mark
    for name in ("inbox", "active", "outbox"):
        os.makedirs(f"{folder}/queue/{name}", exist_ok=True)
    told = subprocess.run([tale, "watch", "--help"], env=env, capture_output=True, text=True)
    options = ["--accept-only"] if "--accept-only" in told.stdout else []
    try:
        with watch(tale, env, folder, before, options) as process:
            if not options:
                if not any(HOLDER in name for name in os.listdir(f"{folder}/queue/active")):
                    drop(folder, HOLDER)
                server.asked.get(timeout=60)
            yield process, 0 if options else 1
    finally:
        server.close()


HOLDER = "bench-holder"


def description(name):
    return f"# {name}\n\n- [ ] Write it -> `it.txt`\n"


def drop(folder, name):
    """Moves a small description into the inbox by a rename, and returns when."""
    source, target = prepare(folder, name)
    began = time.monotonic()
    os.rename(source, target)
    return began


def places(folder, name):
    """Where a description is made ready, beside the inbox, and where it goes."""
    return f"{folder}/queue/.{name}.md", f"{folder}/queue/inbox/{name}.md"


def prepare(folder, name):
    """Writes a small description, and returns its `places`."""
    pathlib.Path(places(folder, name)[0]).write_text(description(name))
    return places(folder, name)


def children(pid):
    return [int(word) for word in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, what, limit=60):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"bench: {what} did not come within {limit} s")
        time.sleep(0.01)
