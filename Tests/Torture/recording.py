"""All calls of a run that change or sync files, as faults.c wrote them down, and what it started from."""

import base64
import json
import os
import threading

import disk as disks
import model
from scene import Scene

SYNCS = {"fsync", "fdatasync", "msync", "syncfs"}


class MarkingServer(model.Server):
    """Notes with each call how many lines the recording had by then."""

    recordings = ()

    def log(self, case, entry):
        entry["mark"] = 0
        for recording in self.recordings:
            with open(recording, "rb") as file:
                entry["mark"] += file.read().count(b"\n")
        super().log(case, entry)

class Recording:
    """All calls of a run, or of two with a kill between them, and what they started from."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "start.json")) as file:
            start = json.load(file)
        self.root, self.nodes, self.modes, self.calls = (
            start["root"], start["nodes"], start["modes"], start["calls"])
        self.kill = start["kill"]
        self.records = []
        self.bytes = b""
        # Until here another recording has the same states.
        self.begin = 0
        for name in start["runs"]:
            self.begin = len(self.records)
            with open(os.path.join(folder, name), errors="surrogatepass") as file:
                for line in file:
                    record = json.loads(line)
                    if "data" in record:
                        record["data"] += len(self.bytes)
                    self.records.append(record)
            with open(os.path.join(folder, name + ".data"), "rb") as file:
                self.bytes += file.read()
        # Of these each has to be answered once.
        self.needed = len({call["message"] for call in self.calls})

    @classmethod
    def make(cls, folder, harness, plant, kill=None):
        """Runs tale in a new household and records it.

        `kill` is a call before which a first run is killed.
        """
        runs = ["calls-1", "calls-2"] if kill else ["calls-1"]
        server = MarkingServer(folder)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scene = Scene(os.path.join(folder, "household"), harness.tale, server.url, "made")
        scene.make()
        nodes = snapshot(scene.root)
        for number, name in enumerate(runs):
            path = os.path.join(folder, name)
            server.recordings = [*server.recordings, path]
            faults = {"kill": str(kill)} if number < len(runs) - 1 else {}
            run = scene.drain({**harness.preloaded(scene, record=path, **faults), **plant})
        server.shutdown()
        if run.code or run.errors:
            raise RuntimeError(f"power: the run to be recorded ended with {run.code}: {run.errors}")
        start = {
            "root": scene.root, "nodes": nodes, "calls": read_calls(folder), "runs": runs,
            "kill": kill, "modes": {entry["ino"]: entry["mode"] for entry in snapshot(scene.root)},
        }
        with open(os.path.join(folder, "start.json"), "w") as file:
            json.dump(start, file)
        recording = cls(folder)
        recording.check(scene.root)
        return recording

    def check(self, place):
        """The control of the recording: the calls must come to what is there now."""
        disk = self.disk()
        for record in self.records:
            disk.take(record, self.data)
        found = {path: entry[::2] for path, entry in disk.now().entries.items()}
        there = {path: entry[::2] for path, entry in disks.Disk.of(place).now().entries.items()}
        for path in sorted(set(found) | set(there)):
            if found.get(path) != there.get(path):
                raise RuntimeError(f"power: the recording does not come to what is there now: {path}")

    def disk(self):
        disk = disks.Disk(self.root)
        disk.modes = self.modes
        made = {"": disk.top}
        for entry in self.nodes:
            node = disk.by_ino.get(entry["ino"])
            if node is None:
                now = {} if entry["kind"] == "folder" else entry.get("target")
                if entry["kind"] == "file":
                    now = base64.b64decode(entry["content"])
                node = disk.top if not entry["path"] else disks.Node(entry["kind"], entry["mode"], now)
                node.kept = dict(now) if entry["kind"] == "folder" else now
                node.mode, node.modified = entry["mode"], entry["modified"]
                disk.by_ino[entry["ino"]] = node
            if entry["path"]:
                parent, _, name = entry["path"].rpartition("/")
                made[entry["path"]] = node
                made[parent].now[name] = made[parent].kept[name] = node
                node.parents.add(made[parent])
        return disk

    def data(self, record):
        start = record["data"]
        return self.bytes[start : start + record["result"]]

    def syncs(self):
        """The number of each sync, its record, and the disk right before it; last the end."""
        disk = self.disk()
        for number, record in enumerate(self.records, 1):
            if record["op"] in SYNCS and number > self.begin:
                yield number, record, disk
            disk.take(record, self.data)
        yield len(self.records) + 1, {"op": "end", "path": self.root, "site": "end"}, disk

    def called_before(self, number):
        return [call for call in self.calls if call["mark"] < number]


def read_calls(folder):
    with open(os.path.join(folder, "made.jsonl")) as file:
        return [json.loads(line) for line in file]


def snapshot(root):
    """Everything in a folder as it is now, folders before what is in them."""
    found = [describe(root, root)]
    for folder, folders, files in os.walk(root):
        folders.sort()
        found += [describe(root, os.path.join(folder, name)) for name in sorted(folders + files)]
    return found


def describe(root, path):
    status = os.lstat(path)
    entry = {
        "path": os.path.relpath(path, root) if path != root else "",
        "ino": disks.ino(status), "mode": status.st_mode & 0o7777, "modified": status.st_mtime_ns,
    }
    if os.path.islink(path):
        return entry | {"kind": "link", "target": os.readlink(path)}
    if os.path.isdir(path):
        return entry | {"kind": "folder"}
    with open(path, "rb") as file:
        return entry | {"kind": "file", "content": base64.b64encode(file.read()).decode()}
