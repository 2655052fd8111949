"""Accepts per second: many small descriptions that are moved into the inbox at once.

The floor makes for the same files the same calls that change the disk or sync it, in the same order,
as tale was seen to make them in this run for a batch: folders, renames, removals, syncs, and the
shared ones shared. It parses, hashes, locks and looks at nothing.
"""
import contextlib
import os
import re
import statistics
import time

from benchmarks import household, report, syncs

DROPS = 1_000
ROUNDS = 3
# The size of what tale writes where the floor writes as well.
LINE = b"x" * 250 + b"\n"


# Whatever differs from batch to batch gets the number of the batch as an ending.
OWN = re.compile(r"((?:/inbox|/staging|/active|/failed)/[^/]+)")


class Floor:
    """Repeats, in a folder of its own, what a batch was seen to do to the disk."""

    def __init__(self, folder, trace):
        self.root = folder
        for name in ("inbox", ".tale/staging", "active", "failed"):
            os.makedirs(f"{folder}/{name}")
        self.steps = [
            (call, *(self.template(path, trace.root) for path in paths))
            for call, *paths in trace.of("batch-")]
        # The names under which it expects the drops of a batch in its inbox.
        self.drops = [path for call, path, *_ in self.steps
                      if call == "rename" and "/inbox/" in path]

    def template(self, path, root):
        return OWN.sub(r"\1.%BATCH%", path.replace(root, self.root, 1))

    def drops_of(self, batch):
        return [path.replace("%BATCH%", batch) for path in self.drops]

    def take(self, batch):
        for call, *paths in self.steps:
            paths = [path.replace("%BATCH%", batch) for path in paths]
            if call == "mkdir":
                os.makedirs(paths[0], exist_ok=True)
            elif call == "unlink":
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(paths[0])
            elif call == "rename":
                if not os.path.lexists(paths[0]):
                    os.close(self.written(paths[0]))
                os.rename(*paths)
            else:
                self.sync(paths[0])

    def sync(self, path):
        is_new = not os.path.lexists(path) or path.endswith(".jsonl")
        descriptor = self.written(path) if is_new else os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def written(self, path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(descriptor, LINE)
        return descriptor


def move_in(pairs):
    began = time.monotonic()
    for source, target in pairs:
        os.rename(source, target)
    return began


def tale_seconds(folder, names, standing):
    """From the first rename to the last of them in active/."""
    began = move_in([household.prepare(folder, name) for name in names])
    active = f"{folder}/queue/active"
    household.wait_for(lambda: len(os.listdir(active)) >= standing + len(names),
                       f"the accept of {len(names)} drops", limit=1800)
    return time.monotonic() - began


def floor_seconds(floor, drops, label):
    batches = [f"{label}-{number}" for number in range(drops // syncs.BATCH)]
    pairs = []
    for batch in batches:
        for target in floor.drops_of(batch):
            source = f"{floor.root}/{os.path.basename(target)}"
            with open(source, "w") as file:
                file.write(household.description(label))
            pairs.append((source, target))
    began = move_in(pairs)
    for batch in batches:
        floor.take(batch)
    taken = time.monotonic() - began
    if missing := [name for _, name in pairs if os.path.lexists(name)]:
        raise SystemExit(f"bench: the floor left {len(missing)} drops in its inbox")
    return taken


def measure(tale, folder, drops, rounds):
    trace = syncs.batch(tale, f"{folder}/counted")
    floor = Floor(f"{folder}/floor", trace)
    report.heading(
        f"Accepts per second: {drops:,} descriptions moved in at once, median of {rounds} rounds")
    count = sum(map(syncs.is_sync, floor.steps))
    report.row(f"syncs for each of {syncs.BATCH}, seen in this run", f"{count / syncs.BATCH:.2f}")
    os.makedirs(f"{folder}/tale")
    mine, least = [], []
    with household.accepting(tale, f"{folder}/tale") as (_, standing):
        for number in range(rounds):
            names = [f"round-{number}-{drop:06}" for drop in range(drops)]
            mine.append(drops / tale_seconds(f"{folder}/tale", names, standing + number * drops))
            least.append(drops / floor_seconds(floor, drops, f"round-{number}"))
    report.row("accepted", f"{statistics.median(mine):.0f}", "a second")
    ratio = statistics.median(low / own for low, own in zip(least, mine))
    report.row("  floor: the same changes and syncs, nothing else",
               f"{statistics.median(least):.0f}", f"a second ({ratio:.1f}x)")
    report.row("  the rounds of tale", ", ".join(f"{rate:.0f}" for rate in mine), "a second")
    report.row("  the rounds of the floor", ", ".join(f"{rate:.0f}" for rate in least), "a second")


def run(tale, folder):
    measure(tale, os.path.realpath(folder), DROPS, ROUNDS)


def run_many(tale, folder):
    """Not in the default list: it takes minutes."""
    measure(tale, os.path.realpath(folder), 10_000, 1)
