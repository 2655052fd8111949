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
from collections import Counter

from books import books, cap, finished, ledger, receipt, repeated
from project import projects
from scene import ID, TITLES, listing

# From docs/reference/progress.md, in words of its own: the moves that a journal may hold.
MOVES = {
    "queued": {"planning", "running", "checking", "paused"},
    "planning": {"running", "paused", "queued"},
    "running": {"checking", "planning", "paused", "queued"},
    "checking": {"running", "paused", "queued"},
    "paused": {"queued"},
}


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


# What a repository holds, loose or packed, and what tale keeps beside main; not temporary files.
OF_GIT = re.compile(
    r"objects(/[0-9a-f]{2}(/[0-9a-f]{38})?"
    r"|/pack(/(pack-[0-9a-f]{40}\.(pack|idx|rev)|multi-pack-index))?|/info(/commit-graph)?)?$"
    r"|refs/tale(/stray(/\d+)?|/line(/\d+)?)?$|packed-refs$")
GIT_FOLDER = os.sep + os.path.join("work", ".git", "")
LEDGER_AT_WORK = re.compile(r"data/tale\.db-(wal|shm)$")


def names_of(root):
    """What is there by name and mode; IDs reduced to what they have in common, git's objects left
    out."""
    names = {}
    for path, entry in listing(root).items():
        inside = path.partition(GIT_FOLDER)[2]
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


def always(found, root, drops, is_at_rest):
    return (
        named("standing", standing(found, root, drops, is_at_rest))
        + named("ended", ended(found))
        + named("journal", journal(found, is_at_rest))
        + named("receipt", progress(found, is_at_rest))
        + named("cap", cap(found)))


def after_crash(root, drops):
    """What must hold at any instant, before anything mends it."""
    return always(projects(root), root, drops, is_at_rest=False)


def at_rest(root, drops, reference, calls, before=None, allowed=1):
    """What must hold when all work is done.

    `reference`: what ``remember`` gave for an undisturbed run; `calls`: the server's log; `before`
    and `allowed`: as in ``repeated``.
    """
    found = projects(root)
    return (
        always(found, root, drops, is_at_rest=True)
        + named("books", books(found, calls))
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
