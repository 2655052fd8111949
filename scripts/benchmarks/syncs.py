"""Syncs: what tale makes the disk sync to accept a drop and to deliver a project, and why.

The reasons, and how many of each there are, stand in docs/reference/queue.md, "What is synced, and
why". A sync that the tables there do not know, one that they promise and that does not come, and
any call that would sync a whole file system are a MISS.
"""
import collections
import os
import pathlib
import re
import signal
import textwrap
import time

from benchmarks import household, report
from benchmarks.counts import SYNCS

# Calls that are not about one file and all of it.
COARSE = ("sync", "syncfs", "sync_file_range")
BATCH = 100
# A sync that is shared comes at most so often for a batch: it may have come in a few parts.
SHARED_MAX = BATCH // 5
PAGE = pathlib.Path(__file__).parents[2] / "docs/reference/queue.md"

SYNC = re.compile(r"\b(" + SYNCS.replace(",", "|") + r")\((?:\d+<([^>]*)>)?")
# Calls that change names. strace prints the folder descriptor before each path as AT_FDCWD<...>.
CHANGES = "rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat"
CHANGE = re.compile(
    r'\b(rename|mkdir|unlink)(?:at2?)?\((?:[^"]*)"([^"]+)"(?:, (?:[^"]*)"([^"]+)")?')
# A temporary name that becomes the real one by a rename.
TEMPORARY = re.compile(r"/(\.tale\.\d+\.\d+|\.events\.new|tmp_tale_\w+|[^/]*\.lock)$")
ID = re.compile(r"\d{8}-\d{6}-([a-z0-9-]+)-[a-z0-9]{4}(?=[/.]|$)")


def strace(trace):
    return ["strace", "-f", "-y", "-qq", "-e", f"trace={SYNCS},{CHANGES}", "-o", trace]


class Trace:
    """What a trace says of the disk, in its order: tuples of call, path and the path after it."""

    def __init__(self, lines, root):
        self.root = os.path.realpath(root)
        self.steps = []
        self.becomes = {}
        for line in lines:
            if found := CHANGE.search(line):
                paths = [os.path.join(self.root, name) for name in found.groups()[1:] if name]
                if found[1] == "rename":
                    self.becomes[paths[0]] = paths[1]
                if not re.search(r"= -1 E", line):
                    self.steps.append((found[1], *paths))
            elif found := SYNC.search(line):
                self.steps.append((found[1], found[2] or ""))

    def name(self, path):
        """As the page says it: below the queue, and what a project in active holds below its
        folder, with ID and NAME for what differs."""
        inside = os.path.relpath(path, self.root)
        if inside.startswith("../data/"):
            return "DATA_DIR/" + inside.removeprefix("../data/")
        inside = ID.sub("ID", inside)
        inside = re.sub(r"^inbox/[^/]+$", "inbox/NAME", inside)
        inside = re.sub(r"/batch-[0-9a-f]+\.json$", "/batch-NUMBER.json", inside)
        inside = re.sub(r"/objects/[0-9a-f]{2}$", "/objects/XX", inside)
        inside = re.sub(r"/objects/tmp_object\w+$", "/objects/XX/OBJECT", inside)
        inside = re.sub(r"/pack/pack-[0-9a-f]{40}\.pack$", "/pack/PACK", inside)
        inside = re.sub(r"/pack/pack-[0-9a-f]{40}\.idx$", "/pack/INDEX", inside)
        inside = re.sub(r"/\.git-creating/\.git(/.*)?$", "/.git-creating/", inside)
        inside = re.sub(r"/\.drafts/.+$", "/.drafts/CALL", inside)
        inside = re.sub(r"^active/ID/", "", inside)
        return re.sub(r"^work/(?!\.git(?:/|$))(.*/)?([^/]+\.\w+)$", "work/FILE", inside)

    def kind(self, step):
        """What a sync is of; a folder ends with a slash."""
        call, path = step
        if TEMPORARY.search(path):
            path = self.becomes.get(path, path)
        kind = self.name(path) if path else f"{call}()"
        return kind + "/" if kind in FOLDERS else kind

    def kinds(self, steps):
        return collections.Counter(self.kind(step) for step in steps if is_sync(step))

    def of(self, name):
        """The steps that are not about projects of another name."""
        return [step for step in self.steps
                if all(found[1].startswith(name) for path in step[1:]
                       for found in [ID.search(path)] if found)]


def is_sync(step):
    return step[0] in SYNCS.split(",")


FOLDERS = {
    "inbox", "active", "outbox", ".tale", ".tale/staging", ".tale/staging/ID", "active/ID",
    ".drafts", "work", "work/.tale", "work/.git", "work/.git/objects", "work/.git/objects/XX",
    "work/.git/objects/pack",
    "work/.git/refs/heads",
}


