"""A project's folder as it is on the disk, read without any code of tale."""

import json
import os
import subprocess

from scene import slug

PLACES = ("active", "outbox", "failed")


class Project:
    """A project's folder, as it is on the disk."""

    def __init__(self, root, place, project_id):
        self.place = place
        self.id = project_id
        self.slug = slug(project_id)
        self.path = os.path.join(root, "queue", place, project_id)
        self.work = os.path.join(self.path, "work")
        self.lines, self.torn, self.damage = read_journal(os.path.join(self.path, "events.jsonl"))

    def __str__(self):
        return f"{self.place}/{self.id}"

    def bytes(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def events(self, kind):
        return [line for line in self.lines if line["event"] == kind]

    def git(self, *arguments):
        return git(self.work, *arguments)


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-C", folder, "-c", "safe.directory=*", "-c", "core.quotePath=false", *arguments],
        capture_output=True, text=True, errors="surrogateescape",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
             "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
             "GIT_OPTIONAL_LOCKS": "0"})


# From docs/reference/events.md: lines that are synced before the next one is written.
SYNCED = {"accepted", "reserved", "settled", "attempt_failed", "controlled", "restored", "ended"}


def read_journal(path):
    """Its whole lines, whether void ones follow, and what is wrong with it."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        return [], False, f"cannot be read: {error}"
    parts = raw.split(b"\n")
    torn = parts.pop() != b""
    lines = []
    for number, part in enumerate(parts, 1):
        try:
            line = json.loads(part)
            lines.append(line)
            if line["number"] != number:
                return lines, torn, f"line {number} says that it is {line['number']}"
        except (ValueError, KeyError, TypeError):
            if number == len(parts) and not torn:
                return lines, True, None
            if b"\0" in part and not synced_before_last(parts[number - 1 :]):
                return lines, True, None
            return lines, torn, f"line {number} is no line of a journal: {part[:60]!r}"
    return lines, torn, None


def synced_before_last(parts):
    """Of lines from a hole on: whether one was synced for sure, as another followed it."""
    for part in parts[:-1]:
        try:
            line = json.loads(part.split(b"\0")[-1])
        except ValueError:
            continue
        if line["event"] in SYNCED or line.get("to") == "paused":
            return True
    return False


def projects(root):
    found = []
    for place in PLACES:
        folder = os.path.join(root, "queue", place)
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            found.append(Project(root, place, name))
    return found
