"""Scale: 50,000 files moved into the inbox of a running `tale watch`, and 50,000 more.

Not in the default list: it takes minutes. TALE_BENCH_FILES is the number of files of each wave.
"""
import json
import os
import subprocess
import time

from benchmarks import accepts, household, idle, report

FILES = int(os.environ.get("TALE_BENCH_FILES", "50000"))
WAVES = 2
# So many of them are run through, on a model that answers at once.
RUN = 500
MEMORY_MB_MAX = 150
# Without a single accept for so long, it hangs.
STALL_SECONDS = 120


def wait_until_accepted(active, wanted):
    last, since = -1, time.monotonic()
    while (count := len(os.listdir(active))) < wanted:
        if count != last:
            last, since = count, time.monotonic()
        elif time.monotonic() - since > STALL_SECONDS:
            raise SystemExit(f"bench: {count:,} of {wanted:,} stand in active/ and no more come")
        time.sleep(0.5)


def wrong(queue, names):
    """What is not there exactly once, by name and content."""
    left = set(names)
    problems = []
    for project in os.listdir(f"{queue}/active"):
        with open(f"{queue}/active/{project}/events.jsonl") as journal:
            name = json.loads(journal.readline())["name"].removesuffix(".md")
        if name == household.HOLDER:
            continue
        with open(f"{queue}/active/{project}/project.md") as text:
            if text.read() != household.description(name):
                problems.append(f"{project} has another content")
        if name not in left:
            problems.append(f"{name} stands twice, or was never dropped")
        left.discard(name)
    problems += [f"{name} is not in active/" for name in left]
    for place in ("inbox", "failed", ".tale/staging"):
        problems += [f"{place}/{name} is left" for name in os.listdir(f"{queue}/{place}")
                     if not os.path.isdir(f"{queue}/{place}/{name}") or place != "inbox"]
    return problems


def used(what, command, env):
    """Runs a command, prints the time and memory that it took, and returns its most memory."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:  # an interrupt: nothing that was started stays
        process.kill()
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
    report.row(what, f"{time.monotonic() - began:.1f}",
               f"s ({usage.ru_utime + usage.ru_stime:.1f} s of the processor, "
               f"{usage.ru_maxrss * 1024 / 1e6:.0f} MB)")
    return usage.ru_maxrss * 1024


def run(tale, folder):
    folder = os.path.realpath(folder)
    queue = f"{folder}/queue"
    everything = []
    with household.accepting(tale, folder) as (process, standing):
        for wave in range(WAVES):
            report.heading(f"Scale: {FILES:,} files moved in, with {len(everything):,} waiting")
            names = [f"wave-{wave}-{number:06}" for number in range(FILES)]
            pairs = [household.prepare(folder, name) for name in names]
            began = accepts.move_in(pairs)
            report.row("moved in within", f"{time.monotonic() - began:.1f}", "s")
            everything += names
            wait_until_accepted(f"{queue}/active", standing + len(everything))
            taken = time.monotonic() - began
            report.row("all stand in active/ after", f"{taken:.1f}",
                       f"s ({FILES / taken:.0f} a second)")
            report.row("most memory so far", f"{idle.peak_bytes(process.pid) / 1e6:.1f}", "MB")
        report.limit(f"most memory with {len(everything):,} waiting",
                     idle.peak_bytes(process.pid) / 1e6, MEMORY_MB_MAX, "MB")
    problems = wrong(queue, everything)
    report.limit("not accepted exactly once, by name and content", len(problems), 0, "files")
    for problem in problems[:10]:
        print(f"  {problem}")
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    used(f"`tale status` with {len(everything):,} waiting", [tale, "status"], env)
    number = min(RUN, len(everything))
    memory = used(
        f"`tale drain --max {number}` on them", [tale, "drain", "--max", str(number)], env)
    report.limit("  its most memory", memory / 1e6, MEMORY_MB_MAX, "MB")
    server.close()
    ended = len(os.listdir(f"{queue}/outbox"))
    report.limit(f"of {number} not in outbox/ after that", abs(number - ended), 0, "projects")
    there = ended + len(os.listdir(f"{queue}/active")) - standing
    report.limit("neither waiting nor in outbox/", len(everything) - there, 0, "projects")
