"""tale's own share of a night: the time of a project that is not the model's.

One project of eight items on the real default model. From the line `leased` to the rename into
the outbox, less the time in which a call was under way.
"""
import calendar
import json
import os
import pathlib
import subprocess
import time

from benchmarks import household, report

ITEMS = 8
SHARE_PERCENT_MAX = 2
QUIET_WAIT_SECONDS = 180
TOPICS = ["a kettle", "an umbrella", "a bicycle bell", "a door key", "a wool hat", "a lamp",
          "a garden gate", "a pencil"]


def seconds(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{rest or 0}")


def union(intervals):
    """The length of what the intervals cover."""
    covered, end = 0.0, float("-inf")
    for low, high in sorted(intervals):
        covered += max(0.0, high - max(low, end))
        end = max(end, high)
    return covered


def compiles():
    return subprocess.run(["pgrep", "-f", "swift-build|swift-frontend"],
                          stdout=subprocess.DEVNULL).returncode == 0


def wait_for_quiet():
    """A compiler beside the model would make the model slow, and tale look better than it is."""
    end = time.monotonic() + QUIET_WAIT_SECONDS
    while compiles() and time.monotonic() < end:
        time.sleep(2)
    if compiles():
        report.row("  something compiles on this machine: the share is not that of a quiet one", "")


def project(folder, name, items):
    text = f"# {name}\n\n" + "".join(
        f"- [ ] Write three sentences about {TOPICS[number]} -> `text{number + 1}.txt`\n"
        for number in range(items))
    source = pathlib.Path(folder, "queue", f".{name}.md")
    source.write_text(text)
    os.rename(source, pathlib.Path(folder, "queue", "inbox", f"{name}.md"))


def measure(place, arrived):
    leased, sent, calls, told = None, {}, [], 0
    for line in (place / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "leased":
            leased = seconds(event["time"])
        elif event["event"] == "reserved":
            sent[event["call"]] = seconds(event["time"])
        elif event["event"] == "settled":
            calls.append((sent[event["call"]], seconds(event["time"])))
            told += event["milliseconds"] / 1000
    return arrived - leased, union(calls), told, len(calls)


def run(tale, folder):
    report.heading(f"tale's own share of a project of {ITEMS} items on the default model")
    env = household.environment(folder)
    subprocess.run([tale, "init", folder], env=env, check=True, stdout=subprocess.DEVNULL)
    done = household.Arrivals(f"{folder}/queue/outbox")
    with household.watch(tale, env, folder):
        # The first project waits for the model to load.
        project(folder, "warm-up", 1)
        done.next()
        wait_for_quiet()
        project(folder, "eight", ITEMS)
        name = done.next()
        arrived = time.time()
    done.close()
    wall, inside, told, calls = measure(pathlib.Path(folder, "queue", "outbox", name), arrived)
    report.row("wall time", f"{wall:.2f}", "s")
    report.row(f"  reference: the time in its {calls} calls", f"{inside:.2f}", "s")
    report.row("  what the calls themselves say they took", f"{told:.2f}", "s")
    report.limit("tale's own share", (wall - inside) / wall * 100, SHARE_PERCENT_MAX, "%")
