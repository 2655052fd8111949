"""Pickup: from the rename into the inbox to the project that stands in active/.

The floor is the least that any program could do that takes a drop up as durably: an inotify loop
that answers the event with as many syncs, then a rename.
"""
import os
import pathlib
import re
import threading
import time

from benchmarks import household, report
from benchmarks.counts import IS_SYNC, SYNCS

DROPS = 50
TEXT = "# Note {}\n\n- [ ] Write it -> `it.txt`\n"


def drop(folder, number):
    """Puts a description beside the inbox, and returns where it is and where it goes."""
    source = pathlib.Path(folder, "queue", f".note-{number}.md")
    source.write_text(TEXT.format(number))
    return source, pathlib.Path(folder, "queue", "inbox", f"note-{number}.md")


def accept_syncs(tale, env, folder):
    """Syncs of `tale watch` between the rename into the inbox and that into active/."""
    trace = f"{folder}/pickup.trace"
    before = ["strace", "-f", "-qq", "-e", f"trace={SYNCS},rename,renameat,renameat2", "-o", trace]
    done = household.Arrivals(f"{folder}/queue/outbox")
    with household.watch(tale, env, folder, before):
        begun = len(pathlib.Path(trace).read_text().splitlines())
        os.rename(*drop(folder, 0))
        done.next()
    done.close()
    count = 0
    for line in pathlib.Path(trace).read_text().splitlines()[begun:]:
        if re.search(r"rename.*/\.tale/staging/[^/\"]+\", .*/active/", line):
            return count
        count += bool(IS_SYNC.search(line))
    raise SystemExit("bench: the trace shows no rename into active/")


def tale_times(tale, env, folder):
    taken = []
    accepted = household.Arrivals(f"{folder}/queue/active")
    done = household.Arrivals(f"{folder}/queue/outbox")
    with household.watch(tale, env, folder):
        for number in range(1, DROPS + 1):
            source, target = drop(folder, number)
            began = time.monotonic()
            os.rename(source, target)
            accepted.next()
            taken.append(time.monotonic() - began)
            # The next drop finds the queue idle, as in the evening.
            done.next()
    accepted.close()
    done.close()
    return taken


def floor_times(folder, syncs):
    places = {name: f"{folder}/floor/{name}" for name in ("inbox", "staging", "active")}
    for place in places.values():
        os.makedirs(place)
    dropped, accepted = (household.Arrivals(places[name]) for name in ("inbox", "active"))

    def take_up():
        for number in range(DROPS):
            name = dropped.next()
            for step in range(syncs):
                path = f"{places['staging']}/{step}"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.write(descriptor, TEXT.format(number).encode())
                os.fsync(descriptor)
                os.close(descriptor)
            os.rename(f"{places['inbox']}/{name}", f"{places['active']}/{name}")

    worker = threading.Thread(target=take_up)
    worker.start()
    taken = []
    for number in range(DROPS):
        source = pathlib.Path(folder, "floor", f"{number}.md")
        source.write_text(TEXT.format(number))
        began = time.monotonic()
        os.rename(source, f"{places['inbox']}/{number}.md")
        accepted.next()
        taken.append(time.monotonic() - began)
    worker.join()
    return taken


def run(tale, folder):
    report.heading(f"Pickup: rename into the inbox to active/, {DROPS} drops")
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    os.makedirs(f"{folder}/queue/inbox")
    os.makedirs(f"{folder}/queue/active")
    os.makedirs(f"{folder}/queue/outbox")
    syncs = accept_syncs(tale, env, folder)
    report.row("syncs until the drop stands in active/", syncs)
    own = report.times(tale_times(tale, env, folder))
    floor = report.times(floor_times(folder, syncs))
    server.close()
    for name, mine, least in zip(("median", "99 of 100"), own, floor):
        report.row(f"{name}", f"{mine:.1f}", "ms")
        report.row("  floor: inotify, as many syncs, rename", f"{least:.1f}",
                   f"ms ({mine / least:.1f}x)")
