import Foundation
import SystemPackage
import TaleGit
import Testing

/// Comparing, keeping and restoring the work tree.
@Suite final class WorkTreeTests {
  let place: Place

  init() throws { place = try Place() }

  private func started() throws -> Repository {
    let repository = try Repository.create(at: place.work)
    try repository.save(
      .put("a.txt", "one\n"), .put("sub/b.txt", "two\n"),
      .put("sub/c.sh", "three\n", executable: true))
    try repository.restoreWorkTree()
    return repository
  }

  @Test func `a restored work tree with its index is clean for git`() throws {
    let repository = try started()
    // The control: without the index git sees everything deleted and untracked.
    #expect(!place.git("status", "--porcelain").output.isEmpty)
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
    #expect(place.git("diff-files").output.isEmpty)
    #expect(place.git("diff", "HEAD").output.isEmpty)
    #expect(try repository.changes().isEmpty)
    #expect(try repository.stray() == nil)
    try repository.save(.put("a.txt", "four"), .remove(path: "sub"))
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
    #expect(place.text("a.txt") == "four" && !place.holds("sub"))
  }

  @Test func `the index does not hide a change`() throws {
    let repository = try started()
    try place.write("ONE\n", to: "a.txt")  // same size
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output == " M a.txt\n")
  }

  @Test func `a broken index is replaced`() throws {
    let repository = try started()
    try place.write("garbage", to: ".git/index")
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }

  @Test func `every kind of difference is seen, kept beside main, and undone`() throws {
    let repository = try started()
    let head = try repository.head()
    try place.write("ONE\n", to: "a.txt")
    try place.write("*.log\n", to: ".gitignore")
    try place.write("ignored", to: "x.log")
    try place.write("", to: "new/empty file")
    try FileManager.default.removeItem(atPath: place.path("sub/b.txt").string)
    try place.write("folder now", to: "sub/b.txt/inner")
    #expect(chmod(place.path("sub/c.sh").string, 0o644) == 0)
    #expect(
      try repository.changes() == [
        StrayChange(path: ".gitignore", kind: .added),
        StrayChange(path: "a.txt", kind: .modified),
        StrayChange(path: "new/empty file", kind: .added),
        StrayChange(path: "sub/b.txt", kind: .deleted),
        StrayChange(path: "sub/b.txt/inner", kind: .added),
        StrayChange(path: "sub/c.sh", kind: .modified),
        StrayChange(path: "x.log", kind: .added),
      ])
    let kept = try #require(try repository.stray())
    #expect(kept.reference == "refs/tale/stray/1")
    #expect(try repository.reference(kept.reference) == kept.commit)
    #expect(try repository.head() == head)
    #expect(try repository.info(of: kept.commit).parents == [head].compactMap { $0 })
    #expect(
      try repository.files(at: kept.commit).map(\.path) == [
        ".gitignore", "a.txt", "new/empty file", "sub/b.txt/inner", "sub/c.sh", "x.log",
      ])
    #expect(try repository.read("a.txt", at: kept.commit, limit: 9) == Array("ONE\n".utf8))
    #expect(try repository.stray()?.reference == "refs/tale/stray/2")
    try repository.restoreWorkTree()
    #expect(try repository.changes().isEmpty)
    #expect(!place.holds("new") && place.text("sub/b.txt") == "two\n")
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain", "--ignored").output.isEmpty)
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `links are kept and removed, and what they point to is left alone`() throws {
    let repository = try started()
    let outside = place.root.appending("outside")
    #expect(Command.run("/bin/mkdir", ["-p", outside.string]).succeeded)
    let precious = outside.appending("b.txt").string
    try Data("precious".utf8).write(to: URL(fileURLWithPath: precious))
    for (target, name) in [
      (outside.string, "folder-link"), ("/etc/passwd", "file-link"), ("nowhere", "dangling"),
    ] {
      #expect(symlink(target, place.path(name).string) == 0)
    }
    // The hostile one: a tracked folder becomes a link to a folder with the same file in it.
    try FileManager.default.removeItem(atPath: place.path("sub").string)
    #expect(symlink(outside.string, place.path("sub").string) == 0)
    let kept = try #require(try repository.stray())
    let files = try repository.files(at: kept.commit)
    #expect(files.filter(\.isLink).map(\.path) == ["dangling", "file-link", "folder-link", "sub"])
    #expect(
      try repository.read("sub", at: kept.commit, limit: 4_096) == Array(outside.string.utf8))
    try repository.writeIndex()
    try repository.restoreWorkTree()
    #expect(try repository.changes().isEmpty)
    #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
    #expect(place.text("sub/b.txt") == "two\n")
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `a nested repository is kept under a harmless name and removed`() throws {
    let repository = try started()
    try place.write("inner", to: "nested/file")
    #expect(place.git("init", "-q", "nested").succeeded)
    try place.write("[core]\n\tfsmonitor = touch /tmp/never\n", to: "nested/.git/config")
    try place.write("gitdir: /somewhere", to: "sub/.git")
    let kept = try #require(try repository.stray())
    let paths = try repository.files(at: kept.commit).map(\.path)
    #expect(paths.contains("nested/_.git/config") && paths.contains("sub/_.git"))
    #expect(!paths.contains { $0.split(separator: "/").contains(".git") })
    try repository.restoreWorkTree()
    #expect(!place.holds("nested") && !place.holds("sub/.git"))
    #expect(try repository.changes().isEmpty)
    #expect(place.git("fsck", "--strict").succeeded)
  }

  @Test func `pipes are seen and removed, and nothing waits for them`() throws {
    let repository = try started()
    #expect(mkfifo(place.path("pipe").string, 0o600) == 0)
    try FileManager.default.removeItem(atPath: place.path("a.txt").string)
    #expect(mkfifo(place.path("a.txt").string, 0o600) == 0)
    #expect(
      try repository.changes() == [
        StrayChange(path: "a.txt", kind: .modified), StrayChange(path: "pipe", kind: .added),
      ])
    let kept = try #require(try repository.stray())
    #expect(try repository.files(at: kept.commit).map(\.path) == ["sub/b.txt", "sub/c.sh"])
    try repository.writeIndex()
    try repository.restoreWorkTree()
    #expect(try repository.changes().isEmpty)
  }

  @Test func `attributes and settings change no byte`() throws {
    let repository = try Repository.create(at: place.work)
    let home = place.root.appending("home")
    try place.write("#!/bin/sh\nexit 1\n", to: "../home/hooks/pre-commit")
    try place.write("*.txt\n", to: "../home/excludes")
    try place.write(
      """
      [core]
        autocrlf = true
        excludesfile = \(home)/excludes
        hooksPath = \(home)/hooks
      [commit]
        gpgsign = true
      [filter "lfs"]
        clean = rev
        smudge = rev
        required = true
      """, to: "../home/.gitconfig")
    try repository.save(
      .put("unix.txt", "a\nb\n"), .put("windows.txt", "a\r\nb\r\n"), .put("x.bin", "abc\n$Id$\n"),
      .put(".gitattributes", "* text eol=crlf\n*.bin filter=lfs ident\n"))
    try repository.restoreWorkTree()
    #expect(place.text("unix.txt") == "a\nb\n" && place.text("windows.txt") == "a\r\nb\r\n")
    #expect(place.text("x.bin") == "abc\n$Id$\n")
    #expect(try repository.changes().isEmpty)
    try repository.writeIndex()
    #expect(place.git("status", "--porcelain", home: home).output.isEmpty)
    // Also where git has to look into the files again.
    for name in ["unix.txt", "windows.txt", "x.bin"] {
      #expect(utimes(place.path(name).string, nil) == 0)
    }
    #expect(place.git("status", "--porcelain", home: home).output.isEmpty)
  }

  @Test func `a work tree that may not be read is mended`() throws {
    let repository = try started()
    #expect(chmod(place.path("sub/b.txt").string, 0) == 0)
    #expect(chmod(place.path("sub").string, 0) == 0)
    try repository.restoreWorkTree()
    #expect(place.text("sub/b.txt") == "two\n")
  }

  @Test func `an unborn main restores to nothing and keeps what was there`() throws {
    let repository = try Repository.create(at: place.work)
    try place.write("early", to: "a/b")
    let kept = try #require(try repository.stray())
    #expect(try repository.info(of: kept.commit).parents.isEmpty)
    try repository.restoreWorkTree()
    #expect(!place.holds("a") && place.holds(".git"))
    #expect(try repository.head() == nil)
    #expect(try repository.read("a/b", at: kept.commit, limit: 9) == Array("early".utf8))
  }

  @Test func `HEAD is put back to main`() throws {
    let repository = try started()
    #expect(place.git("checkout", "-q", "-f", "-b", "other").succeeded)
    try repository.save(.put("a.txt", "later"))
    try repository.restoreWorkTree()
    try repository.writeIndex()
    #expect(place.git("symbolic-ref", "HEAD").output == "refs/heads/main\n")
    #expect(place.git("status", "--porcelain").output.isEmpty)
  }
}
