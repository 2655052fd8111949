import Foundation
import SystemPackage
import TaleCore
import TaleSystem
import TestSupport
import Testing

/// `tale config` and what a configuration leads to, with the real binary.
@Suite struct ConfigTests {
  private struct Listing: Decodable {
    struct Row: Decodable {
      struct Origin: Decodable, Equatable {
        var kind: String
        var file: String?
        var line: Int?
        var column: Int?
        var name: String?
      }
      let key: String
      let value: String
      let source: String
      let origin: Origin
    }
    let schema: Int
    let values: [Row]
  }

  @Test func `every file of config but the catalogue passes its check, silently`() async throws {
    let folder = FilePath(SourceTree.root().path).appending("config")
    let names = try Folder.names(in: folder).map(\.string).filter { $0 != "models.yaml" }
    #expect(names.count >= 3)
    try await Household.with { house in
      for name in names {
        let good = try await house.tale("config", "--check", folder.appending(name).string)
        #expect(good.code == 0 && good.output + good.errors == "", "\(name): \(good.errors)")
      }
      let catalogue = folder.appending("models.yaml").string
      let bad = try await house.tale(
        "config", "--check", catalogue, folder.appending(names[0]).string)
      #expect(bad.code == 3, "a control: the catalogue is no configuration")
      #expect(bad.errors.hasPrefix("tale: \(catalogue):5:1: unknown key \"schema\""))
    }
  }

  @Test func `a check says everything that is wrong, and does not look at other files`()
    async throws
  {
    try await Household.with(config: "broken: [") { house in
      let file = house.root.appending("mine.yaml")
      try DurableFile.replace(file, with: Array("modles: {}\nqueue:\n  settle: soon\n".utf8))
      let outcome = try await house.tale("config", "--check", "mine.yaml")
      #expect(outcome.code == 3)
      let lines = outcome.errors.split(separator: "\n")
      #expect(lines.count == 2)
      #expect(lines.first?.hasPrefix("tale: \(file):1:1: unknown key \"modles\"; did you") == true)
      #expect(lines.last?.hasPrefix("tale: \(file):3:11: \"queue.settle\" cannot be") == true)
    }
  }

  @Test(arguments: [
    ("", "0.05"), ("# only words\n\n", "0.05"), ("---\n", "0.05"), ("queue:\n", "0.05"),
    ("\u{FEFF}queue:\n  settle: 4\n", "4.0"), ("queue:\r\n  settle: 4s\r\n", "4.0"),
    ("queue: {settle: \"4\"}", "4.0"), ("{\"queue\": {\"settle\": 4}}", "4.0"),
  ])
  func `a file in any of its good forms is taken, also through a link and from the home`(
    text: String, settle: String
  ) async throws {
    try await Household.with { original in
      let isSet = settle != "0.05"
      let house = original.with(isSet ? ["TALE_QUEUE_SETTLE": nil] : [:])
      let file = house.root.appending("home/mine.yaml")
      try DurableFile.replace(file, with: Array(text.utf8))
      try FileManager.default.createSymbolicLink(
        atPath: house.root.appending("link.yaml").string, withDestinationPath: file.string)
      for name in ["~/mine.yaml", "home/mine.yaml", "link.yaml", file.string] {
        #expect(try await house.tale("config", "--check", name).errors == "")
        let found = try await house.tale("config", "queue.settle", "--config", name)
        let isRight = found.output.hasPrefix(settle) && found.code == 0
        #expect(isRight, "\(name): \(found.output)\(found.errors)")
      }
    }
  }

