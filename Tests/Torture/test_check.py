"""Controls: each invariant of check.py finds damage that is planted into a good queue.

    TALE=.build/torture/release/tale python3 -m unittest test_check      (from this folder)
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import check
from scene import DROPS, Scene

HERE = os.path.dirname(os.path.abspath(__file__))
TALE = os.path.abspath(
    os.environ.get("TALE", os.path.join(HERE, "../../.build/torture/release/tale")))


def setUpModule():
    """One undisturbed run; each control damages a copy of what it left."""
    global folder, reference, calls, good
    folder = tempfile.TemporaryDirectory(prefix="torture-check-")
    server = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "model.py"), folder.name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        scene = Scene(os.path.join(folder.name, "good"), TALE, url, "good")
        scene.make()
        run = scene.drain()
        assert run.code == 0 and not run.errors, run.errors
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()
    good = scene.root
    reference = check.remember(good)
    with open(os.path.join(folder.name, "good.jsonl")) as file:
        calls = [json.loads(line) for line in file]


def tearDownModule():
    folder.cleanup()


class Controls(unittest.TestCase):
    def setUp(self):
        self.root = os.path.join(folder.name, "copy")
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(good, self.root, symlinks=True)
        self.calls = list(calls)

    # ---- Tools ----

    def project(self, slug="notes", place="outbox"):
        return next(p for p in check.projects(self.root) if p.slug == slug and p.place == place)

    def path(self, *parts, slug="notes"):
        return os.path.join(self.project(slug).path, *parts)

    def rewrite(self, path, change):
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(change(content))

    def rewrite_lines(self, change, slug="notes"):
        """`change` gets the journal's lines as objects; they are numbered anew afterwards."""
        lines = [json.loads(line) for line in self.project(slug).bytes("events.jsonl").splitlines()]
        lines = change(lines)
        for number, line in enumerate(lines, 1):
            line["number"] = number
        with open(self.path("events.jsonl", slug=slug), "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def git(self, *arguments, slug="notes"):
        run = subprocess.run(
            ["git", "-C", self.path("work", slug=slug), "-c", "safe.directory=*",
             "-c", "user.name=x", "-c", "user.email=x@localhost", *arguments],
            capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def at_rest(self, **more):
        more.setdefault("allowed", 0)
        return check.at_rest(self.root, DROPS, reference, self.calls, **more)

    def finds(self, *names, **more):
        """That there are violations, and of these invariants, whichever else."""
        found = self.at_rest(**more)
        for name in names:
            self.assertTrue(any(text.startswith(name + ": ") for text in found), (name, found))

    # ---- The control of the controls ----

    def test_nothing_is_found_where_nothing_is_wrong(self):
        self.assertEqual(self.at_rest(), [])
        self.assertEqual(check.after_crash(self.root, DROPS), [])

    # ---- What was dropped ----

    def test_a_lost_project(self):
        shutil.rmtree(self.project("report").path)
        self.finds("standing", "ledger", "litter")
        self.assertTrue(any(text.startswith("standing: report is lost")
                            for text in check.after_crash(self.root, DROPS)))

    def test_a_changed_description(self):
        self.rewrite(self.path("project.md"), lambda content: content + b"\n")
        self.finds("standing", "journal")

    def test_a_torn_input(self):
        self.rewrite(self.path("input/data/words.txt", slug="report"), lambda content: content[:3])
        self.finds("standing")
        os.unlink(self.path("input/data/empty", slug="report"))
        self.assertTrue(check.after_crash(self.root, DROPS))

    def test_a_drop_that_came_back(self):
        path = os.path.join(self.root, "queue/inbox/notes.md")
        with open(path, "w") as file:
            file.write(DROPS["notes.md"][""])
        self.finds("standing")

    def test_a_doubled_project(self):
        project = self.project()
        shutil.copytree(project.path, project.path[:-4] + "abcd", symlinks=True)
        self.finds("standing", "journal")

    def test_a_project_in_two_places(self):
        project = self.project()
        shutil.copytree(project.path, project.path.replace("outbox", "failed"), symlinks=True)
        self.finds("standing", "ended")

    def test_an_unfinished_project(self):
        project = self.project()
        os.rename(project.path, project.path.replace("outbox", "active"))
        self.finds("standing")

    # ---- The journal ----

    def test_two_ends(self):
        self.rewrite_lines(lambda lines: lines + [dict(lines[-1])])
        self.finds("ended")

    def test_a_delivery_before_the_end(self):
        self.rewrite_lines(lambda lines: lines[:-1])
        self.finds("ended")
        self.assertTrue(check.after_crash(self.root, DROPS))

    def test_a_torn_line(self):
        self.rewrite(self.path("events.jsonl"), lambda content: content + b'{"eve')
        self.finds("journal")

    def test_a_damaged_line(self):
        self.rewrite(self.path("events.jsonl"),
                     lambda content: content.replace(b'{"event":"leased"', b'{"event":"lea', 1)
                     if b'{"event":"leased"' in content else content.replace(b"leased", b'"', 1))
        self.finds("journal")

    def test_a_hole(self):
        """Zeros where lines were: void among unsynced ones, damage before one that was synced."""
        def zero(content, number):
            lines = content.split(b"\n")
            lines[number - 1] = bytes(len(lines[number - 1]))
            return b"\n".join(lines)

        events = [line["event"] for line in self.project().lines]
        path, good = self.path("events.jsonl"), self.project().bytes("events.jsonl")
        # As it was after its last commit, before anything after that was synced.
        last = len(events) - events[::-1].index("committed")
        self.rewrite_lines(lambda lines: lines[: last + 1])
        before = set(check.after_crash(self.root, DROPS))
        self.rewrite(path, lambda content: zero(content, last))
        self.assertEqual({text for text in check.after_crash(self.root, DROPS)
                          if text.startswith("journal")}, {text for text in before if text.startswith("journal")})
        self.finds("journal")
        self.rewrite(path, lambda _: zero(good, events.index("moved") + 1))
        self.assertIn("journal", {text.split(":")[0] for text in check.after_crash(self.root, DROPS)})

    def test_a_gap_in_the_numbers(self):
        self.rewrite(self.path("events.jsonl"), lambda content: content.replace(
            b'"number":4', b'"number":5', 1))
        self.finds("journal")

    def test_an_illegal_move(self):
        def change(lines):
            next(line for line in lines if line["event"] == "moved")["to"] = "checking"
            return lines

        self.rewrite_lines(change)
        self.finds("journal")

    def test_a_half_progress_file(self):
        self.rewrite(self.path("progress.json"), lambda content: content[:-20])
        self.finds("receipt")
        self.assertTrue(check.after_crash(self.root, DROPS))

    # ---- Tokens ----

    def test_a_call_that_is_not_in_the_books(self):
        self.calls.append({**calls[0], "message": "another"})
        self.finds("books", allowed=1)

    def test_a_call_that_is_booked_too_cheap(self):
        def change(lines):
            line = next(line for line in lines if line["event"] == "settled")
            line["prompt_tokens"] -= 1
            line["booked"] -= 1
            return lines

        self.rewrite_lines(change)
        self.finds("books", "ledger", "receipt")

    def test_a_call_that_is_never_settled(self):
        self.rewrite_lines(lambda lines: [
            line for line in lines if line["event"] != "settled" or line["call"] != 1])
        self.finds("books")

    def test_a_budget_that_is_passed(self):
        def change(lines):
            for line in lines:
                if line["event"] == "reserved":
                    line["tokens"] = 61_000
            return lines

        self.rewrite_lines(change)
        self.finds("cap")

    def test_a_finished_subtask_that_runs_again(self):
        def change(lines):
            first = [line for line in lines if line.get("subtask") == "1.1"]
            return lines[:-2] + [dict(line) for line in first] + lines[-2:]

        self.rewrite_lines(change)
        self.finds("repeated")

    def test_a_call_that_is_made_too_often(self):
        self.calls += [calls[0], calls[0]]
        self.finds("repeated", allowed=1)

    def test_a_call_for_what_was_done_before_the_crash(self):
        self.finds("repeated", before=({(calls[0]["project"], calls[0]["task"])}, 0))

    # ---- The ledger ----

    def change_ledger(self, statement):
        database = sqlite3.connect(os.path.join(self.root, "data/tale.db"))
        database.execute(statement)
        database.commit()
        database.close()

    def test_a_ledger_without_a_call(self):
        self.change_ledger("DELETE FROM executions WHERE call = 2")
        self.finds("ledger")

    def test_a_ledger_with_another_sum(self):
        self.change_ledger("UPDATE executions SET booked_tokens = 1 WHERE call = 2")
        self.finds("ledger")

    def test_a_ledger_that_is_behind(self):
        self.change_ledger("UPDATE projects SET last_line = last_line - 1")
        self.finds("ledger")

    def test_a_ledger_without_a_checkpoint(self):
        self.change_ledger("DELETE FROM checkpoints WHERE subtask = '2.1'")
        self.finds("ledger")

    def test_a_damaged_ledger(self):
        self.rewrite(os.path.join(self.root, "data/tale.db"),
                     lambda content: content[:4096] + bytes(8192) + content[12288:])
        self.finds("ledger")

    def test_no_ledger(self):
        os.unlink(os.path.join(self.root, "data/tale.db"))
        self.finds("ledger")

    # ---- The deliverable ----

    def test_another_deliverable(self):
        self.rewrite(self.path("work/packing.md"), lambda content: content + b"x")
        self.finds("parity", "receipt", "git")

    def test_another_deliverable_in_the_commits_too(self):
        self.rewrite(self.path("work/packing.md"), lambda content: content + b"x")
        self.git("commit", "-qam", "2.1 Write the packing list")
        self.finds("parity", "receipt")

    def test_a_checkpoint_twice(self):
        self.git("commit", "-q", "--allow-empty", "-m", "2.2 Write the days")
        self.finds("parity")

    def test_a_checkpoint_that_was_lost(self):
        self.git("reset", "-q", "--hard", "HEAD~1")
        self.finds("git", "parity")

    def test_a_predecessors_file_that_is_torn(self):
        self.rewrite(self.path("after/notes/packing.md", slug="report"), lambda content: b"")
        self.finds("parity")

    def test_a_damaged_object(self):
        folder = self.path("work/.git/objects")
        name = self.git("rev-parse", "HEAD^{tree}").strip()
        path = os.path.join(folder, name[:2], name[2:])
        if not os.path.exists(path):
            # Checkpoints are packs, and any damaged one is one too many.
            packs = os.path.join(folder, "pack")
            path = os.path.join(packs, next(n for n in os.listdir(packs) if n.endswith(".pack")))
        os.chmod(path, 0o644)
        self.rewrite(path, lambda content: content[:-4])
        self.finds("git")

    def test_a_stray_file(self):
        with open(self.path("work/stray"), "w"):
            pass
        self.finds("git", "litter", "parity")

    def test_a_receipt_of_something_else(self):
        self.rewrite(self.path("receipt.json"), lambda content: content.replace(
            b'"calls" : 5', b'"calls" : 6'))
        self.finds("receipt")

    def test_a_report_with_another_sum(self):
        self.rewrite(self.path("result.md"), lambda content: content.replace(b"| 5 |", b"| 6 |"))
        self.finds("receipt")

    # ---- What is left behind ----

    def test_litter(self):
        for path in [".tale/staging/x", ".tale/accept.lock2", "control/x"]:
            with open(os.path.join(self.root, "queue", path), "w"):
                pass
            self.finds("litter")
            os.unlink(os.path.join(self.root, "queue", path))

    def test_a_lock_of_git(self):
        with open(self.path("work/.git/refs/heads/main.lock"), "w"):
            pass
        self.finds("litter")

    def test_a_half_object(self):
        with open(self.path("work/.git/objects/tmp_object_git2_1"), "w"):
            pass
        self.finds("litter")

    def test_other_permissions(self):
        os.chmod(self.path("result.md"), 0o600)
        self.finds("litter")

    def test_a_delivery_that_was_not_noted(self):
        self.rewrite(os.path.join(self.root, "queue/.tale/accepted.jsonl"),
                     lambda content: content.splitlines(keepends=True)[0])
        self.finds("delivery")


if __name__ == "__main__":
    unittest.main()
