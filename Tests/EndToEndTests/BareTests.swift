import Foundation
import Subprocess
import SystemPackage
import TaleSystem
import TestSupport
import Testing

/// tale where something that it usually has is missing.
@Suite struct BareTests {
  /// A folder with an empty home, and no variable but HOME and PATH.
  private struct Place {
    let folder: TemporaryFolder
    let program: String

    /// - Parameter forAll: also other users can start the program, wherever it was built.
    init(forAll: Bool = false) throws {
      folder = try TemporaryFolder()
      let built = try Household.program.string
      program = forAll ? folder("tale").string : built
      if forAll { try Program.run("cp", [built, program]) }
      for name in ["home", "bin", "here"] { try Folder.create(folder(name)) }
      try folder.write("# X\n\n- [ ] Write it -> `it.txt`\n", to: "here/x.md")
    }

    var root: String { folder.path.string }

    /// Runs a line of the shell, in which tale stands for the program.
    ///
    /// - Parameter variables: nil takes one away.
    func shell(
      _ line: String, _ variables: [String: String?] = [:], asNobody: Bool = false
    ) throws -> (code: Int32, said: String) {
      var words = ["HOME": folder("home").string, "PATH": folder("bin").string]
      for (name, value) in variables { words[name] = value }
      // What the program is started with by the tests, and needs no more.
      let settings = words.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      let libraries = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"].map {
        ["LD_LIBRARY_PATH=\($0)"]
      }
      let user =
        asNobody
        ? ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : []
      let end = try Program.run(
        "/usr/bin/env",
        ["-i"] + settings + (libraries ?? []) + user
          + ["/bin/bash", "-c", "tale() { \(program) \"$@\"; }; \(line)"],
        in: folder("here"))
      for sign in ["Fatal error", "Swift/", " at 0x", "CommandFailure(", "SystemFailure("] {
        #expect(!end.output.contains(sign), "\(line): \(end.output)")
      }
      #expect(end.code >= 0 && end.code < 128 || end.code == 143, "\(line): \(end.code)")
      let plain = end.output.replacing(root, with: "ROOT")
        .replacing(#/\d{8}-\d{6}-([a-z0-9-]+)-[a-z0-9]{4}/#) { "ID-\($0.output.1)" }
        .replacing(#/\.tale\.\d+\.\d+/#, with: ".tale.N")
      return (end.code, plain)
    }

    /// Expects exactly these words and this code.
    func expect(
      _ line: String, _ code: Int32, _ said: String, _ variables: [String: String?] = [:],
      asNobody: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let found = try shell(line, variables, asNobody: asNobody)
      #expect(found.code == code, "\(line): \(found.said)", sourceLocation: sourceLocation)
      #expect(found.said == said, "\(line)", sourceLocation: sourceLocation)
    }
  }

  private static let noServer = """
    tale: the model server cannot be had: there is no llama-server on PATH and no server was \
    fetched; run: tale models fetch

    """
  private static let noQueue = """
    tale: there is no queue at ROOT/home/.tale/queue; make one with `tale init`, or name another \
    with --queue

    """

  /// What is said of a queue that was made where nobody named one.
  private static let made = made("ROOT/home")

  private static func made(_ home: String) -> String {
    "tale: made a new queue at \(home)/.tale/queue; --queue names another\n"
  }

  @Test func `no configuration and no queue: looking says so, giving makes one`() throws {
    let place = try Place()
    for line in ["tale status", "tale logs x", "tale --queue ~/.tale/queue status"] {
      try place.expect(line, 3, Self.noQueue)
    }
    #expect(!exists(place.folder("home/.tale")), "looking made something")
    try place.expect("tale submit x.md", 0, Self.made + "ID-x\n")
    try place.expect(
      "tale status", 0, "ROOT/home/.tale/queue: 1 active, 0 done, 0 failed\n  ID-x  queued, 0 %\n")
  }

