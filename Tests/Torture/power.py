"""Lets tale recover from every state that a loss of power may leave.

A run is recorded once: from the first look into an empty queue, through accepting, planning, calls and
commits, to the delivery (git and SQLite included). At each sync of the recording, the last instant at
which most is not on disk yet, disk.py builds the states that a file system may legally leave. Each
state that is really another one is put into a folder of its own; tale drains the queue there, and then
the invariants are checked.

    power.py                  what fits into the time (--seconds), chosen by --seed: one state of each
                              kind first, then at random
    power.py --all            every state; takes hours
    power.py --recording FOLDER --state NAME
                              one state again; a violation prints this line

Some of the recordings are of two runs, the first of which is killed: what it had not synced is pending
still when the second one relies on it.

A state is named NUMBER:SUBSET, as in 240:but-231: at the sync that is line 240 of the recording, all
that is pending was on disk but the change of line 231. disk.py has the subsets.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time

import check
import disk as disks
import torture
from recording import SYNCS, Recording
from scene import DROPS

# MARK: The choice


class State(collections.namedtuple("State", "number subset stratum")):
    @property
    def name(self):
        return f"{self.number}:{self.subset}"


def all_states(recording):
    """Every name of a state, with what kind of state it is."""
    last = recording.begin
    for number, record, disk in recording.syncs():
        at = disks.place_of(os.path.relpath(record["path"], recording.root))
        paths = {step.label: disks.place_of(step.path) for step in disk.pending}
        for subset, _ in disks.choices(disk.pending, last):
            family, _, rest = subset.partition("-")
            step, _, _ = rest.partition("-")
            # A subset of a step is of another kind for another path, not for another sync.
            kind = (family, paths[step]) if step else (family, at, record["op"])
            yield State(number, subset, kind)
        last = number


def in_order(states, seed):
    """One of each kind first, then a second of each, and so on."""
    chance = random.Random(seed)
    kinds = collections.defaultdict(list)
    for state in states:
        kinds[state.stratum].append(state)
    if not kinds:
        return []
    turns = []
    # Of whole subsets, which tell most, two for each that is about one change.
    for is_whole in (True, False):
        lists = [states for states in kinds.values() if ("-" not in states[0].subset) == is_whole]
        for states in lists:
            chance.shuffle(states)
        chance.shuffle(lists)
        depth = max(map(len, lists), default=0)
        turns.append([states[turn] for turn in range(depth) for states in lists
                      if turn < len(states)])
    whole, parts = map(collections.deque, turns)
    order = []
    while whole or parts:
        for source, count in ((whole, 2), (parts, 1)):
            order += [source.popleft() for _ in range(min(count, len(source)))]
    return order


# MARK: Recovery


def answered_on_disk(disk):
    """How many answered calls are in the journals, as far as these are on disk for sure."""
    journals = {}
    for path, (kind, node, content) in disk.build(lambda step: None).entries.items():
        if kind == "file" and re.fullmatch(r"queue/(active|outbox|failed)/[^/]+/events.jsonl", path):
            # A project that is being moved may be found under both names.
            journals[node] = content.count(b'"outcome":"answered"')
    return sum(journals.values())


class Replayer:
    """Lets tale recover from states, and checks what comes of it."""

    def __init__(self, recording, harness, plant, keep):
        self.recording, self.harness, self.plant, self.keep = recording, harness, plant, keep
        self.lock = threading.Lock()
        self.seen = set()
        self.bad = []
        self.violations = collections.Counter()
        self.says = True

    def job(self, state, disk, chosen):
        """The recovery from a state; to be made while the disk stands at its sync."""
        tree = disk.build(chosen)
        answered = answered_on_disk(disk)
        return lambda: self._recover(state, tree, answered)

    def _recover(self, state, tree, answered):
        scene = self.harness.scene()
        with open(os.path.join(scene.root, "config.yaml")) as file:
            config = file.read()
        shutil.rmtree(scene.root)
        os.mkdir(scene.root)
        tree.write(scene.root)
        with open(os.path.join(scene.root, "config.yaml"), "w") as file:
            file.write(config)
        problems = self._problems(state, scene, answered)
        if problems:
            with self.lock:
                self.bad.append(state)
                self.violations.update({text.split(":")[0] for text in problems})
                if self.says:
                    self._say(state, problems)
        if not self.keep:
            scene.remove()

    def _say(self, state, problems):
        print(f"VIOLATION {state.name} ({'; '.join(state.stratum)})", *problems, sep="\n  ")
        print(f"  again: {sys.executable} {sys.argv[0]} --tale {self.harness.tale} "
              f"--recording {self.recording.folder} --state {state.name}", flush=True)

    def _problems(self, state, scene, answered):
        # Nothing that is on the disk may contradict itself, but for what is only for people:
        # progress.json is whole again when the next run has begun.
        problems = [text for text in check.after_crash(scene.root, DROPS)
                    if not text.startswith("receipt:")]
        before = self.recording.called_before(state.number)
        done = check.finished(scene.root)
        last = scene.drain(self.plant)
        if last.hung or last.code:
            problems.append(f"exit: tale drain ended with {last.code}: {last.errors[-600:]}")
        calls = self.harness.calls(scene)
        # An answer that the journal on disk has is never bought again.
        left = self.recording.needed - answered
        if len(calls) > left:
            problems.append(f"repeated: {len(calls)} calls after the loss, {left} were left")
        return problems + check.at_rest(
            scene.root, DROPS, self.harness.reference, before + calls, (done, len(before)),
            allowed=1 + bool(self.recording.kill))


def run(recording, states, replayer, workers, deadline):
    """Recovers from states, in the order of the recording; says how many were really others."""
    wanted = collections.defaultdict(set)
    for state in states:
        wanted[state.number].add(state.subset)
    by_name = {state.name: state for state in states}
    ran = 0
    room = threading.Semaphore(4 * workers)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        jobs = []
        last = recording.begin
        for number, _, disk in recording.syncs():
            for subset, chosen in disks.choices(disk.pending, last):
                if subset not in wanted[number]:
                    continue
                digest = (disk.digest(chosen), len(recording.called_before(number)))
                if digest in replayer.seen or time.monotonic() > deadline:
                    continue
                replayer.seen.add(digest)
                room.acquire()
                job = pool.submit(replayer.job(by_name[f"{number}:{subset}"], disk, chosen))
                job.add_done_callback(lambda _: room.release())
                jobs.append(job)
                ran += 1
            last = number
        for job in jobs:
            job.result()
    return ran


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tale", default=".build/torture/release/tale")
    parser.add_argument("--all", action="store_true", help="every state")
    parser.add_argument("--seconds", type=int, default=240, help="how long to recover from states")
    parser.add_argument("--limit", type=int, help="recover from this many states at most")
    parser.add_argument("--kills", type=int, default=4, metavar="N",
                        help="recordings with a kill before the loss")
    parser.add_argument("--kill", type=int, metavar="N", help="only this one: before call N")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--recording", metavar="FOLDER", help="of an earlier run")
    parser.add_argument("--state", action="append", metavar="NAME", help="only this one")
    parser.add_argument("--only", metavar="PATTERN", help="only states whose kind matches")
    parser.add_argument("--plant", metavar="BUG", help="plant a bug, as controls.py does")
    parser.add_argument("--keep", action="store_true", help="leave the households there")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    seed = torture.seed_of(arguments)
    # In memory: syncs cost nothing there, and what they promise is this program's matter.
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="power-", dir=parent)
    harness = torture.Torture(arguments.tale, folder)
    code = 2
    try:
        code = replay(harness, arguments, seed)
        return code
    finally:
        harness.close()
        if arguments.keep or code:
            print(f"power: the recording is in {folder}")
        else:
            shutil.rmtree(folder)


def replay(harness, arguments, seed):
    plant = {"PLANTED_BUG": arguments.plant} if arguments.plant else {}
    harness.record()
    chance = random.Random(seed)
    start = time.monotonic()
    if arguments.recording:
        recordings = [Recording(arguments.recording)]
    else:
        recordings = recorded(harness, arguments, plant, chance)
    tally = collections.Counter()
    violations = collections.Counter()
    for turn, recording in enumerate(recordings):
        replayer = Replayer(recording, harness, plant, arguments.keep)
        # Most of the time goes to the one without a kill, which comes first.
        left = arguments.seconds - (time.monotonic() - start)
        share = 1 if arguments.recording or arguments.kill or not arguments.kills else (
            0.6 if turn == 0 else 1 / (arguments.kills + 1 - turn))
        if arguments.all or arguments.state:
            left, share = float("inf"), 1
        work(recording, replayer, arguments, chance.randrange(1 << 32), left * share, tally)
        violations += replayer.violations
        if not replayer.bad and recording.folder.startswith(harness.folder):
            shutil.rmtree(recording.folder)
    print(f"power: {tally['syncs']} syncs, {tally['subsets']} subsets, {tally['ran']} different states "
          f"recovered from, {tally['bad']} of them bad in {time.monotonic() - start:.0f} s "
          f"(seed {seed})")
    for name, number in violations.most_common():
        print(f"power: {name}: {number} states")
    return 1 if tally["bad"] else 0


def recorded(harness, arguments, plant, chance):
    """A recording without a kill, and some with one."""
    def make(name, kill):
        place = os.path.join(harness.folder, name)
        os.mkdir(place)
        return Recording.make(place, harness, plant, kill)

    if arguments.kill:
        yield make("recording", arguments.kill)
        return
    whole = make("recording", None)
    # Right before a sync, where most is left undone; each time at another file.
    kinds = collections.defaultdict(list)
    for record in whole.records:
        if record["op"] in SYNCS:
            kinds[disks.place_of(os.path.relpath(record["path"], whole.root))].append(record["n"])
    yield whole
    for kind in chance.sample(sorted(kinds), min(arguments.kills, len(kinds))):
        yield make(f"recording-{kinds[kind][0]}", chance.choice(kinds[kind]))


def work(recording, replayer, arguments, seed, seconds, tally):
    """Recovers from the states of one recording."""
    states = list(all_states(recording))
    syncs = sum(record["op"] in SYNCS for record in recording.records[recording.begin :])
    killed = f" after a kill before call {recording.kill}" if recording.kill else ""
    print(f"power: {len(recording.records) - recording.begin} calls{killed}, {syncs} syncs, "
          f"{len(states)} subsets of {len({state.stratum for state in states})} kinds", flush=True)
    tally.update(syncs=syncs, subsets=len(states))
    if arguments.state:
        states = [state for state in states if state.name in arguments.state]
    if arguments.only:
        pattern = re.compile(arguments.only)
        states = [state for state in states if pattern.search("; ".join(state.stratum))]
    if not arguments.all:
        states = in_order(states, seed)
    if arguments.list:
        return show(states)
    start = time.monotonic()
    deadline = start + seconds
    ran = taken = 0
    # A few first, to see how long one takes.
    count = len(states) if arguments.all else 40
    while taken < len(states) and time.monotonic() < deadline:
        if arguments.limit:
            count = min(count, arguments.limit - ran)
        if count <= 0:
            break
        ran += run(recording, states[taken : taken + count], replayer, arguments.workers, deadline)
        taken += count
        spent = time.monotonic() - start
        print(f"power: {ran} states, {len(replayer.bad)} of them bad, {spent:.0f} s", flush=True)
        count = max(40, int(ran / spent * min(60, max(0, deadline - time.monotonic()))))
    tally.update(ran=ran, bad=len(replayer.bad))


def show(states):
    counts = collections.Counter(state.stratum for state in states)
    for kind, count in sorted(counts.items()):
        print(f"{count:7} {'; '.join(kind)}")


if __name__ == "__main__":
    sys.exit(main())
