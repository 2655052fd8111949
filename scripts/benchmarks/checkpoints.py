"""What a durable checkpoint costs, from the first to the ten thousandth, beside git and GitPython.

A checkpoint is a commit of one file of 10 KB, written anew. tale makes them as its runner does, in a
small program of the tests (CheckpointStandIn); git with add and commit and `core.fsync=all`, which
syncs files and no folder: to be as durable as tale's, the folders with the new names are synced after
it; GitPython as it is, which syncs nothing.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from benchmarks import counts, household, queue_systems, report, syncs

COUNT = 10_000
THOUSAND = 1000
# One commit of the others for so many of tale: they are slower.
EACH = 50


def run(tale, folder):
    program = os.path.join(os.path.dirname(os.path.realpath(tale)), "CheckpointStandIn")
    if not os.path.exists(program):
        raise SystemExit(
            "bench: CheckpointStandIn is missing: swift build -c release --product CheckpointStandIn")
    env = household.environment(folder)
    list_syncs(program, env, folder)
    times, sizes = timed(program, env, folder)
    report.heading(f"A checkpoint of 10 KB, {COUNT} in one repository")
    for name, taken in times.items():
        median, late = report.times(taken)
        report.row(f"{name}, median", f"{median:.2f}", f"ms of {len(taken)}")
        report.row(f"{name}, 99 %", f"{late:.2f}", "ms")
    of_tale = report.times(times["tale"])
    ours = [times["tale"][index] for index in range(0, COUNT, EACH)]
    ours = report.times(ours)[0]
    report.row("git, files synced, to tale", f"{report.times(times['git, files synced'])[0] / ours:.2f}",
               "times")
    least("git, as durable, to tale", report.times(times["git, as durable"])[0] / ours, 5, "times")
    report.limit("99 % of tale's checkpoints, against performance.checkpoint_timeout",
                 of_tale[1], 100, "ms")
    first, last = (report.times(times["tale"][part])[0]
                   for part in (slice(0, THOUSAND), slice(COUNT - THOUSAND, COUNT)))
    report.row("median of the last thousand to the first", f"{last / first:.2f}", "times")
    report.row("on disk, tale", f"{sizes['tale'] / COUNT:.0f}", "bytes a checkpoint")
    report.row("  git, loose", f"{sizes['git'] / (COUNT // EACH):.0f}", "bytes a checkpoint")
    instructions(program, env, folder)


def least(what, value, fewest, unit):
    word = "PASS" if value >= fewest else "MISS"
    if word == "MISS":
        report.missed.append(what)
    report.row(what, f"{value:.2f}", f"{unit}  (at least {fewest:g} {unit}: {word})")


def list_syncs(program, env, folder):
    """The syncs of one checkpoint, with the reasons that the page gives for them."""
    report.heading("Syncs of one checkpoint")
    place, out, number = f"{folder}/work", f"{folder}/trace", 20
    subprocess.run([program, place, "0", "10"], env=env, check=True)
    subprocess.run([*syncs.strace(out), program, place, "10", str(number)], env=env, check=True)
    trace = syncs.Trace(syncs.lines_of(out), folder)
    kinds = trace.kinds(trace.steps)
    rows = syncs.table("To keep the work")
    for kind, count in kinds.items():
        why = rows[kind][-1] if kind in rows else "UNEXPLAINED"
        if kind not in rows:
            report.missed.append(f"{kind} is synced, and no reason is known")
        syncs.show(f"{count / number:.2f}", "PASS" if kind in rows else "MISS", kind, why)
    report.limit("syncs of a checkpoint", sum(kinds.values()) / number, 6, "syncs")
    subprocess.run([program, place, "30", "10"], env=env, check=True)
    subprocess.run([*syncs.strace(out), program, place, "40", "10"], env=env, check=True)
    gathered = sum(syncs.Trace(syncs.lines_of(out), folder).kinds(
        syncs.Trace(syncs.lines_of(out), folder).steps).values()) - 5 * 10
    report.row("further syncs to put 50 packs together", gathered)
    shutil.rmtree(place)


def timed(program, env, folder):
    """Seconds of each checkpoint, and bytes on disk; a copy after 9,000 is left in `before`."""
    place, plain, python = (f"{folder}/{name}" for name in ("work", "git", "python"))
    for path in (plain, python):
        subprocess.run(["git", "init", "-q", path], env=env, check=True)
        for key in ("user.name", "user.email"):
            subprocess.run(["git", "-C", path, "config", key, "tale@localhost"], env=env, check=True)
    sys.path[:0] = map(str, queue_systems.PYTHON.glob("lib/python3*/site-packages"))
    import git as gitpython
    repository = gitpython.Repo(python)
    times = {"tale": [], "git, files synced": [], "git, as durable": [], "GitPython, unsynced": []}
    for begin, end in ((0, COUNT - THOUSAND), (COUNT - THOUSAND, COUNT)):
        process = subprocess.Popen([program, place, str(begin), str(end - begin), "ask"], env=env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for step in range(begin, end):
            if step == end - 1:
                memory = re.search(
                    r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
            process.stdin.write("\n")
            process.stdin.flush()
            times["tale"].append(int(process.stdout.readline()) / 1e9)
            if step % EACH == 0:
                state = pathlib.Path(place, "state.json").read_bytes()
                files, all_of_it = with_git(plain, state, step, env)
                times["git, files synced"].append(files)
                times["git, as durable"].append(all_of_it)
                times["GitPython, unsynced"].append(with_gitpython(repository, state, step))
        process.stdin.close()
        process.wait(60)
        report.row(f"memory after the checkpoints {begin} to {end}", int(memory[1]) // 1024, "MB")
        if end < COUNT:
            shutil.copytree(place, f"{folder}/before")
    return times, {"tale": on_disk(f"{place}/.git/objects"), "git": on_disk(f"{plain}/.git/objects")}


def with_git(place, state, step, env):
    """Seconds until the files are on disk, and until the names of objects and the branch are."""
    start = time.time_ns()
    begin = time.monotonic()
    pathlib.Path(place, "state.json").write_bytes(state)
    for command in (["add", "state.json"], ["commit", "-q", "-m", f"checkpoint {step}"]):
        subprocess.run(["git", "-C", place, "-c", "core.fsync=all", "-c", "gc.auto=0", *command],
                       env=env, check=True)
    files = time.monotonic() - begin
    changed = [path for part in ("objects", "refs") for path, _, _ in os.walk(f"{place}/.git/{part}")
               if os.stat(path).st_mtime_ns >= start]
    begin = time.monotonic()
    for folder in changed:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(number)
        os.close(number)
    return files, files + time.monotonic() - begin


def with_gitpython(repository, state, step):
    begin = time.monotonic()
    pathlib.Path(repository.working_dir, "state.json").write_bytes(state)
    repository.index.add(["state.json"])
    repository.index.commit(f"checkpoint {step}")
    return time.monotonic() - begin


def on_disk(folder):
    return sum(os.lstat(os.path.join(path, name)).st_blocks * 512
               for path, _, names in os.walk(folder) for name in names)


def instructions(program, env, folder):
    """The last thousand checkpoints beside the first, gathering included."""
    report.heading("Instructions of a thousand checkpoints")
    # valgrind gives up on the debug information of a static Swift program.
    stripped = f"{folder}/stripped"
    subprocess.run(["strip", "-o", stripped, program], check=True)
    first = counts.instructions([stripped, f"{folder}/fresh", "0", str(THOUSAND)], env, folder)
    last = counts.instructions(
        [stripped, f"{folder}/before", str(COUNT - THOUSAND), str(THOUSAND)], env, folder)
    for name, count in (("first", first), ("last", last)):
        report.row(f"the {name} thousand", f"{count / THOUSAND / 1e6:.2f}", "million a checkpoint")
    report.limit("the last thousand to the first", last / first, 1.3, "times")
