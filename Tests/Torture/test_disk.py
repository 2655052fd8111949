"""The model of a file system in disk.py: what it keeps, and that it forgets what was not synced."""

import os
import tempfile
import unittest

from disk import O_CREAT, RENAME_EXCHANGE, DataStep, Disk, choices, place_of


class Run:
    """A made-up recording, taken in call by call."""

    def __init__(self, folder):
        self.disk = Disk.of(folder)
        self.root = self.disk.root
        self.bytes = b""

    def call(self, op, path, target=None, **more):
        record = {"op": op, "path": self.root + path, "result": 0, "flags": 0, **more}
        if target is not None:
            record["target"] = self.root + target
        return self.disk.take(record, lambda record: record["bytes"])

    def create(self, path, content=None):
        self.call("open", path, flags=O_CREAT)
        if content is not None:
            self.write(path, content)

    def write(self, path, content, offset=None):
        more = {} if offset is None else {"offset": offset}
        self.call("write", path, bytes=content, **more)

    def sync(self, *paths):
        for path in paths:
            self.assert_sync(self.call("fsync", path))

    @staticmethod
    def assert_sync(is_sync):
        assert is_sync

    def found(self, chosen=lambda step: None):
        """What is there: content by path; None for a folder."""
        return {path: entry[2] for path, entry in self.disk.build(chosen).entries.items()}

    def subsets(self, since=0):
        return {name: self.found(chosen) for name, chosen in choices(self.disk.pending, since)}


