"""The invariants of a queue, held from outside: plain Python, git's command line, SQLite.

Shares no code with tale. Two looks:

    after_crash(root, drops)            right after a kill or a loss of power, before anything runs
    at_rest(root, drops, reference, calls, ...)    after a last run without faults

Each gives a list of violations in words, each beginning with the name of the invariant:

    standing    what was dropped stands whole in exactly one place (durability 1)
    ended       a project ends once, where its end says (durability 2)
    repeated    no finished subtask is asked for again, and of each running one a call at most
                (durability 3)
    books       every token that the server counted is in the journal (durability 3)
    cap         tokens spent or set aside never pass the budget (durability 4)
    ledger      the database says what the journals say (durability 5)
    journal     whole lines, numbered, by the table of states; only a crash leaves a torn last line
    parity      the deliverable is that of an undisturbed run, byte for byte
    receipt     receipt.json, result.md and progress.json agree with journal and files
    git         fsck is content, status clean, each checkpoint there once
    litter      nothing is there that an undisturbed run does not leave
    delivery    a repeated delivery would be recognised
"""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
from collections import Counter

from scene import BUDGETS, ID, TITLES, listing, slug

PLACES = ("active", "outbox", "failed")

# From docs/reference/progress.md, in words of its own: the moves that a journal may hold.
MOVES = {
    "queued": {"planning", "running", "checking", "paused"},
    "planning": {"running", "paused", "queued"},
    "running": {"checking", "planning", "paused", "queued"},
    "checking": {"running", "paused", "queued"},
    "paused": {"queued"},
}


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


def read_journal(path):
    """Its whole lines, whether a torn one follows, and what is wrong with it."""
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
            return lines, torn, f"line {number} is no line of a journal: {part[:60]!r}"
    return lines, torn, None


def projects(root):
    found = []
    for place in PLACES:
        folder = os.path.join(root, "queue", place)
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            found.append(Project(root, place, name))
    return found


# ---- The invariants, one function each; each gives the violations in words ----


def standing(found, root, drops, is_at_rest):
    """Each drop stands whole in one place. In between, staging counts as one."""
    for project in found:
        if project.slug is None or project.slug not in TITLES:
            yield f"{project}: not the ID of a drop"
            continue
        name = next(name for name in drops if name.split(".")[0] == project.slug)
        wanted = drops[name]
        description = wanted.get("", wanted.get("project.md"))
        try:
            if project.bytes("project.md") != description.encode():
                yield f"{project}/project.md is not what was dropped"
        except OSError as error:
            yield f"{project}: {error}"
        if "" not in wanted and not holds(os.path.join(project.path, "input"), wanted):
            yield f"{project}/input is not what was dropped"
        if is_at_rest and project.place != "outbox":
            yield f"{project} should be in outbox"
    for name, files in drops.items():
        base = name.split(".")[0]
        places = [str(project) for project in found if project.slug == base]
        waiting = os.path.join(root, "queue", "inbox", name)
        whole = holds_file(waiting, files[""]) if "" in files else holds(waiting, files)
        # A folder that is on its way may have its description still or already beside it.
        staged = [] if is_at_rest else staged_drops(root, base)
        if is_at_rest and len(places) != 1:
            yield f"{name} stands in {places or 'no place'} of active, outbox and failed"
        if is_at_rest and os.path.lexists(waiting):
            yield f"{name} still stands in the inbox"
        if not is_at_rest and len(places) + whole + len(staged) < 1:
            yield f"{name} is lost: neither in the inbox nor accepted"
        if len(places) > 1:
            yield f"{name} became several projects: {', '.join(places)}"


def staged_drops(root, base):
    folder = os.path.join(root, "queue", ".tale", "staging")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return [name for name in names if re.search(rf"\d{{6}}-{base}-[a-z0-9]{{4}}", name)]


def holds_file(path, text):
    try:
        with open(path, "rb") as file:
            return file.read() == text.encode()
    except OSError:
        return False


def holds(folder, files):
    """Whether a folder has exactly these files."""
    there = {}
    for base, _, names in os.walk(folder):
        for name in names:
            there[os.path.relpath(os.path.join(base, name), folder)] = os.path.join(base, name)
    return set(there) == set(files) and all(
        holds_file(there[name], text) for name, text in files.items())


