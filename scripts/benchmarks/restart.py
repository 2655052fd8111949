"""A start after kill -9 with 10,000 projects waiting: how long until the first request to the model.

Judged against `tale status` on the same queue, in turns with it: both have to look at what waits.
TALE_BENCH_WAITING is the number of projects.
"""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import time

from benchmarks import accepts, household, report
from benchmarks.scale import wait_until_accepted

WAITING = int(os.environ.get("TALE_BENCH_WAITING", "10000"))
ENDED = 1000
ROUNDS = 7
RATIO_MAX = 3


def until_request(tale, env, folder):
    """Seconds from the start of `tale watch` to its first request; then kill -9."""
    server = household.Scripted(hold=True)
    server.config(f"{folder}/config.yaml")
    with open(f"{folder}/watch.log", "ab") as log:
        began = time.monotonic()
        process = subprocess.Popen([tale, "watch"], env=env, stdout=log, stderr=log)
        try:
            return server.asked.get(timeout=300) - began
        finally:
            process.kill()
            process.wait()
            server.close()


def status(tale, env):
    began = time.monotonic()
    subprocess.run([tale, "status"], env=env, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def add_ended(queue, number):
    """Projects in outbox/, as far as the ledger asks for them: each with a journal of its own."""
    pattern = [
        {"event": "accepted", "lane": "", "name": "old.md", "origin": "inbox", "priority": 0,
         "sha256": "0" * 64, "bytes": 10},
        {"event": "moved", "from": "queued", "to": "planning"},
        {"event": "reserved", "call": 1, "purpose": "subtask", "subtask": "1.1", "attempt": 1,
         "role": "task", "model": "scripted", "tokens": 500, "max_tokens": 300, "estimated": 200,
         "strategy": "first"},
        {"event": "settled", "call": 1, "outcome": "answered", "prompt_tokens": 200,
         "completion_tokens": 30, "booked": 230, "milliseconds": 900},
        {"event": "moved", "from": "planning", "to": "running"},
        {"event": "moved", "from": "running", "to": "checking"},
        {"event": "ended", "outcome": "done", "reason": "1 file"},
    ]
    for index in range(number):
        name = f"20200101-000000-old-{1000 + index:04}"
        os.mkdir(f"{queue}/outbox/{name}")
        with open(f"{queue}/outbox/{name}/events.jsonl", "w") as journal:
            for line, event in enumerate(pattern):
                more = {"id": name, "sequence": index} if line == 0 else {}
                journal.write(json.dumps(
                    {"schema": 1, "number": line + 1, "time": "2020-01-01T00:00:00.000Z",
                     **event, **more}, sort_keys=True, separators=(",", ":")) + "\n")


def remove_ledger(folder):
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{folder}/data/tale.db{ending}")


def measure(tale, env, folder, prepare=lambda: None):
    """Medians of the start and of `tale status`, in turns."""
    starts, looks = [], []
    for _ in range(ROUNDS):
        prepare()
        looks.append(status(tale, env))
        starts.append(until_request(tale, env, folder))
    return statistics.median(starts), statistics.median(looks)


def compare(what, start, look):
    report.row(f"{what}: start to first request", f"{start * 1000:.0f}", "ms")
    report.row("  reference: `tale status` on the same queue", f"{look * 1000:.0f}", "ms")
    report.limit("  start against status", start / look, RATIO_MAX, "x")


def run(tale, folder):
    folder = os.path.realpath(folder)
    queue = f"{folder}/queue"
    report.heading(
        f"Start after kill -9 with {WAITING:,} projects waiting, median of {ROUNDS} in turns")
    with household.accepting(tale, folder) as (_, standing):
        names = [f"note-{number:06}" for number in range(WAITING)]
        accepts.move_in([household.prepare(folder, name) for name in names])
        wait_until_accepted(f"{queue}/active", standing + WAITING)
    env = household.environment(folder, f"{folder}/config.yaml")
    # The first start leaves a call open, and the files in the cache of the system.
    until_request(tale, env, folder)
    compare("ledger whole", *measure(tale, env, folder))
    add_ended(queue, ENDED)
    compare(f"ledger deleted, {ENDED:,} projects ended",
            *measure(tale, env, folder, lambda: remove_ledger(folder)))
    said = pathlib.Path(folder, "watch.log").read_text()
    if "cannot" in said:
        print(said[-2000:])
