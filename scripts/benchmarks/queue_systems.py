"""The queues that tale stands beside, each behind the same few steps."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from benchmarks import counts, household, syncs

TRACED = 20
PYTHON = pathlib.Path(__file__).parents[2] / ".build/bench-python"
NEEDED = ("tsp", "nq", "inotifywait")
CREATED, MOVED_TO = 0x100, 0x80


def missing():
    """What of the others is not installed."""
    return [tool for tool in NEEDED if not shutil.which(tool)] + (
        [] if (PYTHON / "bin/huey_consumer").exists() else ["huey"]) + (
        [] if list(PYTHON.glob("lib/python3*/site-packages/git")) else ["GitPython"])


class System:
    """A queue in a folder of its own. A job that started leaves its name in `place`."""

    accepts_only = False

    def __init__(self, folder, tale):
        self.folder, self.tale = folder, tale
        self.place = f"{folder}/started"
        os.makedirs(self.place, exist_ok=True)
        # The mark finds its processes again, also those that it left behind.
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8",
                    "BENCH_QUEUE": folder}
        self.started = household.Arrivals(self.place, CREATED)

    def job(self, name):
        """The work. That of the name `block` keeps the queue busy."""
        mark = ["touch", f"{self.place}/{name}"]
        return mark if name != "block" else ["sh", "-c", f"{' '.join(mark)}; exec sleep 60"]

    def call(self, *command):
        subprocess.run(command, env=self.env, cwd=self.folder, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def start(self):
        """Begins whatever has to run before a job is handed over."""

    def prepare(self, names):
        """What whoever hands over has done before."""

    def rest(self):
        """Waits for what is left of many jobs."""

    def processes(self):
        mark = f"BENCH_QUEUE={self.folder}\0".encode()
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes() + b"\0":
                    found.append(int(path.parent.name))
        return found

    def kill(self):
        """kill -9 of all that belongs to this queue."""
        for _ in range(10):
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        if left := self.processes():
            raise SystemExit(f"bench: {self.name}: {left} outlived kill -9")

    def stop(self):
        self.kill()
        self.started.close()

    def traced(self, *command):
        """A command under strace, and what then gives the syncs for a job that it made."""
        trace = f"{self.folder}/trace"
        before = ["strace", "-f", "-qq", "-e", f"trace={counts.SYNCS}", "-o", trace]
        process = subprocess.Popen([*before, *command], env=self.env, cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        return process, lambda: sum(
            bool(counts.IS_SYNC.search(line)) for line in syncs.lines_of(trace)) / TRACED

    def traced_script(self, script):
        process, count = self.traced("sh", "-c", script)
        process.wait(120)
        return count()


class Tale(System):
    """Accepting alone: the work of tale is a model's."""

    name = "tale"
    accepts_only = True

    def __init__(self, folder, tale):
        os.makedirs(f"{folder}/q")
        super().__init__(folder, tale)
        self.running = contextlib.ExitStack()
        self.place = f"{folder}/q/queue/active"

    def start(self):
        is_new = not os.path.exists(self.place)
        self.running.enter_context(
            household.accepting(self.tale, f"{self.folder}/q", mark=self.folder))
        if is_new:
            self.started.close()
            self.started = household.Arrivals(self.place, MOVED_TO)

    def prepare(self, names):
        for name in names:
            household.prepare(f"{self.folder}/q", name)

    def hand_over(self, name):
        source, target = household.places(f"{self.folder}/q", name)
        if not os.path.exists(source):
            household.prepare(f"{self.folder}/q", name)
        os.rename(source, target)

    def kill(self):
        super().kill()
        self.running.close()

    def syncs(self):
        # Counted for one at a time; many at once share some (the part `syncs` has both).
        trace = syncs.batch(self.tale, f"{self.folder}/traced", drops=1)
        return sum(map(syncs.is_sync, trace.of("batch-")))