def ended(found):
    for project in found:
        ends = project.events("ended")
        if len(ends) > 1:
            yield f"{project} ended {len(ends)} times"
        if ends and project.lines[-1] is not ends[-1]:
            yield f"{project}: lines follow its end"
        if project.place != "active" and not ends:
            yield f"{project} stands there and has not ended"
        if ends and (ends[0]["outcome"] == "done") != (project.place == "outbox") \
                and project.place != "active":
            yield f"{project} ended as {ends[0]['outcome']}"
        if project.place != "active" and project.torn:
            yield f"{project}: its journal is torn"


def journal(found, is_at_rest):
    for project in found:
        if project.damage:
            yield f"{project}/events.jsonl {project.damage}"
        if is_at_rest and project.torn:
            yield f"{project}/events.jsonl ends in a torn line"
        if not project.lines or project.lines[0].get("event") != "accepted":
            yield f"{project}/events.jsonl does not begin with accepted"
            continue
        accepted = project.lines[0]
        if accepted["id"] != project.id:
            yield f"{project} was accepted as {accepted['id']}"
        try:
            if hashlib.sha256(project.bytes("project.md")).hexdigest() != accepted["sha256"]:
                yield f"{project}: project.md is not what was accepted"
        except OSError:
            pass  # said by `standing`
        state = "queued"
        for line in project.lines:
            if line["event"] == "moved":
                if line["from"] != state or line["to"] not in MOVES.get(state, ()):
                    yield f"{project}: line {line['number']} moves {line['from']} -> {line['to']}"
                state = line["to"]
        if project.events("ended") and project.events("ended")[0]["outcome"] == "done" \
                and state != "checking":
            yield f"{project} is done out of {state}"
    sequences = Counter(project.lines[0].get("sequence") for project in found if project.lines)
    for sequence, count in sequences.items():
        if count > 1:
            yield f"the number {sequence} was given {count} times"


def progress(found, is_at_rest):
    for project in found:
        try:
            shown = json.loads(project.bytes("progress.json"))
        except (OSError, ValueError) as error:
            yield f"{project}/progress.json is not whole: {error}"
            continue
        if shown.get("id") != project.id:
            yield f"{project}/progress.json is of {shown.get('id')}"
        if is_at_rest and (shown.get("state"), shown.get("percent")) != ("done", 100):
            yield f"{project}/progress.json says {shown.get('state')}, {shown.get('percent')} %"


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


def repository(project):
    """What of its work is compared with that of an undisturbed run."""
    tree = [line for line in project.git("ls-tree", "-r", "HEAD").stdout.splitlines()
            if line.split("\t")[1] != ".tale/state.json"]
    files = {name: entry for name, entry in listing(project.work).items()
             if name.split("/")[0] != ".git" and name != ".tale/state.json"}
    subjects = project.git("log", "--format=%s", "main").stdout.splitlines()
    after = listing(os.path.join(project.path, "after"))
    return {"tree": tree, "files": files, "commits": subjects, "after": after}


def parity(found, reference):
    for project in found:
        wanted = reference["projects"].get(project.slug, {})
        have = repository(project)
        for part, value in have.items():
            if value != wanted.get(part):
                yield f"{project}: its {part} are not those of an undisturbed run: {difference(value, wanted.get(part))}"


def difference(have, wanted):
    if wanted is None:
        return "there was no such project"
    have = set(have.items() if isinstance(have, dict) else have)
    wanted = set(wanted.items() if isinstance(wanted, dict) else wanted)
    return f"more {sorted(have - wanted)[:3]}, less {sorted(wanted - have)[:3]}"


