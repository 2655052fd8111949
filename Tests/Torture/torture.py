"""Tortures tale: kills it at every call that changes or syncs a file, lets every such call fail, and
holds the invariants of the design (check.py) against what is left and what comes of it.

    torture.py --tale .build/torture/release/tale [--sites | --all] [--workers N] [--seed N]
    torture.py --tale .build/torture/release/tale --at CASE [--at CASE ...] [--keep FOLDER]

An undisturbed run says what there is to hit. Each case is a household of its own: a run with one
fault, then a run without, to the end. --sites takes each distinct call site once, with one error by
turns; --all takes every call, and every error at every site. A violation is printed with the command
that replays it. Exit codes: 0 no violation, 1 violations, 2 it could not be run.

A CASE is kill=CALL[:half|after] or fail=CALL:ERROR[:once|stay], with CALL as in faults.c; several with
+ between them strike one run after the other.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

import check
from scene import DROPS, ID, Scene

HERE = os.path.dirname(os.path.abspath(__file__))
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EMFILE", "ENOMEM")
# Which a call may give; as in faults.c, which refuses to count anything else for `stay`.
CREATING = ERRORS
WRITING = ("ENOSPC", "EIO", "EDQUOT")
NAMING = ("ENOSPC", "EIO", "EDQUOT", "ENOMEM")
FAILURES = {
    "write": WRITING, "allocate": WRITING, "fsync": WRITING, "fdatasync": WRITING,
    "mkdir": NAMING, "rename": NAMING, "link": NAMING, "symlink": NAMING,
    "unlink": ("EIO", "ENOMEM"), "rmdir": ("EIO", "ENOMEM"), "chmod": ("EIO", "ENOMEM"),
    "chown": ("EIO", "ENOMEM"), "utimens": ("EIO", "ENOMEM"), "truncate": ("EIO",),
    "msync": ("EIO",), "mmap": ("ENOMEM",), "read": ("EIO",),
    "opendir": ("EIO", "EMFILE", "ENOMEM"),
}
OPENING = ("EIO", "EMFILE", "ENOMEM")
O_CREAT = os.O_CREAT

# In the C library's, SQLite's and GRDB's words.
WORDS = {
    "ENOSPC": ("No space left on device", "database or disk is full"),
    "EIO": ("Input/output error", "disk I/O error"),
    "EDQUOT": ("Disk quota exceeded", "disk I/O error"),
    "EMFILE": ("Too many open files", "unable to open database file", "disk I/O error"),
    "ENOMEM": ("Cannot allocate memory", "out of memory", "disk I/O error",
               "unable to open database file"),
}
# Calls in which a start has mended what a crash left, and is about its work again.
RECOVERY_CALLS = 80
EXIT_CODES = {0, 1, 3, 69, 73}


class Torture:
    """The parts that all cases share: library, server, reference."""

    def __init__(self, tale, folder):
        self.tale = os.path.abspath(tale)
        self.folder = os.path.realpath(folder)
        self.preload = os.path.join(self.folder, "faults.so")
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O2", "-fPIC", "-shared", "-Wall", "-Werror", "-o",
             self.preload, os.path.join(HERE, "faults.c"), "-ldl"], check=True)
        self.logs = os.path.join(self.folder, "calls")
        os.mkdir(self.logs)
        self.server = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "model.py"), self.logs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.server.stdout.readline())}"
        self.number = 0
        self.lock = threading.Lock()
        self.reference = None

    def close(self):
        self.server.stdin.close()
        self.server.wait()

    def scene(self):
        with self.lock:
            self.number += 1
            number = self.number
        scene = Scene(os.path.join(self.folder, f"case-{number}"), self.tale, self.url,
                      f"case-{number}")
        scene.make()
        return scene

    def calls(self, scene):
        path = os.path.join(self.logs, scene.case + ".jsonl")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return [json.loads(line) for line in file.read().splitlines() if line]

    def preloaded(self, scene, **settings):
        return {"LD_PRELOAD": self.preload, "TORTURE_ROOT": scene.root,
                **{"TORTURE_" + name.upper(): value for name, value in settings.items()}}

    def record(self):
        """An undisturbed run with everything that it calls; becomes what others are held against."""
        scene = self.scene()
        recording = os.path.join(self.folder, f"recording-{scene.case}")
        run = scene.drain(self.preloaded(scene, record=recording, reads="1"))
        if run.code or run.errors:
            raise SystemExit(f"the undisturbed run ended with {run.code}: {run.errors}")
        if self.reference is None:
            self.reference = check.remember(scene.root)
        violations = check.at_rest(
            scene.root, DROPS, self.reference, self.calls(scene), allowed=0)
        if violations:
            raise SystemExit("an undisturbed run violates:\n" + "\n".join(violations))
        scene.remove()
        with open(recording) as file:
            return [call for call in map(json.loads, file) if call["op"] != "mapped"]

    # ---- One case ----

    def run(self, spec, keep=None):
        """Violations of a case, and whether its fault struck at all."""
        scene = self.scene()
        try:
            return self.torture(scene, spec)
        finally:
            if keep:
                shutil.copytree(scene.root, os.path.join(keep, re.sub(r"\W+", "-", spec)),
                                symlinks=True, dirs_exist_ok=True)
            scene.remove()

    def torture(self, scene, spec):
        outcome = Outcome(spec)
        before = None
        for fault in spec.split("+"):
            before = self.strike(scene, fault, outcome)
        last = scene.drain()
        if last.hung or last.code:
            outcome.violations.append(
                f"exit: the run afterwards ended with {last.code}: {last.errors[-600:]}")
        calls = self.calls(scene)
        violations = check.at_rest(
            scene.root, DROPS, self.reference, calls, before, allowed=len(spec.split("+")))
        if "fail=" in spec and outcome.where.get("op") in ("unlink", "rmdir"):
            # What the disk refuses to remove is there.
            kept = ID.sub(lambda match: f"ID-{match.group(1)}", outcome.where["path"])
            violations = [text for text in violations if not (
                text.startswith("litter: ") and kept.endswith(text[8:].split(" was ")[0]
                                                              .partition("/ID-")[2]))]
        outcome.violations += violations
        outcome.repeats = len(calls) - len({call["message"] for call in calls})
        return outcome

    def strike(self, scene, fault, outcome):
        """A run with one fault, and the look at what it left; what was done by then."""
        kind, what = fault.split("=", 1)
        report = os.path.join(self.folder, scene.case + ".report")
        run = scene.drain(self.preloaded(scene, report=report, **{kind: what}))
        with open(report) as file:
            struck = file.read()
        os.unlink(report)
        violations = outcome.violations
        if run.hung:
            violations.append(f"exit: it hung with the fault: {run.errors[-300:]}")
        elif kind == "kill":
            if struck and run.code != -9:
                violations.append(f"exit: {run.code} instead of a kill")
        elif run.code not in EXIT_CODES:
            violations.append(f"exit: {run.code} is no exit code of tale: {run.errors[-600:]}")
        violations += check.after_crash(scene.root, DROPS)
        if kind == "fail" and struck:
            violations += self.said(scene, run, what.split(":")[1])
        if struck:
            outcome.where = json.loads(struck)
        outcome.struck = bool(struck)
        outcome.errors += run.errors
        return check.finished(scene.root), len(self.calls(scene))

    def said(self, scene, run, error):
        """Work that was left undone is said, with what refused and which file."""
        undone = [project for project in check.projects(scene.root) if project.place == "active"]
        waiting = [name for name in DROPS
                   if os.path.lexists(os.path.join(scene.queue, "inbox", name))]
        if not undone and not waiting and run.code == 0:
            return
        # A folder that a disk refuses to read stays where it is, with the reason.
        if run.code == 0 and "ignored in the inbox" not in run.errors:
            yield f"message: {undone or waiting} was left undone with exit code 0: {run.errors[-300:]}"
        # libgit2 takes an object that cannot be read for one that is not there, and SQLite a page
        # for a damaged one.
        theirs = "libgit2" in run.errors or "SQLite" in run.errors
        if not theirs and not any(words in run.errors for words in WORDS[error]):
            yield f"message: {error} is not said: {run.errors[-300:]!r}"
        if scene.root not in run.errors and "the ledger" not in run.errors:
            yield f"message: no file is named: {run.errors[-300:]!r}"


class Outcome:
    def __init__(self, spec):
        self.spec = spec
        # Whether the last fault met its call, and the call.
        self.struck = False
        self.where = {}
        self.violations = []
        self.errors = ""
        # Calls that were made again.
        self.repeats = 0


# ---- What there is to hit ----


def failures(call):
    """The errors that a call may give."""
    if call["op"] == "open":
        return CREATING if "n" in call and call["flags"] & O_CREAT else OPENING
    if call["op"] == "mmap" and "n" not in call:
        return ("ENOMEM",)
    return FAILURES.get(call["op"], ("EIO",))


def distinct(calls):
    """The first call from each site, in their order."""
    first = {}
    for call in calls:
        first.setdefault(call["site"], call)
    return list(first.values())


def every(calls, dice):
    """All of them: each call, each error at each site."""
    changes = [call for call in calls if "n" in call]
    for call in changes:
        yield f"kill={call['n']}"
        if call["op"] == "write" and call["length"] > 1:
            yield f"kill={call['n']}:half"
    yield f"kill={changes[-1]['n']}:after"
    yield from twice(changes, 300, dice)
    for call in distinct(calls):
        for error in failures(call):
            yield f"fail={call['site']}@1:{error}"
        for error in ("ENOSPC", "EDQUOT"):
            if error in failures(call):
                yield f"fail={call['site']}@1:{error}:stay"
        if "EMFILE" in failures(call):
            yield f"fail={call['site']}@1:EMFILE:stay"


def twice(changes, count, dice):
    """Kills of the run that mends what a kill has left."""
    for _ in range(count):
        yield f"kill={dice.choice(changes)['n']}+kill={dice.randint(1, RECOVERY_CALLS)}"


def each_site(calls, dice):
    """Each site once: a kill, torn where it writes, and one error by turns."""
    for call in distinct(calls):
        if "n" in call:
            torn = call["op"] == "write" and call["length"] > 1 and dice.random() < 0.5
            yield f"kill={call['site']}@1" + (":half" if torn else "")
        error = dice.choice(failures(call))
        stays = error in ("ENOSPC", "EDQUOT", "EMFILE") and dice.random() < 0.5
        yield f"fail={call['site']}@1:{error}" + (":stay" if stays else "")
    yield from twice([call for call in calls if "n" in call], 60, dice)


def count_sites(calls):
    return len({call["site"] for call in calls})


# ---- The command ----


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tale", default=".build/torture/release/tale")
    parser.add_argument("--sites", action="store_true", help="each call site once")
    parser.add_argument("--all", action="store_true", help="every call (default)")
    parser.add_argument("--at", action="append", metavar="CASE", help="only this case")
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", choices=["kill", "fail"], help="crash points or errors alone")
    parser.add_argument("--limit", type=int, help="take this many of the cases, spread evenly")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the households there")
    parser.add_argument("--verbose", action="store_true", help="print what tale said, too")
    return parser.parse_args()


def seed_of(arguments):
    """Of a run that can begin: the one that is asked for, else any."""
    if not os.access(arguments.tale, os.X_OK):
        sys.exit(f"there is no {arguments.tale}; build it first")
    return random.SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed


def main():
    arguments = read_arguments()
    seed = seed_of(arguments)
    # So that what is left is cleared away by whoever made it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="torture-", dir=place()) as folder:
        torture = Torture(arguments.tale, folder)
        try:
            return tortured(torture, arguments, seed)
        finally:
            torture.close()


def place():
    """Memory where there is enough: a kill leaves there what it leaves on a disk, and a sync that
    need not wait for one lets a case take a second less. None: where temporary files go."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    return "/dev/shm" if room.f_bavail * room.f_frsize > 512 << 20 else None