class DiskTests(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.mkdir(self.folder.name + "/a")
        os.mkdir(self.folder.name + "/b")
        with open(self.folder.name + "/a/old", "wb") as file:
            file.write(b"old")
        self.run_of = Run(self.folder.name)

    def found(self, **more):
        return self.run_of.found(**more)

    def test_what_was_there_is_on_disk(self):
        self.assertEqual(self.found(), {"a": None, "a/old": b"old", "b": None})

    def test_a_synced_file_has_no_name_before_its_folder_is_synced(self):
        run = self.run_of
        run.create("/a/new", b"text")
        run.sync("/a/new")
        self.assertNotIn("a/new", self.found())
        run.sync("/a")
        self.assertEqual(self.found()["a/new"], b"text")

    def test_a_name_is_there_without_its_content(self):
        run = self.run_of
        run.create("/a/new", b"text")
        run.sync("/a")
        self.assertEqual(self.found()["a/new"], b"")

    def test_a_folder_above_is_not_synced_with_the_one_in_it(self):
        run = self.run_of
        run.call("mkdir", "/a/in")
        run.create("/a/in/new", b"text")
        run.sync("/a/in/new", "/a/in")
        self.assertNotIn("a/in", self.found())
        run.sync("/a")
        self.assertEqual(self.found()["a/in/new"], b"text")

    def test_a_rename_within_a_folder_is_one_step(self):
        run = self.run_of
        run.call("rename", "/a/old", "/a/new")
        self.assertEqual(
            {tuple(sorted(found)) for found in run.subsets().values()},
            {("a", "a/old", "b"), ("a", "a/new", "b")})

    def test_a_rename_across_folders_leaves_both_names_or_one(self):
        run = self.run_of
        run.call("rename", "/a/old", "/b/new")
        self.assertEqual(
            {tuple(sorted(found)) for found in run.subsets().values()},
            {("a", "a/old", "b"), ("a", "b", "b/new"), ("a", "a/old", "b", "b/new")})

    def test_a_folder_never_has_two_names(self):
        run = self.run_of
        run.call("rename", "/a", "/b/a")
        self.assertEqual(
            {tuple(sorted(found)) for found in run.subsets().values()},
            {("a", "a/old", "b"), ("b", "b/a", "b/a/old")})
        run.sync("/b")
        self.assertEqual(set(self.found()), {"b", "b/a", "b/a/old"})

    def test_a_folder_that_moved_twice_has_one_name_too(self):
        run = self.run_of
        run.call("mkdir", "/c")
        run.sync("/")
        run.call("rename", "/a", "/b/a")
        run.call("rename", "/b/a", "/c/a")
        for found in run.subsets().values():
            self.assertEqual(sum(path.endswith("a/old") for path in found), 1, found)
        run.sync("/c")
        for found in run.subsets().values():
            self.assertIn("c/a/old", found)
            self.assertEqual(sum(path.endswith("a/old") for path in found), 1, found)

    def test_the_old_name_is_lost_where_its_folder_was_synced_first(self):
        run = self.run_of
        run.call("rename", "/a/old", "/b/new")
        run.sync("/a")
        self.assertEqual(set(self.found()), {"a", "b"})
        run.sync("/b")
        self.assertEqual(self.found()["b/new"], b"old")

    def test_an_exchange_keeps_a_file_under_each_name(self):
        run = self.run_of
        run.create("/a/new", b"new")
        run.sync("/a/new", "/a")
        run.call("rename", "/a/old", "/a/new", flags=RENAME_EXCHANGE)
        self.assertEqual((self.found()["a/old"], self.found()["a/new"]), (b"old", b"new"))
        run.sync("/a")
        self.assertEqual((self.found()["a/old"], self.found()["a/new"]), (b"new", b"old"))

    def test_a_removed_file_comes_back_and_a_truncated_one_too(self):
        run = self.run_of
        run.call("truncate", "/a/old", length=1)
        run.call("unlink", "/a/old")
        self.assertEqual(self.found()["a/old"], b"old")
        self.assertEqual(run.subsets()["data"]["a/old"], b"o")
        self.assertNotIn("a/old", run.subsets()["all"])

    def test_a_write_is_torn_at_borders_and_in_its_last_line(self):
        step = DataStep(1, None, "x", None, 500, b"x" * 9000 + b"\nlast line\n")
        self.assertIn(12, step.cuts())
        self.assertIn(4096 - 500, step.cuts())
        self.assertIn(9006, step.cuts())
        self.assertEqual(step.apply(b"", ("cut", 12)), bytes(500) + b"x" * 12)
        self.assertEqual(step.apply(b"", ("zeros", 12)), bytes(500) + b"x" * 12 + bytes(8999))

    def test_a_write_in_the_middle_leaves_the_rest(self):
        run = self.run_of
        run.write("/a/old", b"OLDER", offset=0)
        run.sync("/a/old")
        run.write("/a/old", b"x", offset=1)
        self.assertEqual(self.found()["a/old"], b"OLDER")
        self.assertEqual(run.subsets()["all"]["a/old"], b"OxDER")

    def test_the_subsets_hold_each_way_that_one_change_may_be_missing(self):
        run = self.run_of
        run.create("/a/new", b"text")
        run.call("rename", "/a/new", "/a/old")
        found = run.subsets()
        self.assertEqual(found["none"]["a/old"], b"old")
        self.assertEqual(found["all"]["a/old"], b"text")
        self.assertEqual(found["names"]["a/old"], b"")
        self.assertEqual(found["zeros"]["a/old"], b"\0\0\0\0")
        self.assertEqual(found["data"]["a/old"], b"old")
        self.assertEqual(found["torn-2-2"]["a/new"], b"te")
        self.assertEqual(found["rip-2-2"]["a/old"], b"te")
        self.assertEqual(found["names-3"]["a/old"], b"")
        self.assertEqual(found["but-3"]["a/new"], b"text")
        self.assertEqual(found["only-1"]["a/new"], b"")

    def test_equal_states_have_equal_digests_and_others_have_not(self):
        run = self.run_of
        run.create("/a/new", b"text")
        run.call("mkdir", "/b/in")
        digests = {}
        for name, chosen in choices(run.disk.pending):
            built = run.disk.build(chosen)
            key = tuple((path, kind, content) for path, (kind, _, content) in built.entries.items())
            digests.setdefault(key, set()).add(run.disk.digest(chosen))
        self.assertTrue(all(len(found) == 1 for found in digests.values()))
        self.assertEqual(len(set().union(*digests.values())), len(digests))

    def test_a_digest_forgets_what_a_sync_changed(self):
        run = self.run_of
        run.create("/a/new", b"text")
        before = run.disk.digest(lambda step: None)
        run.sync("/a")
        self.assertNotEqual(run.disk.digest(lambda step: None), before)

    def test_a_state_stands_in_a_folder_as_it_was_built(self):
        run = self.run_of
        run.create("/b/new", b"text")
        run.call("link", "/b/new", "/b/other")
        with tempfile.TemporaryDirectory() as place:
            run.disk.now().write(place)
            there = Disk.of(place)
            self.assertEqual(
                {path: entry[::2] for path, entry in there.now().entries.items()},
                {path: entry[::2] for path, entry in run.disk.now().entries.items()})
            self.assertEqual(os.stat(place + "/b/new").st_nlink, 2)

    def test_an_unknown_call_is_not_passed_over(self):
        with self.assertRaises(ValueError):
            self.run_of.call("teleport", "/a/old")

    def test_places_are_the_same_in_each_run(self):
        self.assertEqual(
            place_of(os.path.join(
                "queue", "active", "20261123-034156-list-456s", "work", ".git", "objects", "0f",
                "a" * 38)),
            os.path.join("queue", "active", "ID-list", "work", ".git", "objects", "xx"))


if __name__ == "__main__":
    unittest.main()
