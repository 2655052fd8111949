"""Plants one deliberate bug after the other in tale (a debug build), and sees that the harness finds
each by the invariant that it breaks. A harness that finds nothing proves nothing.

    controls.py --tale .build/torture/release/tale [--bug NAME ...]

The bugs are those of Sources/TaleSystem/Plant.swift; each has an entry here. How one is to be found:

    Plain()               an undisturbed run leaves the damage
    Kill(call, path)      a kill at such calls, then a run without
    Fail(call, path, error)   such a call fails
    Power(kinds)          a loss of power: states of these kinds (power.py --list shows them)

Exit codes: 0 each was found, 1 one was not, 2 it could not be run.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass

import check
import power
import torture
from disk import place_of
from scene import DROPS, Scene

# Cases that are tried at most for one bug.
TRIES = 24


@dataclass
class Plain:
    def find(self, hunt):
        scene = hunt.scene()
        run = scene.drain()
        hunt.see("an undisturbed run", [f"exit: {run.code}"] * bool(run.code) + check.at_rest(
            scene.root, DROPS, hunt.harness.reference, hunt.harness.calls(scene), allowed=0))
        scene.remove()


@dataclass
class Kill:
    """At each call of this name whose path (without what differs from run to run) matches."""

    call: str
    path: str
    how: str = ""

    def cases(self, record):
        yield f"kill={record['site']}@{record['at']}" + (f":{self.how}" if self.how else "")

    def find(self, hunt):
        cases = []
        for record in hunt.record():
            path = place_of(os.path.relpath(record["path"], hunt.root))
            if record["op"] == self.call and re.search(self.path, path):
                cases += self.cases(record)
        step = max(1, len(cases) // TRIES)
        for case in cases[::step]:
            scene = hunt.scene()
            hunt.see(case, hunt.harness.torture(scene, case).violations)
            scene.remove()
            if hunt.has_found:
                return


@dataclass
class Fail(Kill):
    error: str = "ENOSPC:stay"

    def cases(self, record):
        yield f"fail={record['site']}@{record['at']}:{self.error}"


@dataclass
class Power:
    kinds: str

    def find(self, hunt):
        place = os.path.join(hunt.harness.folder, f"recording-{hunt.bug}")
        os.mkdir(place)
        recording = power.Recording.make(place, hunt.harness, hunt.plant)
        replayer = power.Replayer(recording, hunt.harness, hunt.plant, keep=False)
        replayer.says = False
        states = [state for state in power.all_states(recording)
                  if re.search(self.kinds, "; ".join(state.stratum))]
        states = power.in_order(states, seed=1)[: 4 * TRIES]
        for start in range(0, len(states), 8):
            power.run(recording, states[start : start + 8], replayer, hunt.workers, float("inf"))
            hunt.see(replayer.bad[0].name if replayer.bad else "", [
                f"{name}:" for name in replayer.violations])
            if hunt.has_found:
                break
        shutil.rmtree(place)


# What finds which bug, and the invariant by which: check.py's, and torture.py's `exit` and `message`.
CONTROLS = {
    "unsynced-folders": (Power("^none; "), "standing"),
    "unsynced-journal": (Power("^none; .*(drafts|work/.git)"), "books"),
    "unsynced-git": (Power("^(none|names); .*(refs/heads|notes/events.jsonl)"), "git"),
    "unsynced-answer": (Power("^none; .*work/.git"), "repeated"),
    "fatal-torn-line": (Kill("write", "active/.*events.jsonl", "half"), "exit"),
    "kept-torn-line": (Kill("write", "active/.*events.jsonl", "half"), "journal"),
    "kept-staging": (Kill("rename", "staging/"), "standing"),
    "unnoted-delivery": (Plain(), "delivery"),
    "unlisted-drops": (Kill("rename", r"staging/ID-notes.drop"), "standing"),
    "delivery-before-end": (Kill("write", "outbox/.*events.jsonl"), "ended"),
    "delivery-by-copy": (Kill("open", "outbox/"), "standing"),
    "kept-lease": (Plain(), "litter"),
    "refund-at-restart": (Kill("write", r"\.drafts/"), "books"),
    "uncapped-budget": (Plain(), "cap"),
    "forgotten-state": (Kill("write", r"\.drafts/2"), "repeated"),
    "bought-again": (Power("^none; .*work/.git"), "repeated"),
    "kept-git-lock": (Kill("rename", r"heads/main\.lock"), "exit"),
    "kept-stray": (Power("^(names|zeros); .*work/"), "parity"),
    "unwritten-index": (Plain(), "git"),
    "ledger-gap": (Plain(), "ledger"),
    "short-bill": (Kill("write", r"\.drafts/"), "receipt"),
    "torn-progress": (Kill("write", r"active/.*progress\.json", "half"), "receipt"),
    "silent-failure": (Fail("open", r"\.drafts/"), "message"),
}


class PlantedScene(Scene):
    """A household whose tale has the bug, at each run."""

    plant = {}

    def environment(self, more=()):
        return {**super().environment(more), **self.plant}


class Hunt:
    """The search for one bug."""

    def __init__(self, bug, control, harness, workers):
        self.bug, self.harness, self.workers = bug, harness, workers
        self.way, self.invariant = control
        self.plant = {"PLANTED_BUG": bug}
        self.by = None
        self.others = set()
        self.tries = 0
        self.root = None

    @property
    def has_found(self):
        return self.by is not None

    def scene(self):
        made = self.harness.scene()
        scene = PlantedScene(made.root, made.tale, made.url, made.case)
        scene.plant = self.plant
        return scene

    def record(self):
        """The calls of an undisturbed run with the bug."""
        scene = self.scene()
        self.root = scene.root
        recording = os.path.join(self.harness.folder, f"calls-{self.bug}")
        scene.drain(self.harness.preloaded(scene, record=recording))
        scene.remove()
        with open(recording) as file:
            return [json.loads(line) for line in file]

    def see(self, case, violations):
        self.tries += 1
        found = {text.split(":")[0] for text in violations}
        self.others |= found
        if self.invariant in found:
            self.by = case

    def run(self):
        self.way.find(self)
        return self


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tale", default=".build/torture/release/tale")
    parser.add_argument("--bug", action="append", choices=sorted(CONTROLS))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def main():
    arguments = read_arguments()
    if not os.access(arguments.tale, os.X_OK):
        sys.exit(f"controls: there is no {arguments.tale}; build it first")
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="controls-", dir=parent) as folder:
        harness = torture.Torture(arguments.tale, folder)
        try:
            harness.record()
            hunts = [Hunt(bug, CONTROLS[bug], harness, 1) for bug in arguments.bug or CONTROLS]
            random.Random(1).shuffle(hunts)
            missed = 0
            with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
                for job in concurrent.futures.as_completed(
                        [pool.submit(hunt.run) for hunt in hunts]):
                    missed += tell(job.result())
        finally:
            harness.close()
    print(f"controls: {len(hunts)} bugs planted, {len(hunts) - missed} found")
    return 1 if missed else 0


def tell(hunt):
    if hunt.has_found:
        print(f"controls: {hunt.bug}: found by {hunt.invariant} ({hunt.by})", flush=True)
        return 0
    print(f"NOT FOUND {hunt.bug} in {hunt.tries} tries; expected {hunt.invariant}, other "
          f"violations: {', '.join(sorted(hunt.others)) or 'none'}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
