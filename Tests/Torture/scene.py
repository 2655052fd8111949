"""The small queue that is tortured: a home, a configuration, two drops, and tale run on them."""

import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess

NOTES = """\
---
title: Trip notes
budget: {tokens: 60k}
---
# Trip notes

Notes for a week by train and ship.

## Collect

- [ ] List what is known
- [ ] Write the facts -> `facts.json`

## Write

- [ ] Write the packing list -> `packing.md`
- [ ] Write the days -> `texts/days.md`
"""

REPORT = """\
---
after: [notes]
start: input
---
# Report

Two texts from what came along.
"""

# What is dropped: a task list as a file, and a folder with files whose plan the model makes.
DROPS = {
    "notes.md": {"": NOTES},
    "report": {
        "project.md": REPORT,
        "top.txt": "What stood at the top.\n",
        "data/words.txt": "one two three\n",
        "data/empty": "",
    },
}
TITLES = {"notes": "Trip notes", "report": "Report"}
BUDGETS = {"notes": 60_000}
MODIFIED = 1_760_000_000

# Seconds that a run may take on a loaded machine; it takes about one.
PATIENCE = 300

ID = re.compile(r"\b\d{8}-\d{6}-([a-z0-9-]*?)-[a-z0-9]{4}(?![a-z0-9-])")


def slug(project_id):
    """The readable part of an ID, by which the two projects are told apart."""
    match = ID.fullmatch(project_id)
    return match.group(1) if match else None


class Run:
    """What became of a run of tale."""

    def __init__(self, code, errors, hung=False):
        self.code = code
        self.errors = errors
        self.hung = hung


class Scene:
    """One household of its own.

    `url` is the chat server's, `case` the name under which it logs this household's calls.
    """

    def __init__(self, root, tale, url, case):
        self.root = os.path.realpath(root)
        self.tale = tale
        self.url = url
        self.case = case

    @property
    def queue(self):
        return os.path.join(self.root, "queue")

    @property
    def ledger(self):
        return os.path.join(self.root, "data", "tale.db")

    def make(self):
        for folder in ["home", "data", "queue/inbox"]:
            os.makedirs(os.path.join(self.root, folder))
        with open(os.path.join(self.root, "config.yaml"), "w") as file:
            file.write(
                "models:\n  task_model: scripted\n  ux_model: scripted\n  servers:\n"
                f'    there: {{kind: openai, url: "{self.url}/{self.case}"}}\n'
                "  definitions:\n    scripted: {server: there, context: 8192, slots: 1}\n"
                "queue:\n  inhibit_sleep: off\n"
            )
        for name, files in DROPS.items():
            for path, text in files.items():
                target = os.path.join(self.queue, "inbox", name, path).rstrip("/")
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w") as file:
                    file.write(text)
            os.utime(os.path.join(self.queue, "inbox", name), (MODIFIED, MODIFIED))

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, more=()):
        return {
            "HOME": os.path.join(self.root, "home"),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TALE_CONFIG": os.path.join(self.root, "config.yaml"),
            "TALE_QUEUE_ROOT": self.queue,
            "TALE_SYSTEM_DATA_DIR": os.path.join(self.root, "data"),
            "TALE_QUEUE_SETTLE": "0.01",
            "TALE_QUEUE_SETTLE_FOLDER": "0.02",
            # Otherwise every case prints a trace of a crash, which takes a minute.
            "SWIFT_BACKTRACE": "enable=no",
            **dict(more),
        }

    def drain(self, more=(), before=()):
        """Runs `tale drain` to its end; `before` stands in front of the command."""
        process = subprocess.Popen(
            [*before, self.tale, "drain"], cwd=self.root, env=self.environment(more),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            errors = process.communicate(timeout=PATIENCE)[1]
            hung = False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            errors = process.communicate()[1]
            hung = True
        return Run(process.returncode, errors.decode("utf-8", "replace"), hung)


def listing(root):
    """Everything below a folder: mode, and for files size and SHA-256, by path."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            entry = [stat.filemode(status.st_mode)]
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    entry.append(hashlib.sha256(file.read()).hexdigest())
            elif stat.S_ISLNK(status.st_mode):
                entry.append(os.readlink(path))
            found[os.path.relpath(path, root)] = tuple(entry)
    return found
