"""Start-up: what one `tale status` costs, beside one `git status` in the same folder."""
import pathlib
import statistics
import subprocess
import time

from benchmarks import household, report
from benchmarks.counts import instructions

ROUNDS = 30
PROJECTS = 100


def wall(command, env, folder):
    """The median of many runs, in milliseconds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        subprocess.run(command, env=env, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - began)
    return statistics.median(taken) * 1000


def run(tale, folder):
    report.heading(f"Start-up (wall time: median of {ROUNDS})")
    env = household.environment(folder)
    subprocess.run([tale, "init", folder], env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["git", "init", "-q", folder], env=env, check=True)
    # valgrind cannot read the debug information that the Swift compiler writes.
    bare = f"{folder}/tale"
    subprocess.run(["strip", "-o", bare, tale], check=True)
    git = ["git", "status", "--short"]
    floor = (instructions(git, env, folder), wall(git, env, folder))
    report.row("`git status --short`, the reference: instructions", f"{floor[0]:,}")
    report.row("  wall time", f"{floor[1]:.1f}", "ms")

    def compare(what, command):
        count, taken = instructions(command, env, folder), wall(command, env, folder)
        report.row(f"{what}: instructions", f"{count:,}", f"({count / floor[0]:.1f}x)")
        report.row("  wall time", f"{taken:.1f}", f"ms ({taken / floor[1]:.1f}x)")

    compare("`tale --version`", [bare, "--version"])
    compare("`tale status`, empty queue", [bare, "status"])
    notes = []
    for number in range(PROJECTS):
        note = pathlib.Path(folder, f"note-{number}.md")
        note.write_text(f"# Note {number}\n\n- [ ] Write it -> `it.txt`\n")
        notes.append(str(note))
    subprocess.run([bare, "submit", *notes], env=env, check=True, stdout=subprocess.DEVNULL)
    compare(f"`tale status`, {PROJECTS} projects waiting", [bare, "status"])