  @Test func `no models: what runs projects says what to type, and nothing is lost`() throws {
    let place = try Place()
    try place.expect("tale submit x.md", 0, Self.made + "ID-x\n")
    for line in ["tale drain", "tale watch", "tale run x.md"] {
      try place.expect(line, 69, Self.noServer)
    }
    let doctor = try place.shell("tale doctor")
    #expect(doctor.code == 69)
    #expect(
      doctor.said.contains(
        "missing model server: no llama-server on PATH, none fetched; run: tale models fetch\n"))
    let models = try place.shell("tale models")
    #expect(models.code == 0 && models.said.contains("not here: tale models fetch"))
    #expect(try place.shell("tale status").said.contains("1 active, 0 done, 0 failed"))
  }

  @Test func `no network: fetching ends in bounded time and says what was tried`() throws {
    let place = try Place()
    // A server's program is here, and a model's file is what is wanted.
    try DurableFile.replace(
      place.folder("bin/llama-server"), with: Array("#!/bin/sh\n".utf8), mode: 0o755)
    let refusing = "http://127.0.0.1:9"
    let variables = [
      "https_proxy": refusing, "http_proxy": refusing, "PIP_INDEX_URL": "\(refusing)/simple",
      "PIP_RETRIES": "1", "PATH": "\(place.root)/bin:/usr/bin:/bin",
    ]
    let began = ContinuousClock.now
    let end = try place.shell("tale models fetch qwen2.5-coder-0.5b", variables)
    #expect(end.code == 69, "\(end.said)")
    #expect(end.said.contains("cannot fetch qwen2.5-coder-0.5b"), "\(end.said)")
    #expect(end.said.contains("huggingface.co"), "\(end.said)")
    #expect(end.said.contains("pip cannot reach its registry: Connection refused"), "\(end.said)")
    #expect(end.said.contains("Run it again when the network is there"), "\(end.said)")
    #expect(began.duration(to: .now) < .seconds(55))
  }

  @Test func `no home: what needs none works, the rest says what to set`() throws {
    let place = try Place()
    let none: [String: String?] = ["HOME": nil]
    #expect(try place.shell("tale config", none).code == 0)
    for line in ["tale status", "tale submit x.md", "tale drain", "tale watch"] {
      try place.expect(
        line, 3,
        "tale: HOME is not set, and ~/.tale/queue is below it; set HOME, or name a whole path\n",
        none)
    }
    try place.expect(
      "tale models fetch", 3,
      "tale: HOME is not set, and ~/.cache is below it; set HOME, or name a whole path\n", none)
    let doctor = try place.shell("tale doctor", none)
    #expect(doctor.code == 69 && doctor.said.contains("missing queue: HOME is not set"))
    var whole = none
    whole["TALE_QUEUE_ROOT"] = "\(place.root)/queue"
    try place.expect("tale submit x.md", 0, "ID-x\n", whole)
    // A home that cannot be made.
    try place.expect(
      "tale submit x.md", 73,
      "tale: cannot open the queue: cannot make the folder /proc/x: No such file or directory\n",
      ["HOME": "/proc/x"])
    try place.expect(
      "tale submit x.md", 0, Self.made("ROOT/new/home") + "ID-x\n",
      ["HOME": "\(place.root)/new/home"])
  }

  @Test func `no working folder: only what is named from it cannot be found`() throws {
    let place = try Place()
    let gone = "/bin/mkdir ../gone; cd ../gone; /bin/rmdir ../gone; "
    try place.expect("\(gone)tale config lanes", 0, "[urgent, nightly]\n")
    try place.expect("\(gone)tale submit \(place.root)/here/x.md", 0, Self.made + "ID-x\n")
    for line in ["tale submit x.md", "tale run x.md"] {
      try place.expect(
        gone + line, 3,
        "tale: the working folder is gone, and x.md is below it; change to another, or name a whole path\n"
      )
    }
  }

