"""Compares a ledger with the journals of a queue: each row must be what the lines say.

usage: ledger.py DATABASE QUEUE [--lagging]

Every project that has ended must be in the ledger up to its last line, and every other one up to the
last line that was synced. With --lagging projects may be behind, and even missing: what is there must
still be right. Prints what is wrong and exits with 1; else one line with how many projects and calls.

It knows tables and lines as docs/reference describes them, and shares no code with tale.
"""

import calendar
import json
import os
import sqlite3
import sys
import time

# What tokens are booked by: on disk, and given to the ledger, before anything else happens.
SYNCED = {"reserved", "settled", "ended"}


def milliseconds(text):
    moment = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(moment) * 1000 + int(text[20:23])


def read(path):
    """The lines of a journal; a torn last line is void."""
    with open(path, "rb") as file:
        text = file.read()
    lines = []
    for line in text.split(b"\n")[:-1]:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def fold(lines):
    """The rows that lines of a journal stand for."""
    project, calls, checkpoints, errors = {}, {}, [], []
    for line in lines:
        at, kind = milliseconds(line["time"]), line["event"]
        if kind == "accepted":
            project = {
                "name": line["name"], "lane": line["lane"], "sequence": line["sequence"],
                "state": "queued", "accepted_at": at, "ended_at": None, "reason": None,
            }
        elif kind == "moved":
            project["state"] = line["to"]
        elif kind == "ended":
            outcome = line["outcome"]
            project["state"] = "failed" if outcome == "rejected" else outcome
            project.update(ended_at=at, reason=line["reason"])
            if outcome != "done":
                errors.append((line["number"], line["reason"]))
        elif kind == "reserved":
            calls[line["call"]] = {
                "purpose": line["purpose"], "subtask": line.get("subtask"), "model": line["model"],
                "attempt": line["attempt"], "reserved_tokens": line["tokens"], "started_at": at,
                "prompt_tokens": None, "completion_tokens": None, "booked_tokens": None,
                "outcome": None, "duration_ms": None,
            }
        elif kind == "settled":
            calls[line["call"]].update(
                prompt_tokens=line.get("prompt_tokens"), booked_tokens=line["booked"],
                completion_tokens=line.get("completion_tokens"), outcome=line["outcome"],
                duration_ms=line["milliseconds"])
        elif kind == "attempt_failed":
            errors.append((line["number"], line["why"]))
        elif kind in ("planned", "committed"):
            checkpoints.append((line["number"], line["commit"]))
        elif kind == "noted" and line["level"] == "warning":
            errors.append((line["number"], line["message"]))
    project["last_line"] = len(lines)
    project["calls"] = len(calls)
    project["prompt_tokens"] = sum(call["prompt_tokens"] or 0 for call in calls.values())
    project["completion_tokens"] = sum(call["completion_tokens"] or 0 for call in calls.values())
    project["booked_tokens"] = sum(
        call["reserved_tokens"] if call["booked_tokens"] is None else call["booked_tokens"]
        for call in calls.values())
    return project, calls, checkpoints, errors


def rows(database, name):
    """What the ledger has of a project, in the same form; nil where it has nothing."""
    database.row_factory = sqlite3.Row

    def ask(columns, table, key="project"):
        return database.execute(
            f"SELECT {columns} FROM {table} WHERE {key} = ? ORDER BY 1", (name,)).fetchall()

    project = ask("*", "projects", "id")
    if not project:
        return None
    project = {key: project[0][key] for key in project[0].keys() if key != "id"}
    names = ("purpose subtask model attempt reserved_tokens started_at prompt_tokens "
             "completion_tokens booked_tokens outcome duration_ms").split()
    calls = {
        row["call"]: {key: row[key] for key in names} for row in ask("call, *", "executions")}
    return (project, calls, [tuple(row) for row in ask("line, commit_id", "checkpoints")],
            [tuple(row) for row in ask("line, message", "errors")])


def compare(database, queue, lagging):
    problems, seen, calls = [], 0, 0
    found = database.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        problems.append(f"the database is damaged: {found}")
    for place in ("active", "outbox", "failed"):
        folder = os.path.join(queue, place)
        for name in sorted(os.listdir(folder)):
            journal = os.path.join(folder, name, "events.jsonl")
            if not os.path.exists(journal):
                continue
            lines = read(journal)
            needed = max(
                (line["number"] for line in lines if line["event"] in SYNCED), default=0)
            have = rows(database, name)
            if have is None:
                # One that only waits is not in the ledger.
                if needed > 0 and not lagging:
                    problems.append(f"{name} is missing")
                continue
            last = have[0]["last_line"]
            if last > len(lines):
                problems.append(f"{name}: line {last} of {len(lines)} is booked")
                continue
            if last < needed and not lagging:
                problems.append(f"{name}: only {last} of {needed} lines are booked")
            for what, is_, shall in zip(
                    ("project", "calls", "checkpoints", "errors"), have, fold(lines[:last])):
                if is_ != shall:
                    problems.append(f"{name}: {what} are {is_}, the journal says {shall}")
            seen += 1
            calls += len(have[1])
    return problems, seen, calls


def main():
    path, queue = sys.argv[1:3]
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    problems, seen, calls = compare(database, queue, "--lagging" in sys.argv[3:])
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(f"{seen} projects, {calls} calls")


main()
