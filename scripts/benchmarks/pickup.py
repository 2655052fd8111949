"""Pickup: from the rename into the inbox to the project that stands in active/.

The floor is the least that any program could do that takes a drop up as durably: an inotify loop
that answers the event with as many syncs, then a rename.
"""
import os
import pathlib
import threading
import time

from benchmarks import household, report, syncs

DROPS = 50


def accept_syncs(tale, env, folder):
    """Syncs of `tale watch` between the rename into the inbox and that into active/."""
    out = f"{folder}/pickup.trace"
    done = household.Arrivals(f"{folder}/queue/outbox")
    with household.watch(tale, env, folder, syncs.strace(out)):
        begun = len(syncs.lines_of(out))
        household.drop(folder, "note-0")
        done.next()
    done.close()
    trace = syncs.Trace(syncs.lines_of(out)[begun:], f"{folder}/queue")
    count = 0
    for step in trace.steps:
        if step[0] == "rename" and trace.name(step[2]) == "active/ID":
            return count
        count += syncs.is_sync(step)
    raise SystemExit("bench: the trace shows no rename into active/")


class Floor:
    """An inotify loop in a thread of this process."""

    def __init__(self, folder, count):
        self.root, self.count = folder, count
        for name in ("inbox", "staging", "active"):
            os.makedirs(f"{folder}/{name}")
        self.dropped, self.accepted = (
            household.Arrivals(f"{folder}/{name}") for name in ("inbox", "active"))
        self.worker = threading.Thread(target=self.take_up)
        self.worker.start()

    def take_up(self):
        for number in range(DROPS):
            name = self.dropped.next()
            for step in range(self.count):
                descriptor = os.open(
                    f"{self.root}/staging/{step}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.write(descriptor, household.description(number).encode())
                os.fsync(descriptor)
                os.close(descriptor)
            os.rename(f"{self.root}/inbox/{name}", f"{self.root}/active/{name}")

    def drop(self, name):
        """Seconds from the rename into its inbox to its active."""
        source = pathlib.Path(self.root, f"{name}.md")
        source.write_text(household.description(name))
        began = time.monotonic()
        os.rename(source, f"{self.root}/inbox/{name}.md")
        self.accepted.next()
        return time.monotonic() - began

    def close(self):
        self.worker.join()
        self.dropped.close()
        self.accepted.close()


def measured(tale, env, folder, count):
    """Seconds of each drop, of tale and of the floor by turns."""
    floor = Floor(f"{folder}/floor", count)
    accepted = household.Arrivals(f"{folder}/queue/active")
    done = household.Arrivals(f"{folder}/queue/outbox")
    own, least = [], []
    with household.watch(tale, env, folder):
        for number in range(1, DROPS + 1):
            began = household.drop(folder, f"note-{number}")
            accepted.next()
            own.append(time.monotonic() - began)
            # The next drop finds the queue idle, as in the evening.
            done.next()
            least.append(floor.drop(number))
    for watched in (accepted, done, floor):
        watched.close()
    return own, least


def run(tale, folder):
    folder = os.path.realpath(folder)
    report.heading(f"Pickup: rename into the inbox to active/, {DROPS} drops")
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    for name in ("inbox", "active", "outbox"):
        os.makedirs(f"{folder}/queue/{name}")
    count = accept_syncs(tale, env, folder)
    report.row("syncs until the drop stands in active/, seen in this run", count)
    own, least = measured(tale, env, folder, count)
    server.close()
    for name, mine, floor in zip(("median", "99 of 100"), report.times(own), report.times(least)):
        report.row(f"{name}", f"{mine:.1f}", "ms")
        report.row("  floor: inotify, as many syncs, rename", f"{floor:.1f}",
                   f"ms ({mine / floor:.1f}x)")