  @Test func `standard output that takes nothing is told, and gives 73`() throws {
    let place = try Place()
    let end = "; what was to be printed there is not complete\n"
    let full = "tale: cannot write to standard output: No space left on device\(end)"
    let closed = "tale: cannot write to standard output: it is closed\(end)"
    for line in ["tale config", "tale config --json", "tale models", "tale help", "tale --version"]
    {
      try place.expect("\(line) > /dev/full", 73, full)
      try place.expect("\(line) >&-", 73, closed)
    }
    // The project is accepted all the same, once.
    try place.expect("tale submit x.md > /dev/full", 73, Self.made + full)
    try place.expect("tale submit x.md >&-", 73, closed)
    #expect(try place.shell("tale status").said.contains(": 2 active"))
    // What went wrong before has its own code, and a reader that has enough is no failure.
    #expect(try place.shell("tale config nothing > /dev/full").code == 2)
    try place.expect("set -o pipefail; tale config | /usr/bin/head -c 3", 0, "exe")
  }

  @Test func `closed standard input and error harm no file`() throws {
    let place = try Place()
    try place.expect(
      "tale submit - <&-", 2,
      Self.made
        + "tale: standard input is closed; give the description there, or name a file instead of -\n"
    )
    #expect(try place.shell("tale submit - < x.md").said == "ID-stdin\n")
    #expect(try place.shell("printf 'Make a file.' | tale submit -").code == 0)
    try place.expect("tale statsu 2>&-", 2, "")
    // With all three closed, whatever it opens would get their numbers.
    try place.expect("tale submit x.md <&- >&- 2>&-", 73, "")
    try place.expect("tale drain <&- >&- 2>&-", 69, "")
    #expect(try place.shell("tale status").said.contains(": 3 active, 0 done, 0 failed"))
    for path in [place.folder("home/.tale/queue/active")] {
      for name in try Folder.names(in: path) {
        let journal = try text(path.appending(name).appending("events.jsonl"))
        #expect(!journal.contains("tale:") && journal.hasPrefix("{"), "\(journal)")
      }
    }
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to become another user"))
  func `an ordinary user gets 73 where it may not write, and what to look at`() throws {
    let place = try Place(forAll: true)
    let denied = "Permission denied; check who may write there\n"
    for line in ["tale submit x.md", "tale drain", "tale watch"] {
      try place.expect(
        line, 73, "tale: cannot open the queue: cannot make the folder ROOT/home/.tale: \(denied)",
        asNobody: true)
    }
    try place.expect(
      "tale init", 73,
      "tale: cannot open the queue: cannot make the folder ROOT/here/queue: \(denied)",
      asNobody: true)
    try place.expect("tale status", 3, Self.noQueue, asNobody: true)
    // Its own queue, and a folder for the ledger that is not its own.
    try Program.run("chown", ["65534", place.folder("home").string])
    try DurableFile.replace(
      place.folder("bin/llama-server"), with: Array("#!/bin/sh\n".utf8), mode: 0o755)
    try place.expect("tale submit x.md", 0, Self.made + "ID-x\n", asNobody: true)
    let config = try place.folder.write(
      """
      models:
        task_model: far
        ux_model: far
        servers: {far: {kind: openai, url: "http://127.0.0.1:9"}}
        definitions: {far: {server: far}}
      system: {data_dir: /root/tale-not-mine}
      """, to: "home/c.yaml")
    try place.expect(
      "tale drain", 73, "tale: cannot make the folder /root/tale-not-mine: \(denied)",
      ["TALE_CONFIG": config.string], asNobody: true)
    #expect(try place.shell("tale status", asNobody: true).said.contains(": 1 active"))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to become another user"))
  func `nobody makes projects in another user's queue that its owner could not run`() throws {
    let place = try Place(forAll: true)
    try place.expect("tale submit x.md", 0, Self.made + "ID-x\n")
    let refused = """
      tale: the queue ROOT/home/.tale/queue belongs to another user, who could not run what you \
      make in it; run tale as that user, or copy the description into its inbox

      """
    let queue = place.folder("home/.tale/queue").string
    for (owner, asNobody) in [("0", true), ("65534", false)] {
      try Program.run("chown", ["-R", owner, queue])
      for line in ["tale submit x.md", "tale drain", "tale watch"] {
        try place.expect(line, 73, refused, asNobody: asNobody)
      }
      // Looking is allowed.
      #expect(try place.shell("tale status").said.contains(": 1 active, 0 done, 0 failed"))
      if !asNobody {
        #expect(try place.shell("tale doctor").said.contains("belongs to another user"))
      }
    }
  }
}
