"""Holds a recording of faults.c against strace: whether it missed a call, or counted one that was
none."""

import re
from collections import Counter

# By strace's names; those that make or remove a name count where they did it.
OPS = {
    "write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write",
    "sendfile": "write", "copy_file_range": "write", "fsync": "fsync", "fdatasync": "fdatasync",
    "syncfs": "syncfs", "sync_file_range": "sync_file_range", "ftruncate": "truncate",
    "truncate": "truncate", "fallocate": "allocate", "msync": "msync", "open": "open",
    "openat": "open", "openat2": "open", "creat": "open", "read": "read", "pread64": "read",
    "readv": "read", "preadv": "read", "fchmod": "chmod", "chmod": "chmod", "fchmodat": "chmod",
    "fchmodat2": "chmod", "chown": "chown", "lchown": "chown", "fchown": "chown",
    "fchownat": "chown", "utimensat": "utimens",
}
NAMES = {
    "rename": "rename", "renameat": "rename", "renameat2": "rename", "mkdir": "mkdir",
    "mkdirat": "mkdir", "rmdir": "rmdir", "link": "link", "linkat": "link", "symlink": "symlink",
    "symlinkat": "symlink",
}
WITH_DESCRIPTOR = {"write", "fsync", "fdatasync", "syncfs", "sync_file_range", "truncate",
                   "allocate", "read"}
# Calls that change files and of which faults.c knows nothing: each is a finding.
UNKNOWN = {"mknod", "mknodat", "setxattr", "fsetxattr", "lsetxattr", "removexattr", "utime",
           "utimes", "futimesat", "pwritev2", "splice", "io_uring_enter", "io_submit"}


def calls(text):
    """Name, arguments and result of each call in the output of `strace -f -y`."""
    begun = {}
    for line in text.splitlines():
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest[:-len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
        if resumed:
            rest = begun.pop(thread, "") + resumed.group(1)
        call = re.match(r"(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)", rest)
        if call:
            yield call.groups()


def traced(text, root):
    """How often each kind of call was made below the root, as strace saw it."""
    counts = Counter()
    for name, arguments, result in calls(text):
        # Where the process stands says nothing about a whole path.
        arguments = re.sub(r'AT_FDCWD<[^>]*>, "/', '"/', arguments)
        if root not in arguments:
            continue
        failed = result.startswith("-")
        if name in NAMES:
            counts[NAMES[name]] += not failed
        elif name in ("unlink", "unlinkat"):
            counts["rmdir" if "AT_REMOVEDIR" in arguments else "unlink"] += not failed
        elif name == "mmap":
            counts["mmap"] += 1
        elif name in UNKNOWN:
            counts[name] += 1
        elif name in OPS and "O_PATH" not in arguments:
            op = OPS[name]
            # The name of a file may stand in what is written to another one.
            if op in WITH_DESCRIPTOR and not re.match(r"\d+<" + re.escape(root), arguments):
                if name not in ("sendfile", "copy_file_range", "truncate"):
                    continue
            if failed and op in ("chmod", "chown", "utimens"):
                continue
            counts[op] += 1
    return counts


def recorded(records):
    counts = Counter()
    for record in records:
        op = "open" if record["op"] == "opendir" else record["op"]
        if op == "mapped" or (record["result"] and op in set(NAMES.values()) | {"unlink"}):
            continue
        counts[op] += 1
    return counts


def missed(text, records, root):
    """What differs, in words; empty where the library saw what strace saw."""
    there, here = traced(text, root), recorded(records)
    return [f"{op}: strace saw {there[op]}, the library {here[op]}"
            for op in sorted(set(there) | set(here)) if there[op] != here[op]]
