"""What a loss of power may leave of a folder, worked out from a recording of all calls that changed it.

The model of a file system
--------------------------
A file system holds nodes (files, folders, links). A program changes them in memory, and only some of
that is on disk. The promises that this model relies on, and no others:

- fsync(file), fdatasync(file), msync: the file's content and size are on disk. Not its name.
- fsync(folder): all names in it are on disk as they are then. Not what is in the nodes they stand for,
  and not the folder's own name in the folder above.
- A name in a folder changes as a whole: it stands for one node, for another, or for none; what a name
  was between two syncs of its folder, each of that may be found there.
- A rename within one folder is one step: both names change or neither. ext4, XFS and btrfs journal it
  as one transaction, and without it no program could replace a file.
- A rename across folders has two halves, the new name and the loss of the old one, each on disk with
  its own folder's sync. Found may be: neither, the new name alone (a file then has both), or both
  halves. The old name alone gone is found only where the old folder was synced and the new one was
  not: POSIX promises nothing there. A program that syncs the new folder first never sees it. Without
  any sync no file system drops both names (journaled ones take both halves in one transaction), so
  that is left out: no program could guard against it.
- A folder never has two names: journals keep that, and where there is none fsck does. So of a folder's
  rename the loss of the old name comes with the new one.

What is not synced may be on disk or not, in any combination, in parts too: that is the minimum that
POSIX leaves (fsync(2), "the file's directory entry needs an explicit fsync"). ext4 with data=ordered,
XFS and btrfs promise more: names become durable in the order of the calls (the prefixes below), a new
file's data may come later than its name (delayed allocation: names without data, lengths without data)
except where it replaces another (auto_da_alloc). Every state of theirs is among those of this model;
the other way round the model knows states that they never show.

Modes, owners and times are taken as they were last; nothing that tale promises rests on them. The
content of a mapped file is what the recording says at its sync or close.

Sources: fsync(2), rename(2), ext4(5) (data=, auto_da_alloc), the kernel's
Documentation/filesystems/ext4/journal.rst; Pillai et al., "All File Systems Are Not Created Equal"
(OSDI 2014), table 1, for what each keeps in order; sqlite.org/atomiccommit.html, section 2.
"""

import hashlib
import os
import re

BLOCK = 4096
SECTOR = 512
O_CREAT, O_TRUNC = 0o100, 0o1000
O_DSYNC = 0o10000
RENAME_EXCHANGE = 2
FALLOC_FL_KEEP_SIZE = 1


class Node:
    """A file, a folder or a link; `kept` is what is on disk of it, `now` what programs see."""

    def __init__(self, kind, mode, now):
        self.kind = kind
        self.mode = mode
        self.now = now
        self.kept = {} if kind == "folder" else now if kind == "link" else b""
        self.modified = None
        # Every folder that it ever had a name in.
        self.parents = set()
        # Of what is on disk; None where that has changed since.
        self.known_digest = None


class Step:
    """One change that is not on disk yet.

    Of a rename across folders `half` orders the halves, `needs` is the new name without which the old
    one does not go, and `brings`, of a folder's new name, the loss of all that it had before.
    """

    def __init__(self, number, node, path, site):
        self.number = number
        self.node = node
        self.path = path
        self.site = site
        self.half = 0
        self.needs = None
        self.brings = []
        self.is_brought = False

    is_name = False

    @property
    def label(self):
        return f"{self.number}" + ("+" if self.half else "")


class NameStep(Step):
    is_name = True

    def __init__(self, number, node, path, site, names):
        super().__init__(number, node, path, site)
        self.names = names

    def apply(self, names):
        for name, node in self.names.items():
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
        return names


