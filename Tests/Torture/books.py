"""The invariants about calls and tokens: journal, server, ledger and receipt say the same."""

import hashlib
import json
import os
import sqlite3
from collections import Counter

from project import projects
from scene import BUDGETS, TITLES


def books(found, calls):
    """Of each task: at least as many calls in the journal as the server saw, none forgotten, none
    cheaper; those that were answered cost what the server counted."""
    for project in found:
        title = TITLES.get(project.slug)
        seen = [call for call in calls if call["project"] == title]
        settled = {line["call"]: line for line in project.events("settled")}
        open_calls = [line["call"] for line in project.events("reserved")
                      if line["call"] not in settled]
        if open_calls and project.place != "active":
            yield f"{project}: calls {open_calls} were never settled"
        for task in {call["task"] for call in seen}:
            of_server = [call for call in seen if call["task"] == task]
            numbers = [line["call"] for line in project.events("reserved")
                       if line.get("subtask", "plan") == task]
            booked = [settled[number]["booked"] for number in numbers if number in settled]
            if len(numbers) < len(of_server):
                yield (f"{project}: the server had {len(of_server)} calls for {task}, the journal "
                       f"{len(numbers)}")
            spent = sum(call["prompt_tokens"] + call["completion_tokens"] for call in of_server)
            if sum(booked) < spent:
                yield f"{project}: {task} took {spent} tokens, {sum(booked)} are booked"
            costs = Counter((call["prompt_tokens"], call["completion_tokens"])
                            for call in of_server)
            for number in numbers:
                line = settled.get(number)
                if line is None or line["outcome"] not in ("answered", "cut"):
                    continue
                cost = (line.get("prompt_tokens"), line.get("completion_tokens"))
                if line["booked"] != sum(part or 0 for part in cost) or not costs[cost]:
                    yield f"{project}: call {number} is booked with {cost}, which is no call's cost"
                costs[cost] -= 1


def cap(found):
    for project in found:
        limit = BUDGETS.get(project.slug)
        if limit is None:
            continue
        spent = {}
        for line in project.lines:
            if line["event"] == "reserved":
                spent[line["call"]] = line["tokens"]
            elif line["event"] == "settled":
                if line["booked"] > spent.get(line["call"], 0):
                    yield f"{project}: call {line['call']} cost more than was set aside"
                spent[line["call"]] = line["booked"]
            if sum(spent.values()) > limit:
                yield f"{project}: line {line['number']} passes the budget of {limit} tokens"


def repeated(found, calls, before=None, allowed=1):
    """`before`: what ``finished`` gave after the crash, and how many calls there were by then."""
    for project in found:
        done = set()
        for line in project.lines:
            if line["event"] == "committed":
                if line["subtask"] in done:
                    yield f"{project}: {line['subtask']} was committed twice"
                done.add(line["subtask"])
            if line["event"] == "reserved" and line.get("subtask") in done:
                yield f"{project}: {line['subtask']} was asked for after it was done"
    messages = Counter((call["project"], call["task"], call["message"]) for call in calls)
    again = {key[:2]: count - 1 for key, count in messages.items() if count > 1}
    if sum(again.values()) > allowed:
        yield f"calls were repeated: {again}"
    if before:
        done, count = before
        for call in calls[count:]:
            if (call["project"], call["task"]) in done:
                yield f"{call['project']}: {call['task']} was done and asked for again"


def finished(root):
    """What is done by the commits of each project: pairs of title and subtask."""
    done = set()
    for project in projects(root):
        if not os.path.isdir(os.path.join(project.work, ".git")):
            continue
        state = project.git("show", "refs/heads/main:.tale/state.json")
        if state.returncode == 0:
            for entry in json.loads(state.stdout)["done"]:
                done.add((TITLES.get(project.slug), entry["subtask"]))
    return done