class TaskSpooler(System):
    name = "task-spooler"

    def __init__(self, folder, tale):
        super().__init__(folder, tale)
        self.env["TS_SOCKET"] = f"{folder}/tsp.socket"

    def start(self):
        pathlib.Path(self.env["TS_SOCKET"]).unlink(missing_ok=True)
        # Starts the server.
        self.call("tsp", "-l")

    def hand_over(self, name):
        self.call("tsp", "-n", *self.job(name))

    def rest(self):
        self.call("tsp", "-w")

    def stop(self):
        super().stop()
        self.env["TS_SOCKET"] += ".traced"

    def syncs(self):
        return self.traced_script(
            f"for i in $(seq {TRACED}); do tsp -n true; done; tsp -w; tsp -K")


class NQ(System):
    name = "nq"

    def __init__(self, folder, tale):
        super().__init__(folder, tale)
        self.env["NQDIR"] = f"{folder}/nq"

    def hand_over(self, name):
        self.call("nq", "-q", *self.job(name))

    def rest(self):
        self.call("nq", "-w")

    def syncs(self):
        return self.traced_script(f"for i in $(seq {TRACED}); do nq -q true; done; nq -w")


class Loop(System):
    name = "inotifywait loop"
    script = """
mkdir -p inbox taken
inotifywait -m -e moved_to --format %f inbox 2>ready | while IFS= read -r name; do
  mv "inbox/$name" "taken/$name"
  touch "started/$name"
  if [ "$name" = block ]; then sleep 60; fi
done
"""

    def start(self):
        ready = pathlib.Path(self.folder, "ready")
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["sh", "-c", self.script], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL)
        self.wait_until_ready()

    def wait_until_ready(self):
        ready = pathlib.Path(self.folder, "ready")
        household.wait_for(lambda: ready.exists() and "established" in ready.read_text(),
                           "inotifywait")

    def prepare(self, names):
        for name in names:
            pathlib.Path(self.folder, f".{name}").touch()

    def hand_over(self, name):
        source = f"{self.folder}/.{name}"
        if not os.path.exists(source):
            pathlib.Path(source).touch()
        os.rename(source, f"{self.folder}/inbox/{name}")

    def kill(self):
        super().kill()
        self.process.wait()

    def syncs(self):
        pathlib.Path(self.folder, "ready").unlink()
        started = household.Arrivals(self.place, CREATED)
        process, count = self.traced("sh", "-c", self.script)
        self.wait_until_ready()
        for job in range(TRACED):
            self.hand_over(f"traced-{job}")
            started.next()
        started.close()
        System.kill(self)
        process.wait()
        return count()


class Huey(System):
    name = "huey, files"
    module = """
import pathlib, time
from huey import FileHuey
huey = FileHuey("bench", path="huey")

@huey.task()
def work(path):
    pathlib.Path(path).touch()
    if path.endswith("/block"):
        time.sleep(60)
"""

    def __init__(self, folder, tale):
        super().__init__(folder, tale)
        pathlib.Path(folder, "bench_tasks.py").write_text(self.module)
        self.env["PYTHONPATH"] = folder
        sys.path[:0] = [folder, *map(str, PYTHON.glob("lib/python3*/site-packages"))]
        with contextlib.chdir(folder):
            import bench_tasks
        self.tasks = bench_tasks

    consumer = (str(PYTHON / "bin/huey_consumer"), "bench_tasks.huey", "-q",
                "-d", "0.01", "-m", "0.01")

    def start(self):
        self.process = subprocess.Popen(
            self.consumer, env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)

    def hand_over(self, name):
        with contextlib.chdir(self.folder):
            self.tasks.work(f"{self.place}/{name}")

    def kill(self):
        super().kill()
        self.process.wait()

    def syncs(self):
        process, count = self.traced(*self.consumer)
        enqueue = (f"import bench_tasks\nfor job in range({TRACED}):\n"
                   f"    bench_tasks.work('{self.place}/traced-%d' % job)\n")
        started = household.Arrivals(self.place, CREATED)
        self.call("strace", "-f", "-qq", "-e", f"trace={counts.SYNCS}", "-o",
                  f"{self.folder}/enqueue.trace", str(PYTHON / "bin/python"), "-c", enqueue)
        for _ in range(TRACED):
            started.next()
        started.close()
        System.kill(self)
        process.wait()
        handed = sum(bool(counts.IS_SYNC.search(line))
                     for line in syncs.lines_of(f"{self.folder}/enqueue.trace"))
        return count() + handed / TRACED


ALL = (Tale, TaskSpooler, NQ, Loop, Huey)
