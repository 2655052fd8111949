import Foundation
import SystemPackage
import TaleGit
import Testing

/// Creating, opening, references and locks.
@Suite final class RepositoryTests {
  let place: Place

  init() throws { place = try Place() }

  @Test func `create is done once, however often it is called`() throws {
    let nested = place.work.pushing("not/there/yet")
    _ = try Repository.create(at: nested)
    let repository = try Repository.create(at: place.work)
    let commit = try repository.save(.put("a", "1"))
    #expect(try Repository.create(at: place.work).head() == commit)
    #expect(place.git("config", "core.logallrefupdates").output == "false\n")
    #expect(!place.holds(".git/logs") && !place.holds(".git-creating"))
  }

  @Test func `a create that was killed half way is done again`() throws {
    // Every prefix of what stands in a whole repository, as a kill could leave it in the side folder.
    let whole = Place.halves
    for half in whole {
      let place = try Place()
      for path in half { try place.write("garbage", to: ".git-creating/.git/" + path) }
      try place.write("", to: ".git-creating/x")
      let repository = try Repository.create(at: place.work)
      #expect(!place.holds(".git-creating"))
      try repository.save(.put("a", "1"))
      #expect(place.git("fsck", "--strict").succeeded)
    }
    // And as another tool could leave it in .git itself.
    for half in whole {
      let place = try Place()
      for path in half { try place.write("", to: ".git/" + path) }
      let repository = try Repository.create(at: place.work)
      try repository.save(.put("a", "1"))
      #expect(place.git("fsck", "--strict").succeeded)
    }
  }

  @Test func `a broken repository that holds objects is left alone`() throws {
    let repository = try Repository.create(at: place.work)
    try repository.save(.put("a", "1"))
    try FileManager.default.removeItem(atPath: place.path(".git/HEAD").string)
    #expect(throws: GitFailure.self) { _ = try Repository.create(at: place.work) }
    #expect(place.holds(".git/objects") && place.holds(".git/refs/heads/main"))
  }

  @Test func `open finds only exactly this folder`() throws {
    _ = try Repository.create(at: place.work)
    try place.write("", to: "sub/file")
    let failure = #expect(throws: GitFailure.self) {
      _ = try Repository.open(at: place.path("sub"))
    }
    #expect(failure?.isMissing == true)
    // A .git that is a link or names another place is not this folder's.
    try place.write("gitdir: ../.git\n", to: "sub/.git")
    #expect(throws: GitFailure.self) { _ = try Repository.open(at: place.path("sub")) }
    try FileManager.default.removeItem(atPath: place.path("sub/.git").string)
    #expect(symlink("../.git", place.path("sub/.git").string) == 0)
    #expect(throws: GitFailure.self) { _ = try Repository.open(at: place.path("sub")) }
    _ = try Repository.open(at: place.work)
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func `a folder of another user opens and takes commits`() throws {
    try Repository.create(at: place.work).save(.put("a", "1"))
    #expect(Command.run("/bin/chown", ["-R", "12345:12345", place.work.string]).succeeded)
    let repository = try Repository.open(at: place.work)
    try repository.save(.put("b", "2"))
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }

  @Test func `a stale lock blocks every commit until it is removed`() throws {
    let repository = try Repository.create(at: place.work)
    let first = try repository.save(.put("a", "1"))
    let locks = [
      ".git/HEAD.lock", ".git/config.lock", ".git/index.lock", ".git/objects/tmp_object_git2_x",
      ".git/packed-refs.lock", ".git/refs/heads/main.lock", ".git/refs/tale/stray/1.lock",
    ]
    for lock in locks { try place.write("", to: lock) }
    let failure = #expect(throws: GitFailure.self) { try repository.save(.put("a", "2")) }
    #expect(failure?.isLocked == true)
    let index = #expect(throws: GitFailure.self) { try repository.writeIndex() }
    #expect(index?.isLocked == true)
    #expect(try repository.head() == first)
    #expect(try repository.removeStaleLocks() == locks)
    #expect(try repository.removeStaleLocks().isEmpty)
    let second = try repository.save(.put("a", "2"))
    #expect(try repository.info(of: second).parents == [first])
    try repository.writeIndex()
    #expect(place.git("fsck", "--strict", "--no-dangling").succeeded)
  }

  @Test func `references are set, read, moved and deleted`() throws {
    let repository = try Repository.create(at: place.work)
    let first = try repository.save(.put("a", "1"))
    let second = try repository.save(.put("a", "2"))
    let name = "refs/tale/partial"
    #expect(try repository.reference(name) == nil)
    try repository.setReference(name, to: second)
    try repository.setReference(name, to: first)
    #expect(try repository.reference(name) == first)
    #expect(place.git("rev-parse", name).output == "\(first)\n")
    try repository.deleteReference(name)
    try repository.deleteReference(name)
    #expect(try repository.reference(name) == nil)
    try repository.setReference("refs/heads/side/deep", to: first)
    try repository.deleteReference("refs/heads/side/deep")
    for bad in ["main", "HEAD", "refs/../x", "refs/a b", "refs/x.lock", "refs/a\0b", ""] {
      #expect(throws: GitFailure.self) { try repository.setReference(bad, to: first) }
    }
    let absent = try #require(CommitID(String(repeating: "1", count: 40)))
    #expect(throws: GitFailure.self) { try repository.setReference(name, to: absent) }
    #expect(throws: GitFailure.self) { try repository.files(at: absent) }
    #expect(try repository.head() == second)
  }

  @Test func `a failure says what, where and why`() throws {
    let failure = #expect(throws: GitFailure.self) { _ = try Repository.open(at: place.work) }
    #expect(
      failure?.description
        == "cannot open \(place.work): there is no folder .git in it (libgit2 -3/3)")
  }

  @Test func `a hostile tree cannot lead out of the work tree`() throws {
    let repository = try Repository.create(at: place.work)
    try place.write("x", to: "blob")
    let blob = place.git("hash-object", "-w", "blob").output.dropLast()
    let script =
      "printf '100644 evil\\0' > \"$2/t\"; printf '%s' \"$1\" | xxd -r -p >> \"$2/t\";"
      + "sed -i 's/evil/../' \"$2/t\"; git -C \"$2\" hash-object -t tree --literally -w t"
    let made = Command.run("/bin/sh", ["-c", script, "sh", String(blob), place.work.string])
    try #require(made.succeeded, "\(made.errors)")
    let tree = String(made.output.dropLast())
    let commit = place.git(
      "-c", "user.name=a", "-c", "user.email=b", "commit-tree", "-m", "x", tree)
    let id = try #require(CommitID(commit.output.dropLast()))
    try repository.setReference(Repository.mainReference, to: id)
    #expect(throws: GitFailure.self) { try repository.restoreWorkTree() }
    #expect(throws: GitFailure.self) { try repository.files(at: id) }
  }
}

extension Place {
  /// What a half-made repository may hold.
  static let halves: [[String]] = [
    [], ["objects/x"], ["config"], ["HEAD", "config.lock"], ["HEAD", "objects/info/x", "config"],
    ["HEAD", "refs/heads/x.lock", "config", "HEAD.lock"],
  ]
}
