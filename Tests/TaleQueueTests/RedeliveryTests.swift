import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

@testable import TaleQueue

@Suite struct RedeliveryTests {
  private let place: QueuePlace
  private static let modified = 1_700_000_000

  init() throws { place = try QueuePlace() }

  @Test func `the same file again is acknowledged and not run`() throws {
    try place.drop("x", as: "x.md", modified: Self.modified)
    let id = try #require(try place.intake().first?.accepted)
    for _ in 0..<2 {
      try place.drop("x", as: "x.md", modified: Self.modified)
      #expect(try place.intake().first?.redelivered == id)
    }
    #expect(try place.active().count == 1)
    #expect(try place.inboxNames() == [] && place.stagingNames() == [])
  }

  @Test func `a repeated rsync -a is acknowledged and a repeated cp runs again`() throws {
    let source = try place.folder.write("x", to: "outside/x.md")
    try place.setModified(source, Self.modified)
    let inbox = place.folders.inbox.string + "/"
    for _ in 0..<2 {
      let end = try Program.run("rsync", ["-a", source.string, inbox])
      try #require(end.succeeded, "\(end.output)")
      try place.intake()
    }
    #expect(try place.active().count == 1)
    try #require(try Program.run("cp", [source.string, inbox]).succeeded)
    try place.intake()
    #expect(try place.active().count == 2)
  }

  @Test(arguments: ["name", "lane", "content", "time"])
  func `another name, lane, content or time runs again`(_ difference: String) throws {
    try place.drop("x", as: "x.md", modified: Self.modified)
    try place.intake()
    try place.drop(
      difference == "content" ? "y" : "x", as: difference == "name" ? "y.md" : "x.md",
      lane: difference == "lane" ? "urgent" : "",
      modified: difference == "time" ? Self.modified + 1 : Self.modified)
    #expect(try place.intake().first?.accepted != nil)
    #expect(try place.active().count == 2)
  }

  @Test func `a name that is not UTF-8 is recognised also after its line in the log was lost`()
    throws
  {
    let bytes: [UInt8] = [0xff, 0xfe] + Array(".md".utf8)
    let name = try #require(
      FilePath.Component(platformString: bytes.map { CChar(bitPattern: $0) } + [0]))
    func deliver() throws {
      let path = place.folders.inbox.appending(name)
      try place.folder.write(Array("x".utf8), to: path)
      try place.setModified(path, Self.modified)
    }
    try deliver()
    let id = try #require(try place.intake().first?.accepted)
    try DurableFile.remove(place.folders.acceptedLog)
    #expect(try place.recover().count == 1)
    try deliver()
    #expect(try place.intake().map(\.redelivered) == [id])
    // The control: another such name is another drop.
    try place.drop("x", as: "\u{FFFD}\u{FFFD}.md", modified: Self.modified)
    #expect(try place.intake().first?.accepted != nil)
  }

  @Test func `a refused file that is delivered again is refused once`() throws {
    for _ in 0..<2 {
      try place.drop("", as: "empty.md", modified: Self.modified)
      try place.intake()
    }
    #expect(try place.failed().count == 1)
  }

  @Test func `the same folder again is acknowledged`() throws {
    let files = ["project.md": "x", "data/a": "one", "data/b": "two"]
    for _ in 0..<2 {
      try place.dropFolder(files, as: "x", modified: Self.modified)
      try place.intake()
    }
    #expect(try place.active().count == 1)
    #expect(try place.stagingNames() == [])
  }

  @Test(arguments: ["data/a", "data/new", "link"])
  func `a folder that differs only in what lies beside project.md runs again`(
    _ changed: String
  ) throws {
    var files = ["project.md": "x", "data/a": "one"]
    try place.dropFolder(files, as: "x", modified: Self.modified)
    try place.intake()
    if changed != "link" { files[changed] = "other" }
    let path = try place.dropFolder(files, as: "x")
    if changed == "link" { try Program.run("ln", ["-s", "data/a", path.appending("link").string]) }
    try place.setModified(path, Self.modified)
    #expect(try place.intake().first?.accepted != nil)
    #expect(try place.active().count == 2)
  }

  @Test func `a folder with parts that may not be written to is acknowledged and removed`() throws {
    for _ in 0..<2 {
      let path = try place.dropFolder(["project.md": "x", "data/a": "one"], as: "x")
      try Program.run("chmod", ["555", path.appending("data").string])
      try place.setModified(path, Self.modified)
      try place.intake()
    }
    #expect(try place.active().count == 1)
    #expect(try place.stagingNames() == [])
  }

  @Test func `names that only look the same are deliveries of their own`() throws {
    let names: [[UInt8]] = [
      Array("caf\u{e9}.md".utf8), Array("cafe\u{301}.md".utf8), [0x61, 0xff] + Array(".md".utf8),
      [0x61, 0xfe] + Array(".md".utf8), Array("a\u{fffd}.md".utf8),
    ]
    for expected in [names.count, 0] {
      for name in names {
        let component = try #require(
          FilePath.Component(platformString: name.map { CChar(bitPattern: $0) } + [0]))
        let path = place.folders.inbox.appending(component)
        try place.folder.write(Array("x".utf8), to: path)
        try place.setModified(path, Self.modified)
      }
      let outcomes = try place.intake()
      #expect(outcomes.compactMap(\.accepted).count == expected, "\(outcomes)")
      #expect(try place.inboxNames() == [])
    }
  }

  @Test func `a delivery is forgotten after the configured days`() throws {
    try place.drop("x", as: "x.md", modified: Self.modified)
    try place.intake()
    func accept(after days: Int64) throws -> Acceptor.Outcome {
      try place.drop("x", as: "x.md", modified: Self.modified)
      let time = SetClock(
        time: Timestamp(milliseconds: SetClock().time.milliseconds + days * 86_400_000))
      let later = Acceptor(queue: place.queue, limits: QueuePlace.limits, time: time)
      let entry = try #require(try place.entries().first)
      return try later.accept(entry)
    }
    #expect(try accept(after: 13).redelivered != nil)
    #expect(try accept(after: 15).accepted != nil)
  }

  @Test func `an end of the log of deliveries that never reached the disk is cut off`() throws {
    try place.drop("x", as: "x.md", modified: Self.modified)
    try place.intake()
    let whole = try content(place.folders.acceptedLog)
    // Longer than any line, so that more than one look is needed to find where it begins.
    try place.folder.write(
      whole + [UInt8](repeating: 0, count: 40_000), to: place.folders.acceptedLog)
    try place.drop("y", as: "y.md", modified: Self.modified)
    try place.intake()
    let now = try content(place.folders.acceptedLog)
    #expect(now.starts(with: whole) && !now.contains(0) && now.count < 2 * whole.count + 10)
  }

  @Test func `a torn line in the log of deliveries costs only that line`() throws {
    try place.drop("x", as: "x.md", modified: Self.modified)
    try place.intake()
    let whole = try content(place.folders.acceptedLog)
    let torn = Array("{\"id\":\"2026".utf8)
    try place.folder.write(whole + torn, to: place.folders.acceptedLog)
    try place.drop("y", as: "y.md", modified: Self.modified)
    try place.intake()
    let lines = try text(place.folders.acceptedLog).split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasSuffix("}") })
    for (name, text) in [("x.md", "x"), ("y.md", "y")] {
      try place.drop(text, as: name, modified: Self.modified)
      #expect(try place.intake().first?.redelivered != nil)
    }
  }
}
