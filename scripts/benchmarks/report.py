"""How results are printed, and which of them were judged."""
import os
import statistics
import subprocess

missed = []


def row(what, value, unit=""):
    print(f"{what:<58} {value:>14} {unit}".rstrip(), flush=True)


def heading(text):
    print(f"\n{text}", flush=True)


def place(tale, folder):
    """What is measured, and where: figures without that say nothing."""
    def output(*command):
        told = subprocess.run(command, capture_output=True, text=True).stdout
        # Of file systems mounted on one place the last is the one that is seen.
        return told.strip().rpartition("\n")[2] or "?"
    version = output(tale, "--version")
    disk = output("findmnt", "-n", "-o", "FSTYPE", "-T", folder)
    print(f"tale {version.removeprefix('tale ')} ({tale}, {os.path.getsize(tale) / 1e6:.0f} MB)\n"
          f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Linux {os.uname().release}, "
          f"{disk} below {os.path.dirname(folder)}", flush=True)


def limit(what, value, most, unit):
    """A figure that must not pass a limit; one that does makes the benchmark fail."""
    word = "PASS" if value <= most else "MISS"
    if word == "MISS":
        missed.append(what)
    row(what, f"{value:.2f}", f"{unit}  (at most {most:g} {unit}: {word})")


def times(seconds):
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(seconds)
    return (statistics.median(ordered) * 1000,
            ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))] * 1000)