def ledger(found, root):
    path = os.path.join(root, "data", "tale.db")
    if not os.path.exists(path):
        yield "there is no tale.db"
        return
    database = sqlite3.connect(path)
    try:
        check = database.execute("PRAGMA integrity_check").fetchall()
        if check != [("ok",)]:
            yield f"tale.db: {check}"
        known = {row[0] for row in database.execute("SELECT id FROM projects")}
        for project in found:
            yield from in_ledger(database, project)
        for extra in known - {project.id for project in found}:
            yield f"tale.db has {extra}, which is no project"
    except sqlite3.Error as error:
        yield f"tale.db cannot be read: {error}"
    finally:
        database.close()


def in_ledger(database, project):
    row = database.execute(
        "SELECT state, last_line, ended_at IS NOT NULL FROM projects WHERE id = ?",
        (project.id,)).fetchone()
    ends = project.events("ended")
    if row is None:
        yield f"{project} is not in tale.db"
        return
    if row[1:] != (len(project.lines), int(bool(ends))) or (ends and row[0] != ends[0]["outcome"]):
        yield f"{project}: tale.db has {row}, the journal {len(project.lines)} lines"
    booked = {line["call"]: line for line in project.events("settled")}
    wanted = []
    for line in project.events("reserved"):
        end = booked.get(line["call"], {})
        wanted.append((line["call"], line.get("subtask"), line["tokens"], end.get("outcome"),
                       end.get("prompt_tokens"), end.get("completion_tokens"), end.get("booked")))
    rows = database.execute(
        "SELECT call, subtask, reserved_tokens, outcome, prompt_tokens, completion_tokens,"
        " booked_tokens FROM executions WHERE project = ? ORDER BY call", (project.id,)).fetchall()
    if rows != wanted:
        yield f"{project}: the calls in tale.db are {rows}, in the journal {wanted}"
    commits = [line["commit"] for line in project.lines if line["event"] in ("planned", "committed")]
    rows = database.execute(
        "SELECT commit_id FROM checkpoints WHERE project = ? ORDER BY line", (project.id,))
    if [row[0] for row in rows] != commits:
        yield f"{project}: the checkpoints in tale.db are not those of the journal"


def receipt(found):
    for project in found:
        try:
            paper = json.loads(project.bytes("receipt.json"))
            result = project.bytes("result.md").decode()
            shown = json.loads(project.bytes("progress.json"))
        except (OSError, ValueError) as error:
            yield f"{project}: {error}"
            continue
        settled = project.events("settled")
        prompt = sum(line.get("prompt_tokens", 0) for line in settled)
        completion = sum(line.get("completion_tokens", 0) for line in settled)
        booked = sum(line["booked"] for line in settled)
        tokens = paper["tokens"]
        sums = (tokens["prompt"], tokens["completion"], tokens["booked"], tokens["calls"])
        if sums != (prompt, completion, booked, len(settled)):
            yield f"{project}: receipt.json has {sums}, the journal {(prompt, completion, booked)}"
        row = f"| {len(settled)} | {prompt} | {completion} | {booked} |"
        if row not in result:
            yield f"{project}: result.md lacks {row}"
        if [shown["tokens"][key] for key in ("prompt", "completion", "booked")] \
                != [prompt, completion, booked]:
            yield f"{project}: progress.json counts {shown['tokens']}"
        head = project.git("rev-parse", "HEAD", "HEAD^{tree}").stdout.split()
        if [paper["commit"], paper["tree"]] != head:
            yield f"{project}: receipt.json is not of HEAD"
        there = {}
        for base, folders, names in os.walk(project.work):
            folders[:] = [name for name in folders
                          if base != project.work or name not in (".git", ".tale")]
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    content = file.read()
                there[os.path.relpath(path, project.work)] = (
                    len(content), hashlib.sha256(content).hexdigest())
        if {file["path"]: (file["bytes"], file["sha256"]) for file in paper["files"]} != there:
            yield f"{project}: the files of receipt.json are not those in work/"
