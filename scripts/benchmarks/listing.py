"""Listing an inbox of 100,000 files, beside a plain stat of the same files.

The listing is what `tale status` does on such an inbox more than on an empty one. Judged is the
processor time, which other programs on the machine disturb less than the clock.
"""
import os
import pathlib
import statistics
import subprocess
import time

from benchmarks import household, report
from benchmarks.counts import instructions

FILES = 100_000
# valgrind takes a hundred times as long.
COUNTED_FILES = 5_000
ROUNDS = 7
RATIO_MAX = 2
SOURCE = pathlib.Path(__file__).with_name("plain_stat.c")


def seconds(command, env):
    """Processor time and time by the clock."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, time.monotonic() - began


class Inbox:
    """A queue with so many files in its inbox, and the two commands that list them."""

    def __init__(self, folder, files, tale, plain):
        self.folder, self.inbox = folder, f"{folder}/queue/inbox"
        self.env = household.environment(folder)
        self.commands = {"tale": [tale, "status"], "plain": [plain, self.inbox]}
        subprocess.run([tale, "init", folder], env=self.env, check=True, stdout=subprocess.DEVNULL)
        there = len(os.listdir(self.inbox))
        for number in range(files):
            descriptor = os.open(f"{self.inbox}/note-{number:06}.md", os.O_WRONLY | os.O_CREAT)
            os.write(descriptor, b"# Note\n")
            os.close(descriptor)
        # Both must see all of them: readdir gives . and .. as well, and status names ten.
        if self.output("plain").strip() != str(there + files + 2) or (
                files > 10 and f" and {files - 10} more" not in self.output("tale")):
            raise SystemExit(f"bench: not all of {files} files are listed")

    def output(self, name):
        return subprocess.run(self.commands[name], env=self.env, check=True, capture_output=True,
                              text=True).stdout

    def seconds(self, name):
        return seconds(self.commands[name], self.env)

    def instructions(self, name):
        return instructions(self.commands[name], self.env, self.folder)


def run(tale, folder):
    report.heading(f"Listing {FILES:,} files in the inbox, median of {ROUNDS} rounds")
    plain, bare = f"{folder}/plain_stat", f"{folder}/tale"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", plain, str(SOURCE)], check=True)
    # valgrind cannot read the debug information that the Swift compiler writes.
    subprocess.run(["strip", "-o", bare, tale], check=True)
    empty, some, full = (Inbox(f"{folder}/{files}", files, bare, plain)
                         for files in (0, COUNTED_FILES, FILES))
    taken = {name: [] for name in ("tale", "plain")}
    for _ in range(ROUNDS):
        for name, list_of in taken.items():
            list_of.append([more - less for more, less in
                            zip(full.seconds(name), empty.seconds(name))])
    middle = {name: [statistics.median(each) for each in zip(*pairs)]
              for name, pairs in taken.items()}
    for name, what in (("tale", "`tale status` beyond that of an empty queue"),
                       ("plain", "  reference: readdir and stat in C")):
        processor, clock = middle[name]
        report.row(f"{what}: processor", f"{processor * 1000:.0f}",
                   f"ms ({clock * 1000:.0f} ms by the clock)")
    processor, clock = (mine / least for mine, least in zip(middle["tale"], middle["plain"]))
    report.limit("listing against the plain stat, processor time", processor, RATIO_MAX, "x")
    report.row("  by the clock", f"{clock:.2f}", "x")
    mine, least = ((some.instructions(name) - empty.instructions(name)) / COUNTED_FILES
                   for name in ("tale", "plain"))
    report.row("  instructions for each file, without the kernel's", f"{mine:,.0f}",
               f"(reference: {least:,.0f})")
