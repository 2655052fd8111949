"""Counts of syncs and instructions: they do not depend on what else the machine does."""
import pathlib
import re
import subprocess
import sys

from benchmarks import household, report

SYNCS = "fsync,fdatasync,sync,syncfs,sync_file_range,msync"
IS_SYNC = re.compile(r"\b(" + SYNCS.replace(",", "|") + r")\(")

REFERENCE = """
import os, sys
target = sys.argv[1]
with open(target + ".new", "wb") as file:
    file.write(b"x"); file.flush(); os.fsync(file.fileno())
os.rename(target + ".new", target)
folder = os.open(os.path.dirname(target), os.O_RDONLY); os.fsync(folder)
"""


def syncs(command, env, folder):
    """How often a command makes the disk sync."""
    trace = f"{folder}/trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={SYNCS}", "-o", trace] + command,
        env=env, check=True, stdout=subprocess.DEVNULL)
    return sum(bool(IS_SYNC.search(line)) for line in pathlib.Path(trace).read_text().splitlines())


def instructions(command, env, folder):
    """Instructions of a command, counted by valgrind."""
    out = f"{folder}/callgrind.out"
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"] + command,
        env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def run(tale, folder):
    report.heading("Durability")
    env = household.environment(folder)
    subprocess.run([tale, "init", folder], env=env, check=True, stdout=subprocess.DEVNULL)
    note = pathlib.Path(folder, "note.md")
    note.write_text("# Note\n\n- [ ] Write it -> `it.txt`\n")
    subprocess.run([tale, "submit", str(note)], env=env, check=True, stdout=subprocess.DEVNULL)
    accept = syncs([tale, "submit", str(note)], env, folder)
    floor = syncs([sys.executable, "-c", REFERENCE, f"{folder}/replaced"], env, folder)
    report.row("syncs to accept a submitted description", accept)
    report.row("  reference: write, fsync, rename, fsync folder", floor)