def table(heading):
    """The rows of the page's table below a heading: kind to its other cells."""
    text = PAGE.read_text()
    start = text.index(f"### {heading}\n")
    rows = {}
    for line in text[start:].splitlines()[1:]:
        if line.startswith("#"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows[cells[0].strip("`")] = cells[1:]
    return rows


def allowed(promise, drops):
    """How often a kind may come, by its cell: a number for each drop, `shared`, or in words."""
    if promise.isdigit():
        return int(promise) * drops, int(promise) * drops
    if promise == "shared" and drops > 1:
        return 1, SHARED_MAX
    if promise.startswith("or none"):
        return 0, float("inf")
    return 1, float("inf")


def compare(heading, rows, column, counted, drops=1):
    """Prints each kind with its reason, and judges the counts by the page."""
    report.heading(heading)
    for kind, cells in rows.items():
        low, high = allowed(cells[column], drops)
        count = counted.get(kind, 0)
        verdict = "PASS" if low <= count <= high else "MISS"
        if verdict == "MISS":
            report.missed.append(f"{kind} is synced {count} times, promised: {cells[column]}")
        told = f"{count / drops:.2f} a drop" if drops > 1 else f"{count}"
        show(told, verdict, kind, cells[-1])
    for kind, count in counted.items():
        if kind not in rows:
            report.missed.append(f"{kind} is synced {count} times, and no reason is known")
            show(count, "MISS", kind, f"UNEXPLAINED: {PAGE.name} has no row for it")
    report.row("syncs together", f"{sum(counted.values()) / drops:.2f}",
               "for each drop" if drops > 1 else "")


def show(told, verdict, kind, why):
    first, *more = textwrap.wrap(why, 62)
    print(f"  {told:>12}  {verdict}  {kind:<42} {first}")
    for line in more:
        print(f"{'':65}{line}")


ACCEPTS = re.compile(r"inbox|\.tale|active/$")


def whole_disk(trace):
    count = sum(step[0] in COARSE for step in trace.steps)
    report.limit("syncfs, sync and sync_file_range", count, 0, "calls")


def one_project(tale, folder):
    """The trace of one project from its rename into the inbox to the outbox."""
    os.makedirs(folder)
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    for name in ("inbox", "outbox"):
        os.makedirs(f"{folder}/queue/{name}")
    done = household.Arrivals(f"{folder}/queue/outbox")
    out = f"{folder}/trace"
    with household.watch(tale, env, folder, strace(out)):
        # The first makes files that stay: the log of what was accepted.
        household.drop(folder, "first")
        done.next()
        settled(out)
        begun = len(lines_of(out))
        household.drop(folder, "alone")
        done.next()
        settled(out)
        trace = Trace(lines_of(out)[begun:], f"{folder}/queue")
    done.close()
    server.close()
    return trace


def batch(tale, folder, drops=BATCH):
    """The trace of `drops` accepted together; their names begin with `batch-`.

    tale is stopped while they are moved in, so that it sees all of them at once.
    """
    os.makedirs(folder)
    out = f"{folder}/trace"
    with household.accepting(tale, folder, strace(out)) as (process, standing):
        settled(out)
        pid = household.children(process.pid)[0]
        names = [household.prepare(folder, f"batch-{number:03}") for number in range(drops)]
        begun = len(lines_of(out))
        os.kill(pid, signal.SIGSTOP)
        for name in names:
            os.rename(*name)
        os.kill(pid, signal.SIGCONT)
        household.wait_for(
            lambda: len(os.listdir(f"{folder}/queue/active")) == drops + standing,
            f"the end of accepting {drops} drops", limit=300)
        settled(out)
        return Trace(lines_of(out)[begun:], f"{folder}/queue")


def lines_of(trace):
    return pathlib.Path(trace).read_text().splitlines()


def settled(trace):
    """Waits until half a second has brought nothing more: the last syncs come after the rename."""
    size = -1
    while size != (size := os.path.getsize(trace)):
        time.sleep(0.5)


def run(tale, folder):
    folder = os.path.realpath(folder)
    trace = one_project(tale, f"{folder}/one")
    moved = next(index for index, step in enumerate(trace.steps)
                 if step[0] == "rename" and trace.name(step[2]) == "outbox/ID")
    checkpoint = max(index for index, step in enumerate(trace.steps)
                     if is_sync(step) and trace.kind(step).endswith("/refs/heads/"))
    parts = {"accept": [], "work": [], "deliver": []}
    for index, step in enumerate(trace.steps):
        if is_sync(step):
            early = index < moved and ACCEPTS.match(trace.kind(step))
            # Accepting ends while the runner has begun already: the path tells, not the order.
            parts["accept" if early else "work" if index <= checkpoint else "deliver"].append(step)
    accepting = table("To accept a drop")
    compare("Syncs to accept one drop, alone", accepting, 0, trace.kinds(parts["accept"]))
    whole_disk(trace)
    together = batch(tale, f"{folder}/batch")
    compare(f"Syncs to accept {BATCH} drops at once", accepting, 1,
            together.kinds(together.of("batch-")), BATCH)
    whole_disk(together)
    compare("Syncs of the work: a project with one subtask", table("To keep the work"), 0,
            trace.kinds(parts["work"]))
    compare("Syncs to deliver it", table("To deliver a project"), 0, trace.kinds(parts["deliver"]))