  @Test func `each value says where it came from, to people and to programs`() async throws {
    try await Household.with(config: "queue:\n  rescan_interval: 90s\n") { house in
      let outcome = try await house.tale("config", "--json", "--log-level", "error")
      let listing = try JSONDecoder().decode(Listing.self, from: Data(outcome.output.utf8))
      #expect(listing.schema == 1)
      let rows = Dictionary(uniqueKeysWithValues: listing.values.map { ($0.key, $0) })
      let file = house.root.appending("config.yaml").string
      #expect(rows["lanes"]?.origin == .init(kind: "built_in"))
      #expect(rows["lanes"]?.source == "built in")
      #expect(
        rows["queue.rescan_interval"]?.origin
          == .init(kind: "file", file: file, line: 2, column: 20)
      )
      #expect(rows["queue.rescan_interval"]?.source == "\(file):2:20")
      #expect(rows["queue.rescan_interval"]?.value == "90.0")
      #expect(
        rows["queue.settle"]?.origin == .init(kind: "environment", name: "TALE_QUEUE_SETTLE"))
      #expect(rows["system.log_level"]?.origin == .init(kind: "flag", name: "--log-level"))
      #expect(rows["system.log_level"]?.value == "ERROR")
      let alone = try await house.tale("config", "queue.rescan_interval")
      #expect(alone.output == "90.0\n" && alone.code == 0)
      let one = try await house.tale("config", "lanes", "--json")
      let row = try JSONDecoder().decode(Listing.self, from: Data(one.output.utf8))
      #expect(row.values.map(\.value) == ["[urgent, nightly]"])
    }
  }

  @Test func `an installed binary works anywhere, with what is built in`() async throws {
    let folder = try TemporaryFolder()
    let program = try Household.program
    for environment in [["HOME": folder.path.string], [:]] {
      let end = try Program.run(
        program.string, ["config"], in: folder.path, environment: environment)
      #expect(end.code == 0, "\(end.output)")
      let lines = end.output.split(separator: "\n")
      #expect(lines.count > 30)
      #expect(lines.allSatisfy { $0.hasSuffix("(built in)") })
    }
    #expect(try Folder.names(in: folder.path).isEmpty, "it made nothing")
  }

  @Test(arguments: ["task_model", "ux_model"])
  func `a model that this version cannot reach is refused before anything runs`(role: String)
    async throws
  {
    let config = """
      models:
        \(role): "qwen2.5:14b"
        servers: {mine: {kind: ollama, url: "http://127.0.0.1:11434/v1/"}}
        definitions: {"qwen2.5:14b": {server: mine}}
      """
    try await Household.with(config: config) { house in
      try house.drop("x.md", "# X\n\n- [ ] Write it -> `it.txt`\n")
      for command in [["drain"], ["watch"], ["run", house.inbox.appending("x.md").string]] {
        let outcome = try await house.tale(command) { _ in }
        #expect(outcome.code == 69)
        #expect(
          outcome.errors == """
            tale: the model server cannot be had: models.\(role) names "qwen2.5:14b" on the server \
            "mine" of kind ollama, for which this version has no client; Ollama speaks OpenAI's \
            language too: write `kind: openai` and keep its url, and tale asks \
            http://127.0.0.1:11434/v1/chat/completions

            """)
      }
      #expect(try FileStatus.ifPresent(house.inbox.appending("x.md")) != nil, "left where it was")
      for command in [["config"], ["status"], ["models"]] {
        #expect(try await house.tale(command) { _ in }.code == 0, "\(command)")
      }
      let doctor = try await house.tale("doctor")
      #expect(doctor.code == 69 && doctor.output.contains("of kind ollama"))
    }
  }

  @Test(arguments: [true, false])
  func `a key is sent and lands in no message, no log and no file`(isFile: Bool) async throws {
    let marker = "sk-marker-0451"
    // Like a careless server: it repeats the key in its error.
    let server = ScriptedServer { request, _ in
      let key = request["authorization"] ?? ""
      let body = "{\"error\": {\"message\": \"Incorrect API key provided: \(key)\"}}"
      return [
        .send(
          "HTTP/1.1 401 Unauthorized\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
      ]
    }
    let config = """
      models:
        task_model: far
        ux_model: far
        servers:
          far: {kind: openai, url: "\(server.url)", \(isFile ? "key_file: ~/key" : "key_env: FAR_KEY")}
        definitions: {far: {server: far}}
      """
    try await Household.with(config: config) { original in
      let house = original.with(["FAR_KEY": isFile ? nil : " \(marker)\n"])
      let key = house.root.appending("home/key")
      if isFile { try DurableFile.replace(key, with: Array("\(marker)\n".utf8), mode: 0o644) }
      try house.drop("x.md", "# X\n\n- [ ] Write it -> `it.txt`\n")
      let outcome = try await house.tale("drain", "--verbose", "--log-level", "debug")
      #expect(server.requests.first?["authorization"] == "Bearer \(marker)")
      let said = "\(outcome.output)\(outcome.errors)"
      #expect(said.contains("chmod 600") == isFile)
      for command in [["config"], ["config", "--json"], ["doctor"], ["models"], ["status"]] {
        let end = try await house.tale(command) { _ in }
        #expect(!(end.output + end.errors).contains(marker), "\(command)")
      }
      #expect(!said.contains(marker), "\(said)")
      if isFile { try DurableFile.remove(key) }
      let found = try Program.run("grep", ["-r", "-l", marker, house.root.string])
      #expect(found.output == "" && found.code == 1)
      let failure = try Program.run("grep", ["-r", "-l", "(hidden)", house.queue.string])
      #expect(failure.code == 0, "a control: the server's words are there, without the key")
    }
  }

  @Test(arguments: [
    ("key_file: ~/none", "there is no file of that name", "key_file"),
    ("key_file: ~/empty", "the key file HOME/empty is empty", "key_file"),
    (
      "key_file: ~/two", "the key file HOME/two holds more than one word, or signs that no key has",
      "key_file"
    ),
    ("key_file: ~", "cannot read HOME: Is a directory", "key_file"),
    ("key_env: NOT_THERE", "the environment variable NOT_THERE is not set", "key_env"),
  ])
  func `a key that is not there is told before anything is sent`(
    line: String, why: String, key: String
  ) async throws {
    let config = """
      models:
        task_model: far
        ux_model: far
        servers: {far: {kind: openai, url: "http://127.0.0.1:9", \(line.replacing("~", with: "'~").appending(line.contains("~") ? "'" : ""))}}
        definitions: {far: {server: far}}
      """
    try await Household.with(config: config) { house in
      let home = house.root.appending("home")
      try DurableFile.replace(home.appending("empty"), with: Array(" \n".utf8), mode: 0o600)
      try DurableFile.replace(home.appending("two"), with: Array("one two\n".utf8), mode: 0o600)
      let outcome = try await house.tale("drain")
      #expect(outcome.code == 69)
      #expect(
        outcome.errors == """
          tale: the model server cannot be had: the server "far" needs its key: \
          \(why.replacing("HOME", with: home.string)) (models.servers.far.\(key))

          """)
    }
  }
}

extension Household {
  /// The same household with other variables; nil takes one away.
  func with(_ changes: [String: String?]) -> Household {
    var house = self
    for (name, value) in changes { house.set(name, value) }
    return house
  }
}
