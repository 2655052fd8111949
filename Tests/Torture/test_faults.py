"""Controls of faults.c: it counts what a process does, strikes where it was told to, and misses
nothing that strace sees.

    TALE=.build/torture/release/tale python3 -m unittest test_faults      (from this folder)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import traced
from torture import Torture

HERE = os.path.dirname(os.path.abspath(__file__))
TALE = os.path.abspath(
    os.environ.get("TALE", os.path.join(HERE, "../../.build/torture/release/tale")))


def setUpModule():
    global folder, torture
    folder = tempfile.TemporaryDirectory(prefix="torture-faults-")
    torture = Torture(TALE, folder.name)


def tearDownModule():
    torture.close()
    folder.cleanup()


class Controls(unittest.TestCase):
    def setUp(self):
        self.root = os.path.join(torture.folder, "root")
        shutil.rmtree(self.root, ignore_errors=True)
        os.mkdir(self.root)
        self.recording = os.path.join(torture.folder, "recording")
        self.report = os.path.join(torture.folder, "report")

    def run_python(self, text, **settings):
        """Runs a program below the root; its exit code and what it printed."""
        settings = {"record": self.recording, "report": self.report, **settings}
        run = subprocess.run(
            [sys.executable, "-S", "-E", "-c", "import ctypes, mmap, os\n" + textwrap.dedent(text)],
            cwd=self.root, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": torture.preload, "TORTURE_ROOT": self.root,
                 **{"TORTURE_" + name.upper(): value for name, value in settings.items()}})
        self.assertNotEqual(run.returncode, 121, run.stderr)
        return run.returncode, run.stdout.split(), run.stderr

    def records(self):
        with open(self.recording) as file:
            return [json.loads(line) for line in file]

    def ops(self):
        return [(record["op"], os.path.relpath(record["path"], self.root))
                for record in self.records()]

    EVERYTHING = """
        os.mkdir("d")
        file = os.open("d/x", os.O_CREAT | os.O_RDWR)
        os.write(file, b"12345678")
        os.pwrite(file, b"ab", 2)
        os.writev(file, [b"9", b"0"])
        os.ftruncate(file, 6)
        os.fsync(file)
        os.fdatasync(file)
        os.fchmod(file, 0o600)
        os.utime("d/x", (1, 1))
        os.rename("d/x", "d/y")
        os.link("d/y", "d/z")
        os.symlink("y", "d/s")
        os.unlink("d/z")
        os.unlink("d/s")
        os.mkdir("d/e")
        os.rmdir("d/e")
        """

    def test_each_call_has_a_number_and_is_written_down(self):
        code, _, errors = self.run_python(self.EVERYTHING)
        self.assertEqual(code, 0, errors)
        self.assertEqual(self.ops(), [
            ("mkdir", "d"), ("open", "d/x"), ("write", "d/x"), ("write", "d/x"), ("write", "d/x"),
            ("truncate", "d/x"), ("fsync", "d/x"), ("fdatasync", "d/x"), ("chmod", "d/x"),
            ("utimens", "d/x"), ("rename", "d/x"), ("link", "d/y"), ("symlink", "d/s"),
            ("unlink", "d/z"), ("unlink", "d/s"), ("mkdir", "d/e"), ("rmdir", "d/e")])
        records = self.records()
        self.assertEqual([record["n"] for record in records], list(range(1, len(records) + 1)))
        with open(self.recording + ".data", "rb") as file:
            data = file.read()
        written = [(record["offset"], data[record["data"]:record["data"] + record["length"]])
                   for record in records if record["op"] == "write"]
        self.assertEqual(written, [(0, b"12345678"), (2, b"ab"), (8, b"90")])
        self.assertEqual(records[10]["target"], os.path.join(self.root, "d/y"))
        self.assertEqual(len({record["ino"] for record in records[1:10]}), 1)

    def test_what_changes_nothing_is_not_counted(self):
        self.run_python("""
            os.mkdir("d")
            for call in (lambda: os.mkdir("d"), lambda: os.unlink("no"), lambda: os.rename("no", "x")):
                try: call()
                except OSError: pass
            os.close(os.open("d", os.O_RDONLY))
            open("/tmp/torture-elsewhere", "w").close(); os.unlink("/tmp/torture-elsewhere")
            """)
        self.assertEqual(self.ops(), [("mkdir", "d")])

    def test_reads_have_numbers_of_their_own(self):
        self.run_python("""
            os.mkdir("d")
            os.listdir("d")
            file = os.open("x", os.O_CREAT | os.O_RDWR)
            os.read(file, 10)
            """, reads="1")
        numbers = [(record.get("n"), record.get("r"), record["op"]) for record in self.records()]
        self.assertIn((1, None, "mkdir"), numbers)
        self.assertIn((2, None, "open"), numbers)
        self.assertTrue(any(op == "opendir" and r for _, r, op in numbers))
        self.assertTrue(any(op == "read" and r for _, r, op in numbers))

    def test_a_kill_strikes_before_half_way_and_after(self):
        program = """
            file = os.open("x", os.O_CREAT | os.O_WRONLY)
            os.write(file, b"12345678")
            os.write(file, b"9")
            """
        for variant, content in [("", b""), (":half", b"1234"), (":after", b"12345678")]:
            self.setUp()
            code, _, _ = self.run_python(program, kill="2" + variant)
            self.assertEqual(code, -9)
            with open(os.path.join(self.root, "x"), "rb") as file:
                self.assertEqual(file.read(), content)
            with open(self.report) as file:
                self.assertEqual(json.loads(file.read())["n"], 2)
        self.assertEqual(self.run_python(program, kill="99")[0], 0)

    def test_a_site_is_hit_at_the_occurrence_that_was_said(self):
        program = """
            for name in "abc":
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            """
        self.run_python(program)
        sites = [record["site"] for record in self.records() if record["op"] == "open"]
        self.assertEqual(len(set(sites)), 1)
        self.setUp()
        self.assertEqual(self.run_python(program, kill=sites[0] + "@3")[0], -9)
        self.assertEqual(sorted(os.listdir(self.root)), ["a", "b"])

    def test_an_error_comes_once_or_stays(self):
        program = """
            def attempt(call):
                try: print("ok", call())
                except OSError as error: print("no", error.errno)
            file = os.open("x", os.O_CREAT | os.O_WRONLY)
            attempt(lambda: os.write(file, b"12345678"))
            attempt(lambda: os.write(file, b"12345678"))
            attempt(lambda: os.mkdir("d"))
            attempt(lambda: os.unlink("x") or 0)
            """
        self.assertEqual(self.run_python(program)[1], "ok 8 ok 8 ok None ok 0".split())
        self.setUp()
        once = self.run_python(program, fail="2:ENOSPC")[1]
        self.assertEqual(once, "no 28 ok 8 ok None ok 0".split())
        self.setUp()
        # A disk that fills takes half of it first, and removing is still possible.
        stays = self.run_python(program, fail="2:ENOSPC:stay")[1]
        self.assertEqual(stays, "ok 4 no 28 no 28 ok 0".split())

    def test_an_error_that_stays_ends_with_its_file(self):
        flag = os.path.join(torture.folder, "flag")
        with open(flag, "w"):
            pass
        program = f"""
            for name in "abc":
                if name == "c": os.unlink({flag!r})
                try: os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
                except OSError: pass
            """
        self.run_python(program, **{"fail": "1:EMFILE:stay", "while": flag})
        self.assertEqual(os.listdir(self.root), ["c"])

    def test_stores_into_a_shared_mapping_are_recorded_when_they_are_synced(self):
        self.run_python("""
            file = os.open("x", os.O_CREAT | os.O_RDWR)
            os.ftruncate(file, 4096)
            memory = mmap.mmap(file, 4096)
            memory[0:5] = b"hello"
            memory.flush()
            """)
        mapped = [record for record in self.records() if record["op"] == "mapped"]
        with open(self.recording + ".data", "rb") as file:
            file.seek(mapped[0]["data"])
            self.assertEqual(file.read(5), b"hello")

    def test_calls_by_number_are_seen(self):
        self.run_python("""
            number = {"x86_64": 316, "aarch64": 276}[os.uname().machine]
            os.close(os.open("x", os.O_CREAT | os.O_WRONLY))
            ctypes.CDLL(None).syscall(number, -100, b"x", -100, b"y", 1)
            """)
        self.assertEqual(self.ops()[-1], ("rename", "x"))
        self.assertEqual(os.listdir(self.root), ["y"])

    def test_names_that_are_no_text_come_back_as_bytes(self):
        self.run_python(r"""os.mkdir(b'\xff"\n' + "ä".encode())""")
        path = self.records()[0]["path"]
        self.assertEqual(os.fsencode(path).split(b"/")[-1], b'\xff"\n' + "ä".encode())

    def test_children_run_without_it(self):
        self.run_python("""
            import subprocess
            subprocess.run(["mkdir", "child"])
            os.mkdir("own")
            """)
        self.assertEqual(self.ops(), [("mkdir", "own")])
        self.assertEqual(sorted(os.listdir(self.root)), ["child", "own"])

    @unittest.skipUnless(shutil.which("strace"), "strace is not there")
    def test_nothing_of_tale_is_missed(self):
        scene = torture.scene()
        output = os.path.join(torture.folder, "strace.out")
        settings = torture.preloaded(scene, record=self.recording, reads="1")
        options = [f"-E{name}={value}" for name, value in settings.items()]
        run = scene.drain(before=["strace", "-f", "-y", "-qq", "-s", "400", "-o", output, *options])
        self.assertEqual((run.code, run.errors), (0, ""))
        with open(output, errors="replace") as file:
            text = file.read()
        self.assertEqual(traced.missed(text, self.records(), scene.root), [])
        # The control: a recording that lacks one call.
        records = self.records()
        records.remove(next(record for record in records if record["op"] == "fsync"))
        self.assertEqual(len(traced.missed(text, records, scene.root)), 1)


if __name__ == "__main__":
    unittest.main()