class DataStep(Step):
    """A write at an offset, or a new size where `content` is None."""

    def __init__(self, number, node, path, site, offset, content):
        super().__init__(number, node, path, site)
        self.offset = offset
        self.content = content

    def apply(self, old, how="full"):
        if self.content is None:
            return old[: self.offset].ljust(self.offset, b"\0")
        content = self.content
        if how == "zeros":
            content = bytes(len(content))
        elif isinstance(how, tuple):
            kind, cut = how
            rest = bytes(len(content) - cut) if kind == "zeros" else b""
            content = content[:cut] + rest
            if kind == "cut" and not content:
                return old
        if len(old) < self.offset:
            old = old.ljust(self.offset, b"\0")
        return old[: self.offset] + content + old[self.offset + len(content) :]

    def cuts(self):
        """Where a write may end: at borders of sectors and blocks, and in the middle of a line."""
        length = len(self.content or b"")
        borders = set()
        for size in (SECTOR, BLOCK):
            first = size - self.offset % size
            found = list(range(first, length, size))
            # Of a long one the first, the middle and the last.
            borders |= set(found[:1] + found[len(found) // 2 : len(found) // 2 + 1] + found[-1:])
        line = self.content[:-1].rfind(b"\n") + 1 if length else 0
        borders.add((line + length) // 2)
        borders.add(length - 1)
        return sorted(cut for cut in borders if 0 < cut < length)


class Disk:
    """The folder at `root` while the calls of a recording are taken in one after the other."""

    def __init__(self, root):
        self.root = os.path.normpath(root)
        # Lines of the recording that were taken in; steps and states are named by them.
        self.number = 0
        self.top = Node("folder", 0o755, {})
        self.by_ino = {}
        self.pending = []
        # Of files that the recording makes, where it does not tell: by their ino.
        self.modes = {}

    @classmethod
    def of(cls, root):
        """A folder as it is now, all of it on disk."""
        disk = cls(root)
        disk.by_ino[ino(os.lstat(disk.root))] = disk.top
        disk.top.mode = os.lstat(disk.root).st_mode & 0o7777
        disk._read(disk.root, disk.top)
        return disk

    def _read(self, path, folder):
        for name in sorted(os.listdir(path)):
            inside = os.path.join(path, name)
            status = os.lstat(inside)
            known = self.by_ino.get(ino(status))
            if known is None:
                known = self.by_ino[ino(status)] = self._node(inside, status)
                known.modified = status.st_mtime_ns
                if known.kind == "folder":
                    self._read(inside, known)
            folder.now[name] = known
            folder.kept[name] = known
            known.parents.add(folder)

    @staticmethod
    def _node(path, status):
        mode = status.st_mode & 0o7777
        if os.path.islink(path):
            return Node("link", mode, os.readlink(path))
        if os.path.isdir(path):
            return Node("folder", mode, {})
        with open(path, "rb") as file:
            node = Node("file", mode, file.read())
        node.kept = node.now
        return node

    # MARK: Taking calls in

    def take(self, record, data):
        """Takes in the next record; `data` gives its bytes. Says whether it was a sync."""
        self.number += 1
        if record.get("result", 0) < 0:
            return False
        method = getattr(self, "_take_" + record["op"], None)
        if method is None:
            raise ValueError(f"the recording has an unknown call: {record}")
        return bool(method(record, data))

    def _relative(self, path):
        path = os.path.normpath(path)
        if path == self.root:
            return ""
        if not path.startswith(self.root + "/"):
            return None
        return path[len(self.root) + 1 :]

    def _find(self, path):
        """The folder that a path's name is in, the name, and the node it stands for."""
        relative = self._relative(path)
        if relative is None:
            return None, None, None
        if relative == "":
            return None, "", self.top
        node = self.top
        *parents, name = relative.split("/")
        for part in parents:
            node = node.now.get(part) if node is not None and node.kind == "folder" else None
        if node is None or node.kind != "folder":
            raise ValueError(f"call {self.number} is in a folder that no call made: {path}")
        return node, name, node.now.get(name)

    def _node_of(self, record):
        node = self.by_ino.get(record.get("ino"))
        return node if node is not None else self._find(record["path"])[2]

    def _name(self, record, folder, path, names):
        for node in names.values():
            if node is not None:
                node.parents.add(folder)
        step = NameStep(self.number, folder, self._relative(path), record.get("site"), names)
        step.apply(folder.now)
        self.pending.append(step)
        return step

    def _data(self, record, node, offset, content):
        step = DataStep(
            self.number, node, self._relative(record["path"]), record.get("site"), offset, content)
        if step.apply(node.now) == node.now:
            return
        node.now = step.apply(node.now)
        self.pending.append(step)
        if record.get("flags", 0) & O_DSYNC and record["op"].startswith(("write", "pwrite")):
            self.sync(node)

    def _make(self, record, kind, now):
        folder, name, known = self._find(record["path"])
        if folder is None or known is not None:
            return
        mode = self.modes.get(record.get("ino"), 0o755 if kind == "folder" else 0o644)
        node = Node(kind, mode, now)
        if "ino" in record:
            self.by_ino[record["ino"]] = node
        self._name(record, folder, record["path"], {name: node})

    def _take_open(self, record, data):
        flags = record.get("flags", 0)
        folder, _, node = self._find(record["path"])
        if node is None and folder is not None and flags & O_CREAT:
            self._make(record, "file", b"")
        elif node is not None and node.kind == "file" and flags & O_TRUNC and node.now:
            self._data(record, node, 0, None)

    def _take_write(self, record, data):
        node = self._node_of(record)
        if node is None or node.kind != "file":
            return
        content = data(record)
        offset = record.get("offset", -1)
        self._data(record, node, len(node.now) if offset is None or offset < 0 else offset, content)

    def _take_mapped(self, record, data):
        node = self._node_of(record)
        if node is None or node.kind != "file":
            return
        content = data(record)
        if len(content) < len(node.now):
            self._data(record, node, len(content), None)
        self._data(record, node, 0, content)

    def _take_truncate(self, record, data):
        node = self._node_of(record)
        if node is not None and node.kind == "file":
            self._data(record, node, record["length"], None)

    def _take_allocate(self, record, data):
        node = self._node_of(record)
        end = record.get("offset", 0) + record["length"]
        if record.get("flags", 0) & FALLOC_FL_KEEP_SIZE or node is None or end <= len(node.now):
            return
        self._data(record, node, end, None)

    def _take_mkdir(self, record, data):
        self._make(record, "folder", {})

    def _take_symlink(self, record, data):
        self._make(record, "link", record["target"])

    def _take_link(self, record, data):
        node = self._find(record["path"])[2]
        folder, name, known = self._find(record["target"])
        if folder is not None and known is None and node is not None:
            self._name(record, folder, record["target"], {name: node})

    def _take_unlink(self, record, data):
        folder, name, known = self._find(record["path"])
        if known is not None:
            self._name(record, folder, record["path"], {name: None})

    _take_rmdir = _take_unlink

    def _take_rename(self, record, data):
        source, old, node = self._find(record["path"])
        target, new, other = self._find(record["target"])
        if source is None or target is None or node is None or node is other:
            return
        behind = other if record.get("flags", 0) & RENAME_EXCHANGE else None
        earlier = []
        if node.kind == "folder":
            added = [step for step in self.pending if step.is_name and node in step.names.values()]
            earlier = added[-1].brings if added else []
        if source is target:
            step = self._name(record, source, record["target"], {old: behind, new: node})
            step.brings = list(earlier)
            return
        added = self._name(record, target, record["target"], {new: node})
        removed = self._name(record, source, record["path"], {old: behind})
        removed.half, removed.needs = 1, added
        if node.kind == "folder":
            added.brings = [*earlier, removed]
            removed.is_brought = True

    def _take_fsync(self, record, data):
        node = self._node_of(record)
        if node is not None:
            self.sync(node)
        return True

    _take_fdatasync = _take_fsync
    _take_msync = _take_fsync

    def _take_syncfs(self, record, data):
        for node in {step.node for step in self.pending}:
            self.sync(node)
        return True

    def _take_chmod(self, record, data):
        node = self._node_of(record)
        if node is not None:
            node.mode = record["flags"] & 0o7777
            self._forget_digest(node)

    def _ignore(self, record, data):
        return False

    # A start of writing promises nothing (sync_file_range(2)); a mapping's stores are told later.
    _take_sync_file_range = _take_mmap = _take_chown = _take_utimens = _take_close = _ignore

    def sync(self, node):
        self._forget_digest(node)
        mine = [step for step in self.pending if step.node is node]
        brought = {step for other in mine for step in other.brings}
        # Where a folder is now, no earlier name of it can come back.
        settled = {folder for step in mine if step.is_name
                   for folder in step.names.values() if folder and folder.kind == "folder"}
        rest = []
        for step in self.pending:
            if step.node is node or step in brought:
                kept = step.node.kept
                step.node.kept = step.apply(dict(kept) if step.is_name else kept)
                self._forget_digest(step.node)
                continue
            if step.is_name and step.number < self.number:
                later = {folder for other in mine if other.is_name and other.number > step.number
                         for folder in other.names.values()}
                for name in [name for name, found in step.names.items()
                             if found in settled and found in later]:
                    del step.names[name]
                if not step.names:
                    continue
            rest.append(step)
        self.pending = rest

    @staticmethod
    def _forget_digest(node):
        waiting, seen = [node], set()
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                node.known_digest = None
                waiting += node.parents

    # MARK: States

    def build(self, chosen):
        """The tree that is found when of what is pending only `chosen` is on disk.

        `chosen` gives for a step how it is there: "full", "zeros", ("cut", n), ("zeros", n), or None.
        """
        changed = self._changed(chosen)
        tree = Tree()
        self._walk(self.top, "", changed, tree)
        return tree

    def _changed(self, chosen):
        """What the chosen steps make of the nodes that they are about."""
        changed = {}
        hows = [(step, chosen(step)) for step in self.pending]
        brought = {step for other, how in hows if how for step in other.brings}
        left_out = set()
        for step, how in hows:
            if step.is_brought:
                how = "full" if step in brought else None
            # No file system drops the old name and has not got the new one (see above).
            if how is None or (step.needs in left_out and not step.is_brought):
                left_out.add(step)
                continue
            node = step.node
            if step.is_name:
                if node not in changed:
                    changed[node] = dict(node.kept)
                step.apply(changed[node])
            else:
                changed[node] = step.apply(changed.get(node, node.kept), how)
        return changed

    def _walk(self, folder, path, changed, tree):
        names = changed.get(folder, folder.kept)
        for name in sorted(names):
            node = names[name]
            inside = f"{path}/{name}" if path else name
            if node.kind == "folder":
                tree.entries[inside] = ("folder", node, None)
                self._walk(node, inside, changed, tree)
            else:
                tree.entries[inside] = (node.kind, node, changed.get(node, node.kept))

    def digest(self, chosen):
        """The same for all choices that build the same tree, without building it."""
        changed = self._changed(chosen)
        dirty = set()
        waiting = list(changed)
        while waiting:
            node = waiting.pop()
            if node not in dirty:
                dirty.add(node)
                waiting += node.parents
        return self._digest(self.top, changed, dirty)[:10].hex()

    def _digest(self, node, changed, dirty):
        if node not in dirty and node.known_digest:
            return node.known_digest
        now = changed.get(node, node.kept)
        hash = hashlib.sha256(f"{node.kind}{node.mode:o}\0".encode())
        if node.kind == "folder":
            for name in sorted(now):
                hash.update(name.encode("utf-8", "surrogateescape") + b"\0")
                hash.update(self._digest(now[name], changed, dirty))
        else:
            hash.update(now if node.kind == "file" else now.encode("utf-8", "surrogateescape"))
        if node not in dirty:
            node.known_digest = hash.digest()
        return hash.digest()

    def now(self):
        """What programs see: nothing is lost."""
        return self.build(lambda step: "full")


class Tree:
    """A state: what is at each path."""

    def __init__(self):
        self.entries = {}

    def content(self, path):
        entry = self.entries.get(path)
        return entry[2] if entry and entry[0] == "file" else None

    def write(self, place):
        """Puts the tree into an empty folder. Hard links stay such."""
        written = {}
        for path, (kind, node, content) in self.entries.items():
            target = os.path.join(place, path)
            if kind == "folder":
                os.mkdir(target)
                os.chmod(target, node.mode)
            elif kind == "link":
                os.symlink(content, target)
            elif node in written:
                os.link(written[node], target)
            else:
                written[node] = target
                with open(target, "wb") as file:
                    file.write(content)
                os.chmod(target, node.mode)
                if node.modified is not None:
                    os.utime(target, ns=(node.modified, node.modified))


def ino(status):
    """As faults.c writes it."""
    return f"{status.st_dev:x}:{status.st_ino}"


def choices(pending, since=0):
    """The chosen subsets of what is not synced: pairs of a name and what Disk.build() takes.

    The names hold the numbers of calls, so each can be found again in the recording. Prefixes and torn
    writes only of calls after `since`: those before it were prefixes at an earlier sync.
    """
    yield "none", lambda step: None
    if not pending:
        return
    yield "all", lambda step: "full"
    # Names without data, as delayed allocation leaves them; lengths without data; data without names.
    yield "names", lambda step: "full" if step.is_name else None
    yield "zeros", lambda step: "full" if step.is_name else "zeros"
    yield "data", lambda step: None if step.is_name else "full"
    for step in pending:
        if step.number > since:
            yield from _around(step)
    for step in pending:
        yield f"but-{step.label}", lambda other, step=step: None if other is step else "full"
        yield f"only-{step.label}", lambda other, step=step: "full" if other is step else None


def _around(step):
    def prefix(how, data="full"):
        def chosen(other):
            if (other.number, other.half) < (step.number, step.half):
                return "full" if other.is_name else data
            return how if other is step else None

        return chosen

    yield f"prefix-{step.label}", prefix("full")
    if step.is_name:
        yield f"names-{step.label}", prefix("full", None)
        return
    if step.content is None:
        return
    yield f"zeros-{step.label}", prefix("zeros")
    for cut in step.cuts():
        yield f"torn-{step.label}-{cut}", prefix(("cut", cut))
        yield f"tornzeros-{step.label}-{cut}", prefix(("zeros", cut))
        # The same, while what came after it is there.
        yield f"rip-{step.label}-{cut}", (
            lambda other, cut=cut: ("cut", cut) if other is step else "full")


VOLATILE = [
    (re.compile(r"\d{8}-\d{6}-([a-z0-9-]+)-[a-z0-9]{4}"), r"ID-\1"),
    (re.compile(r"objects/[0-9a-f]{2}(/[0-9a-f]{38})?"), "objects/xx"),
    (re.compile(r"tmp_object_git2_\w+"), "tmp_object"),
    (re.compile(r"\.tale\.\d+\.\d+"), ".tale.tmp"),
    (re.compile(r"batch-[0-9a-f]+"), "batch"),
]


def place_of(path):
    """A path without what differs from run to run."""
    for pattern, replacement in VOLATILE:
        path = pattern.sub(replacement, path)
    return path
