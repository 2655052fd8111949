"""Counts where the contents that were sent to a queue are: each must be in exactly one place.

usage: census.py QUEUE MANIFEST [--ended]

MANIFEST has a line `SHA256 NAME` for each content that was sent. With --ended each must be in a
project that has ended: in outbox or failed, with a journal whose last line, and no other, says so.
Prints what is wrong and exits with 1; else one line with how many are where.

It knows folders and files as docs/reference/queue.md describes them, and shares no code with tale.
"""

import collections
import hashlib
import json
import os
import re
import sys

RSYNC_TEMPORARY = re.compile(rb"\..*\.[A-Za-z0-9]{6}$")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def in_inbox(inbox):
    """Dropped files, and for a dropped folder its description."""
    for folder, folders, names in os.walk(inbox):
        for name in names:
            if not RSYNC_TEMPORARY.match(name):
                yield os.path.join(folder, name)


def projects(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def look(queue, sent):
    """For each content the places where it stands."""
    places = collections.defaultdict(list)
    for path in in_inbox(os.path.join(queue, b"inbox")):
        places[sha256(path)].append(("inbox", path))
    for state in ["active", "outbox", "failed"]:
        for project in projects(os.path.join(queue, state.encode())):
            places[sha256(os.path.join(project, b"project.md"))].append((state, project))
    for entry in projects(os.path.join(queue, b".tale", b"staging")):
        # One drop, in whatever shape it is just now.
        found = {sha256(entry)} if os.path.isfile(entry) else set()
        for folder, _, names in os.walk(entry):
            found |= {sha256(os.path.join(folder, name)) for name in names}
        for content in found & sent.keys():
            places[content].append(("staging", entry))
    return places


def journal_problems(project):
    with open(os.path.join(project, b"events.jsonl"), "rb") as file:
        text = file.read()
    if not text.endswith(b"\n"):
        yield "its journal has no end"
    events = [json.loads(line)["event"] for line in text.splitlines()]
    if events.count("ended") != 1 or events[-1] != "ended":
        yield f"its journal does not end once: {events}"
    if events.count("accepted") != 1:
        yield f"it was accepted {events.count('accepted')} times"


def problems(queue, sent, must_have_ended):
    places = look(queue, sent)
    for content, name in sorted(sent.items(), key=lambda item: item[1]):
        found = places.get(content, [])
        if len(found) != 1:
            yield f"{name} is in {len(found)} places: {found}"
        for state, path in found if must_have_ended else []:
            if state not in ("outbox", "failed"):
                yield f"{name} has not ended: {path}"
            else:
                for problem in journal_problems(path):
                    yield f"{name}, {path}: {problem}"
    for content, found in places.items():
        # A folder in the inbox holds more than its description.
        others = [place for place in found if place[0] != "inbox" or must_have_ended]
        if content not in sent and others:
            yield f"nobody sent what is in {others}"


def main(queue, manifest, *options):
    with open(manifest, encoding="utf-8") as file:
        sent = dict(line.rstrip("\n").split(" ", 1) for line in file)
    queue = os.fsencode(queue)
    wrong = list(problems(queue, sent, "--ended" in options))
    if wrong:
        sys.exit("\n".join(wrong))
    counts = collections.Counter(
        state for found in look(queue, sent).values() for state, _ in found)
    print(len(sent), "contents:", ", ".join(f"{count} in {state}" for state, count in counts.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
