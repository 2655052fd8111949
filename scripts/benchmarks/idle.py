"""Idle: what `tale watch` takes while nothing happens.

tale's own process alone: a model server that it keeps loaded is another process, and none is
needed here because the model is scripted.
"""
import os
import pathlib
import time

from benchmarks import household, report

SETTLE_SECONDS = 5
SECONDS = 60
CPU_PERCENT_MAX = 0.2
MEMORY_MB_MAX = 60


def cpu_seconds(pid):
    # The name, in brackets, may hold anything; utime and stime are fields 14 and 15.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wakeups(pid):
    count = 0
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                count += int(line.split()[1])
    return count


def peak_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise SystemExit("bench: /proc tells no peak of memory")


def run(tale, folder):
    report.heading(f"Idle: `tale watch` on an empty queue, {SECONDS} s, tale's own process alone")
    server = household.Scripted()
    env = household.environment(folder, server.config(f"{folder}/config.yaml"))
    with household.watch(tale, env, folder) as process:
        time.sleep(SETTLE_SECONDS)
        before = (cpu_seconds(process.pid), wakeups(process.pid), time.monotonic())
        time.sleep(SECONDS)
        after = (cpu_seconds(process.pid), wakeups(process.pid), time.monotonic())
        memory = peak_bytes(process.pid)
    server.close()
    passed = after[2] - before[2]
    share = (after[0] - before[0]) / passed * 100
    report.limit("processor time, of one core", share, CPU_PERCENT_MAX, "%")
    report.limit("most memory since its start", memory / 1e6, MEMORY_MB_MAX, "MB")
    report.row("wake-ups", f"{(after[1] - before[1]) / passed:.1f}", "a second")
