import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// The folder that a row's script works in, and the look at what became of what it sent.
struct Sources {
  let house: Household
  private let there: TemporaryFolder
  private var here: FilePath { house.root.appending("here") }
  private var want: FilePath { house.root.appending("want") }

  /// A description that is a plan of its own, with one short call.
  static let description = "# One file\n\n- [ ] Write it -> `it.txt`\n"
  static let sentinel = "sentinel.md"

  /// What became a project, or must.
  struct Taken: Comparable, CustomStringConvertible {
    /// With everything but ASCII spelled out: equal words are not always equal bytes.
    let name: String
    let content: [UInt8]

    init(name: String, content: [UInt8]) {
      self.name = name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
      self.content = content
    }

    static func < (a: Self, b: Self) -> Bool {
      (a.name, a.content.count, a.content.first ?? 0)
        < (b.name, b.content.count, b.content.first ?? 0)
    }

    var description: String {
      "\(name): \(content.count) bytes, \(String(decoding: content.prefix(60), as: UTF8.self))"
    }
  }

  /// - Parameter there: on another file system than the household, where there is one.
  init(_ house: Household) throws {
    self.house = house
    there = try TemporaryFolder(in: TemporaryFolder.memory)
    try Program.run("chmod", ["1777", there.path.string])
    try Folder.create(here)
    try Folder.create(want)
    let large = "---\nnokey: 1\n---\n" + String(repeating: "large words\n", count: 25_000)
    for (name, text) in [
      ("x.md", Self.description), ("large.md", large), ("trip/project.md", Self.description),
      ("trip/notes/a", String(repeating: "a", count: 100_000)), ("trip/notes/b", "b"),
      ("trip/notes/c", ""),
    ] { try write(text, to: here.pushing(FilePath(name))) }
    try write(Self.description, to: want.appending("x.md"))
  }

  private func write(_ text: String, to path: FilePath) throws {
    try Folder.create(path.removingLastComponent())
    try DurableFile.replace(path, with: Array(text.utf8), durable: false)
  }

  /// Runs a script of a row.
  ///
  /// - Parameter user: who runs it; nil: who runs the tests.
  func run(_ script: String, as user: UInt32? = nil) throws {
    let words = Household.prefix(for: user) + ["sh", "-ec", script]
    let end = try Program.run(
      words[0], Array(words.dropFirst()), in: here,
      environment: [
        "IN": house.inbox.string, "HERE": here.string, "WANT": want.string,
        "THERE": there.path.string, "HOME": house.root.appending("home").string,
      ])
    try #require(end.succeeded, "\(script): \(end.output)")
  }

  /// What must have become projects.
  func wanted() throws -> [Taken] {
    try Folder.names(in: want).map { name in
      let shown = name.string.split(separator: "#", maxSplits: 1).first.map(String.init) ?? ""
      return Taken(name: shown, content: try content(want.appending(name)))
    }.sorted()
  }

  /// What became projects, wherever they stand; nil while one of them moves.
  func taken() throws -> [Taken]? {
    do {
      return try [house.active, house.outbox, house.failed].flatMap(house.projects(in:)).map {
        let accepted = try #require(try ProjectBook(try house.journal($0)).accepted)
        return Taken(name: accepted.name, content: try content($0.appending("project.md")))
      }.sorted()
    } catch let failure as SystemFailure where failure.isMissing {
      return nil
    } catch Errno.noSuchFileOrDirectory {
      return nil
    }
  }

  /// All names in the inbox and in its lanes, without the lanes.
  func inbox() throws -> Set<String> {
    let lanes: Set<FilePath.Component> = ["urgent", "nightly"]
    let names = try Folder.names(in: house.inbox).filter { !lanes.contains($0) }.map(\.string)
    return try lanes.reduce(into: Set(names)) { names, lane in
      guard exists(house.inbox.appending(lane)) else { return }
      names.formUnion(
        try Folder.names(in: house.inbox.appending(lane)).map { "\(lane.string)/\($0.string)" })
    }
  }

  /// Whether only these names are in the inbox, and nothing is being accepted.
  func isAtRest(leaving stays: Set<String> = []) throws -> Bool {
    // In this order: what leaves the inbox goes into staging.
    try inbox() == stays && Folder.names(in: house.queue.pushing(".tale/staging")).isEmpty
  }

  /// Waits until exactly what was wanted has become projects and exactly these names stay.
  func expectTaken(leaving stays: Set<String> = [], _ watch: Program) async throws {
    let wanted = try wanted()
    let isSo = try await comesTrue(within: .seconds(120)) {
      try isAtRest(leaving: stays) && taken() == wanted
    }
    let (found, left) = (try taken() ?? [], try inbox().sorted())
    try #require(
      isSo,
      """
      taken: \(found)
      wanted: \(wanted)
      in the inbox: \(left), wanted: \(stays.sorted())
      \(watch.output)
      """)
  }

  /// What `tale status` says of names in the inbox that are not taken.
  ///
  /// - Parameter user: who asks.
  func ignored(as user: UInt32? = nil) throws -> [String: String] {
    let words = Household.prefix(for: user) + [try Household.program.string, "status", "--json"]
    let status = try Program.run(
      words[0], Array(words.dropFirst()), in: house.root, environment: house.variables)
    let answer = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
    let list = try #require(answer?["ignored"] as? [[String: Any]], "\(status)")
    return Dictionary(
      uniqueKeysWithValues: list.map {
        ($0["name"] as? String ?? "", "\($0["why"] ?? ""); \($0["mend"] ?? "")")
      })
  }

  /// A drop that is taken at once: when it is, everything that was there before was looked at.
  func dropSentinel(as user: UInt32? = nil) throws {
    try write(Self.description, to: want.appending(Self.sentinel))
    try run("cp $WANT/sentinel.md $THERE; mv $THERE/sentinel.md $IN", as: user)
  }
}

extension Household {
  /// Runs a row of the table against a running watch.
  func check(_ arrival: Arrival, as user: UInt32? = nil) async throws {
    let house = with(["TALE_QUEUE_SETTLE": arrival.settle, "TALE_QUEUE_RESCAN_INTERVAL": "1"])
    let sources = try Sources(house)
    if let user { try Program.run("chown", ["-R", "\(user):\(user)", root.string]) }
    let end = try await house.watching(as: user) { watch in
      try sources.run(arrival.script)
      let stays = Set(arrival.ignored.keys).union(arrival.passedOver)
      if !stays.isEmpty { try sources.dropSentinel(as: user) }
      try await sources.expectTaken(leaving: stays, watch)
      let ignored = try sources.ignored(as: user)
      #expect(Set(ignored.keys) == Set(arrival.ignored.keys))
      for (name, words) in arrival.ignored {
        for word in words { #expect(ignored[name]?.contains(word) == true, "\(ignored)") }
      }
      if let mend = arrival.mend {
        try sources.run(mend)
        try await sources.expectTaken(watch)
      }
    }
    #expect(end.code == 143, "\(end.output)")
    if let input = arrival.input {
      let projects = try house.projects(in: house.active) + house.projects(in: house.outbox)
      let project = try #require(projects.first { exists($0.appending("input")) })
      let difference = try Program.run(
        "diff", ["-r", "here/\(input)", project.appending("input").string], in: house.root)
      #expect(difference.succeeded, "\(difference.output)")
    }
    if let refused = arrival.refused {
      let project = try #require(try house.projects(in: house.failed).first)
      #expect(try house.text(project.appending("failure.md")).contains(refused))
    }
  }
}
