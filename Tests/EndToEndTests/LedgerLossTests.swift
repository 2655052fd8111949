import Foundation
import Glibc
import Subprocess
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// The real binary, while its database is taken away, damaged or made unusable.
@Suite(.timeLimit(.minutes(5))) struct LedgerLossTests {
  private static let one = "# One\n\n- [ ] Write it -> `it.txt`\n"
  private static let patience = Duration.seconds(90)

  /// Runs a watch as each damage comes after three projects, and three more follow.
  private func survive(
    _ house: Household, _ damages: [(name: String, strike: () throws -> Void)]
  ) async throws {
    var ended = 0
    func runThree() async throws {
      for number in 1...3 { try house.drop("x\(ended)-\(number).md", Self.one) }
      ended += 3
      let isDone = try await eventually(within: Self.patience) {
        try house.projects(in: house.outbox).count == ended
      }
      try #require(isDone)
    }
    let end = try await house.watching { watch in
      try await runThree()
      for damage in damages {
        try damage.strike()
        try await runThree()
        let isTold = try await comesTrue(within: Self.patience) {
          watch.output.contains("the ledger")
        }
        #expect(isTold, "\(damage.name): \(watch.output)")
      }
    }
    #expect(end.code == 143, "\(end.output)")
    for sign in ["Fatal error", "Swift/", " at 0x", "Failure("] {
      #expect(!end.output.contains(sign), "\(end.output)")
    }
  }

  private func expectFold(
    _ house: Household, _ options: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try Program.run(
      "python3",
      [
        SourceTree.path("Tests/QueueCensus/ledger.py"), house.data.appending("tale.db").string,
        house.queue.string,
      ] + options)
    #expect(found.code == 0, "\(found.output)", sourceLocation: sourceLocation)
  }

  private func kept(_ house: Household) throws -> [String] {
    try Folder.names(in: house.data).map(\.string).filter { $0.contains("tale.db.broken-") }
  }

  @Test func `a watch goes on while its database is deleted, emptied, cut and overwritten`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      let path = house.data.appending("tale.db")
      func all(_ body: (FilePath) throws -> Void) rethrows {
        for ending in ["", "-wal", "-shm"] { try body(FilePath(path.string + ending)) }
      }
      try await survive(
        house,
        [
          ("deleted", { try all(DurableFile.remove) }),
          ("deleted alone", { try DurableFile.remove(path) }),
          ("emptied", { try Descriptor.open(path, O_WRONLY).truncate(to: 0) }),
          (
            "garbage", { try DurableFile.replace(path, with: [UInt8](repeating: 7, count: 90_000)) }
          ),
          ("log gone", { try DurableFile.remove(FilePath(path.string + "-wal")) }),
          (
            "folder",
            {
              try all(DurableFile.remove)
              try Folder.create(path)
            }
          ),
        ])
      try expectFold(house)
      let aside = try kept(house)
      #expect(
        aside.count { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") } >= 3, "\(aside)")
      #expect(try FileStatus.of(path).kind == .regular)
    }
  }

  @Test func `after kill -9 and each damage the next start says it once, and all is booked`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      let path = house.data.appending("tale.db")
      let log = FilePath(path.string + "-wal")
      var ended = 0
      for (name, strike) in [
        (
          "half", { try Descriptor.open(path, O_WRONLY).truncate(to: FileStatus.of(path).size / 2) }
        ),
        ("log gone", { try DurableFile.remove(log) }),
        (
          "garbage log", { try DurableFile.replace(log, with: [UInt8](repeating: 9, count: 9_000)) }
        ),
        ("page", { try Self.overwritePage(path) }),
      ] as [(String, () throws -> Void)] {
        for number in 1...3 { try house.drop("\(name.prefix(3))\(number).md", Self.one) }
        ended += 3
        let killed = try await house.tale("watch") { [ended] running in
          _ = try await eventually(within: Self.patience) {
            try house.projects(in: house.outbox).count == ended
          }
          try running.kill(.kill)
        }
        #expect(killed.code == nil)
        // What stands in the log would replace what is damaged in the database.
        if !name.contains("log") { try Self.workOffLog(path) }
        try strike()
        let drained = try await house.tale("drain", "--verbose")
        #expect(drained.code == 0, "\(name): \(drained.errors)")
        let said = drained.errors.components(separatedBy: "a new one is made from the journals")
        #expect(said.count == (name == "log gone" ? 1 : 2), "\(name): \(drained.errors)")
        try expectFold(house)
      }
      #expect(try kept(house).count >= 3)
    }
  }

  private static func workOffLog(_ path: FilePath) throws {
    let script = """
      import sqlite3, sys
      sqlite3.connect(sys.argv[1]).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
      """
    #expect(try Program.run("python3", ["-c", script, path.string]).code == 0)
  }

  private static func overwritePage(_ path: FilePath) throws {
    let file = try FileDescriptor.open(path, .writeOnly)
    defer { try? file.close() }
    let page = try FileStatus.of(path).size / 4096 / 2
    _ = try file.writeAll(
      toAbsoluteOffset: Int64(page * 4096), [UInt8](repeating: 0xa5, count: 4096))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to become another user"))
  func `a database that may not be read or written hinders nothing, and is left as it is`()
    async throws
  {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    for mode: UInt32 in [0o000, 0o444] {
      try await Household.with(config: chat.config) { house in
        let path = house.data.appending("tale.db")
        try house.drop("a.md", Self.one)
        #expect(try await house.tale("drain").code == 0)
        try Program.run("chown", ["-R", "65534", house.root.string])
        try Program.run("chown", ["0", path.string])
        #expect(chmod(path.string, mode) == 0)
        let before = try FileStatus.of(path).inode
        try house.drop("b.md", Self.one)
        try Program.run("chown", ["65534", house.inbox.appending("b.md").string])
        let end = try await house.watching(as: 65534) { watch in
          let isDone = try await comesTrue(within: Self.patience) {
            try house.projects(in: house.outbox).count == 2
              && watch.output.contains("cannot be used")
          }
          #expect(isDone, "\(watch.output)")
        }
        #expect(end.output.components(separatedBy: "cannot be used").count == 2, "\(end.output)")
        #expect(end.output.contains("the calls stand in the journals"))
        #expect(try FileStatus.of(path).inode == before && kept(house).isEmpty)
        // When it can be written again, all of it is booked.
        try Program.run("chown", ["65534", path.string])
        #expect(chmod(path.string, 0o644) == 0)
        try await house.watching(as: 65534) { _ in
          _ = try await comesTrue(within: Self.patience) { try Self.rows(house) == 2 }
        }
        try expectFold(house)
      }
    }
  }

  private static func rows(_ house: Household) throws -> Int {
    let found = try Program.run(
      "python3",
      [
        "-c",
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM projects').fetchone()[0])",
        house.data.appending("tale.db").string,
      ])
    return Int(found.output.split(separator: "\n").first ?? "") ?? 0
  }

  @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"))
  func `a full disk below the database hinders no project on another one`() async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    let disk = try SmallDisk(bytes: 1 << 20)
    try await Household.with(config: chat.config) { original in
      let house = original.with(["TALE_SYSTEM_DATA_DIR": disk.path.string])
      try Folder.create(disk.path.appending("servers"))
      let filling = disk.path.appending("filling")
      try disk.fill(filling)
      try house.drop("a.md", Self.one)
      let full = try await house.tale("drain", "--verbose")
      #expect(full.code == 0, "\(full.errors)")
      #expect(full.errors.contains("the ledger"), "\(full.errors)")
      try DurableFile.remove(filling)
      #expect(try await house.tale("drain").code == 0)
      let found = try Program.run(
        "python3",
        [
          SourceTree.path("Tests/QueueCensus/ledger.py"),
          disk.path.appending("tale.db").string, house.queue.string,
        ])
      #expect(found.code == 0 && found.output == "1 projects, 1 calls\n", "\(found.output)")
    }
  }

  @Test func `two runners of one queue go on together when their database is lost`() async throws {
    let chat = ScriptedChat { _, _ in .text("it\n") }
    try await Household.with(config: chat.config) { house in
      let path = house.data.appending("tale.db")
      for number in 1...30 { try house.drop("x\(number).md", Self.one) }
      try await house.watching { _ in
        try await house.watching { _ in
          for strike in 1...3 {
            let isOn = try await eventually(within: Self.patience) {
              try house.projects(in: house.outbox).count >= 7 * strike
            }
            #expect(isOn)
            switch strike {
            case 1: try Descriptor.open(path, O_WRONLY).truncate(to: 0)
            case 2:
              for ending in ["", "-wal", "-shm"] {
                try DurableFile.remove(FilePath(path.string + ending))
              }
            default: try DurableFile.replace(path, with: [UInt8](repeating: 3, count: 50_000))
            }
          }
          let isDone = try await eventually(within: Self.patience) {
            try house.projects(in: house.outbox).count == 30
          }
          #expect(isDone)
        }
      }
      #expect(try await house.tale("drain").code == 0)
      try expectFold(house)
      #expect(chat.calls == 30)
    }
  }
}