def tortured(torture, arguments, seed):
    calls = torture.record()
    if arguments.at:
        cases = arguments.at
    else:
        # A second one: what is not the same every time is not compared.
        torture.record()
        cases = list((each_site if arguments.sites else every)(calls, random.Random(seed)))
        if arguments.only:
            cases = [case for case in cases if case.startswith(arguments.only)]
        if arguments.limit:
            cases = cases[:: max(1, len(cases) // arguments.limit)]
    points = sum("n" in call for call in calls)
    print(f"torture: {points} calls that change or sync files at "
          f"{count_sites(c for c in calls if 'n' in c)} sites, {count_sites(c for c in calls if 'r' in c)} "
          f"sites that read; {len(cases)} cases, seed {seed}", flush=True)
    start = time.monotonic()
    bad, missed, violations, kills, fails, repeats = 0, [], 0, 0, 0, Counter()
    with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
        futures = [pool.submit(torture.run, spec, arguments.keep) for spec in cases]
        for done, outcome in enumerate(results(pool, futures), 1):
            kills += outcome.spec.startswith("kill") and outcome.struck
            fails += outcome.spec.startswith("fail") and outcome.struck
            if not outcome.struck:
                missed.append(outcome.spec)
            if outcome.violations or arguments.verbose:
                show(outcome, arguments)
            repeats[outcome.repeats] += 1
            bad += bool(outcome.violations)
            violations += len(outcome.violations)
            if done % 100 == 0:
                print(f"torture: {done} of {len(cases)} cases, {bad} of them bad, "
                      f"{time.monotonic() - start:.0f} s", flush=True)
    if missed:
        print(f"torture: {len(missed)} faults met no call, because runs differ a little: "
              + " ".join(missed[:10]))
    print("torture: calls made again: " + ", ".join(
        f"{again} in {count} cases" for again, count in sorted(repeats.items())))
    sites = count_sites(calls)
    print(f"torture: {kills} crash points, {sites} sites, {fails} errors, {violations} violations "
          f"in {time.monotonic() - start:.0f} s, {cpu_seconds():.0f} s of them computing (seed {seed})")
    return 1 if violations else 0


def results(pool, futures):
    """As they come; what has not begun is given up when somebody stops this."""
    try:
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def cpu_seconds():
    return sum(sum(resource.getrusage(who)[:2])
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def show(outcome, arguments):
    where = outcome.where
    print(f"{'VIOLATION' if outcome.violations else 'case'} {outcome.spec} "
          f"({where.get('op')} {where.get('path', '')} {where.get('target', '')})")
    for violation in outcome.violations:
        print(f"  {violation}")
    if arguments.verbose:
        print("  tale said: " + outcome.errors.replace("\n", "\n    "))
    print(f"  again: {sys.executable} {sys.argv[0]} --tale {arguments.tale} --at {outcome.spec}",
          flush=True)


if __name__ == "__main__":
    sys.exit(main())
