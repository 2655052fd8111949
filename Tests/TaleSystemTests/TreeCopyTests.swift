import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import TaleSystem

@Suite struct TreeCopyTests {
  private let folder: TemporaryFolder
  private var source: FilePath { folder("source") }
  private var target: FilePath { folder("target") }

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("top", to: "source/top.txt")
    try folder.write("deep", to: "source/a/b/deep.txt")
    try folder.write("secret", to: "outside/secret.txt")
    try Folder.create(folder("source/empty"))
    try Program.run("chmod", ["750", folder("source/top.txt").string])
    try Program.run("touch", ["-d", "2020-02-02 02:02:02.5", folder("source/top.txt").string])
    try Program.run("ln", ["-s", "../outside", folder("source/link").string])
    try Program.run("mkfifo", [folder("source/pipe").string])
  }

  private func names() throws -> [String] {
    try Folder.tree(target, limit: 100).map(\.path.string).sorted()
  }

  @Test func `files and folders are copied whole, links stay links, pipes are left out`() throws {
    let leftOut = try TreeCopy.copy(source, to: target, links: .keep, entriesMax: 100)
    #expect(leftOut == ["pipe"])
    #expect(try names() == ["a", "a/b", "a/b/deep.txt", "empty", "link", "top.txt"])
    #expect(try text(folder("target/a/b/deep.txt")) == "deep")
    let status = try FileStatus.of(folder("target/top.txt"))
    #expect(status.permissions == 0o750)
    #expect(try status.modified == FileStatus.of(folder("source/top.txt")).modified)
    try Program.run("chmod", ["700", folder("source/a").string])
    try TreeCopy.copy(source, to: folder("private"), links: .keep, entriesMax: 100)
    #expect(try FileStatus.of(folder("private/a")).permissions == 0o700)
    let link = try Program.run("readlink", [folder("target/link").string])
    #expect(link.output == "../outside\n")
  }

  @Test func `links can be left out, and are never followed`() throws {
    let leftOut = try TreeCopy.copy(source, to: target, links: .leaveOut, entriesMax: 100)
    #expect(Set(leftOut) == ["pipe", "link"])
    #expect(try names() == ["a", "a/b", "a/b/deep.txt", "empty", "top.txt"])
    try Program.run("ln", ["-s", source.string, folder("other").string])
    #expect(throws: SystemFailure.self) {
      try TreeCopy.copy(folder("other"), to: folder("second"), links: .keep, entriesMax: 100)
    }
    #expect(throws: SystemFailure.self) {
      try TreeCopy.copyFile(folder("source/link"), to: folder("third"))
    }
  }

  @Test func `what is there already is not overwritten, and a limit holds`() throws {
    try folder.write("mine", to: "target/top.txt")
    #expect(throws: SystemFailure.self) {
      try TreeCopy.copy(source, to: target, links: .keep, entriesMax: 100)
    }
    #expect(try text(folder("target/top.txt")) == "mine")
    #expect(throws: SystemFailure.self) {
      try TreeCopy.copy(source, to: folder("few"), links: .keep, entriesMax: 3)
    }
  }

  @Test func `what is skipped is not copied`() throws {
    try TreeCopy.copy(source, to: target, links: .keep, entriesMax: 100) { $0 == "a/b" }
    #expect(try names() == ["a", "empty", "link", "top.txt"])
  }
}