def repositories(found):
    for project in found:
        if not os.path.isdir(os.path.join(project.work, ".git")):
            yield f"{project}/work is no repository"
            continue
        check = project.git("fsck", "--strict", "--no-dangling", "--no-progress")
        if check.returncode or check.stdout.strip() or check.stderr.strip():
            yield f"{project}: git fsck: {(check.stdout + check.stderr).strip()[:200]}"
        status = project.git("status", "--porcelain", "--ignored")
        if status.returncode or status.stdout:
            yield f"{project}: git status: {(status.stdout + status.stderr).strip()[:200]}"
        if project.git("symbolic-ref", "HEAD").stdout.strip() != "refs/heads/main":
            yield f"{project}: HEAD is not main"
        line = project.git("log", "--format=%H", "main").stdout.split()
        for event in project.events("planned") + project.events("committed"):
            if event["commit"] not in line:
                yield f"{project}: the commit of line {event['number']} is not on main"
        named = {event["subtask"] for event in project.events("committed")}
        state = project.git("show", "HEAD:.tale/state.json").stdout
        kept = [entry["subtask"] for entry in json.loads(state)["done"]] if state else []
        if set(kept) != named or len(kept) != len(named):
            yield f"{project}: state.json has {kept}, the journal {sorted(named)}"


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


# What a repository holds, loose or packed, and what tale keeps beside main; not temporary files.
OF_GIT = re.compile(
    r"objects(/[0-9a-f]{2}(/[0-9a-f]{38})?"
    r"|/pack(/(pack-[0-9a-f]{40}\.(pack|idx|rev)|multi-pack-index))?|/info(/commit-graph)?)?$"
    r"|refs/tale(/stray(/\d+)?|/line(/\d+)?)?$|packed-refs$")
LEDGER_AT_WORK = re.compile(r"data/tale\.db-(wal|shm)$")


def names_of(root):
    """What is there by name and mode; IDs reduced to what they have in common, git's objects left
    out."""
    names = {}
    for path, entry in listing(root).items():
        inside = path.partition("/work/.git/")[2]
        if OF_GIT.match(inside) or LEDGER_AT_WORK.match(path):
            continue
        names[ID.sub(lambda match: f"ID-{match.group(1)}", path)] = entry[0]
    return names


def litter(root, reference):
    have, wanted = names_of(root), reference["names"]
    for path in sorted(set(have) - set(wanted)):
        yield f"{path} was left behind"
    for path in sorted(set(wanted) - set(have)):
        yield f"{path} is missing"
    for path in sorted(set(wanted) & set(have)):
        if have[path] != wanted[path]:
            yield f"{path} has the mode {have[path]}, not {wanted[path]}"


def delivery(found, root):
    path = os.path.join(root, "queue", ".tale", "accepted.jsonl")
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except OSError as error:
        yield f"accepted.jsonl: {error}"
        return
    counts = Counter()
    for line in lines:
        try:
            counts[json.loads(line)["id"]] += 1
        except ValueError:
            pass  # torn by a crash; readers pass over it
    for project in found:
        if counts[project.id] != 1:
            yield f"{project} stands {counts[project.id]} times in accepted.jsonl"


# ---- The two looks ----


def named(name, violations):
    return [f"{name}: {text}" for text in violations]


def after_crash(root, drops):
    """What must hold at any instant, before anything mends it."""
    found = projects(root)
    return (
        named("standing", standing(found, root, drops, is_at_rest=False))
        + named("ended", ended(found))
        + named("journal", journal(found, is_at_rest=False))
        + named("receipt", progress(found, is_at_rest=False))
        + named("cap", cap(found)))


def at_rest(root, drops, reference, calls, before=None, allowed=1):
    """What must hold when all work is done.

    `reference`: what ``remember`` gave for an undisturbed run; `calls`: the server's log; `before`
    and `allowed`: as in ``repeated``.
    """
    found = projects(root)
    return (
        named("standing", standing(found, root, drops, is_at_rest=True))
        + named("ended", ended(found))
        + named("journal", journal(found, is_at_rest=True))
        + named("receipt", progress(found, is_at_rest=True))
        + named("books", books(found, calls))
        + named("cap", cap(found))
        + named("repeated", repeated(found, calls, before, allowed))
        + named("ledger", ledger(found, root))
        + named("git", repositories(found))
        + named("receipt", receipt(found))
        + named("parity", parity(found, reference) if reference else ())
        + named("litter", litter(root, reference) if reference else ())
        + named("delivery", delivery(found, root)))


def remember(root):
    """Of an undisturbed run: what others are held against."""
    return {
        "projects": {project.slug: repository(project) for project in projects(root)},
        "names": names_of(root),
    }
