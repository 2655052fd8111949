import TaleConfig
import Testing

@Suite struct ConfigLayersTests {
  private func layers(_ yaml: String, file: String = "c.yaml") throws -> ConfigLayers {
    var layers = ConfigLayers()
    try layers.add(yaml: yaml, file: file)
    return layers
  }

  private func failure(
    _ yaml: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> ConfigFailure {
    let failure = #expect(throws: ConfigFailure.self, sourceLocation: sourceLocation) {
      try layers(yaml)
    }
    return try #require(failure, sourceLocation: sourceLocation)
  }

  @Test func `the built-in values are those of the design`() throws {
    let settings = try Settings(ConfigLayers())
    #expect(settings.dataDirectory == "~/.tale")
    #expect(settings.logLevel == "INFO")
    #expect(settings.checkpointInterval == .seconds(300))
    #expect(settings.performance.uxResponse == .seconds(1))
    #expect(settings.performance.simpleTask == .seconds(3))
    #expect(settings.performance.mediumTask == .seconds(300))
    #expect(settings.performance.checkpoint == .milliseconds(100))
    #expect(settings.execution.maxRetries == 3)
    #expect(settings.execution.tokenSafetyMargin == 1.2)
    #expect(settings.execution.thinkingModeThreshold == 2)
    #expect(settings.queue.root == nil)
    #expect(settings.queue.settle == .milliseconds(500))
    #expect(settings.queue.settleFolder == .seconds(2))
    #expect(settings.queue.maxDescription == 1 << 20)
    #expect(settings.queue.maxInput == 1 << 30)
    #expect(settings.lanes == ["urgent", "nightly"])
    #expect(settings.models.fallback == nil)
    #expect(settings.models.cloud == nil)
    #expect(settings.models.servers["local"]?.kind == .llamaCpp)
    let values = ConfigLayers().values
    #expect(values["learning.update_interval"]?.content == .integer(100))
    #expect(values["learning.min_samples"]?.content == .integer(20))
    #expect(values["learning.confidence_threshold"]?.content == .number(0.7))
    #expect(values.values.allSatisfy { $0.source == .builtIn })
  }

  @Test func `a later layer wins and says where a value came from`() throws {
    var layers = ConfigLayers()
    let path = "queue.settle"
    func value() -> String {
      layers.values[path].map { "\($0.content) from \($0.source)" } ?? ""
    }
    #expect(value() == "number(0.5) from built in")
    try layers.add(yaml: "queue:\n  settle: 1", file: "config/development.yaml")
    #expect(value() == "number(1.0) from config/development.yaml:2:11")
    try layers.add(yaml: "lanes: []\nqueue: {settle: 2}", file: "user.yaml")
    #expect(value() == "number(2.0) from user.yaml:2:17")
    try layers.add(environment: ["TALE_QUEUE_SETTLE": "3s", "PATH": "/bin"])
    #expect(value() == "number(3.0) from environment, TALE_QUEUE_SETTLE")
    try layers.add(flag: "--settle", path: path, text: "4")
    #expect(value() == "number(4.0) from flag --settle")
    #expect(try Settings(layers).queue.settle == .seconds(4))
    #expect(try Settings(layers).lanes == [])
    // What a layer does not name stays as it was.
    #expect(try Settings(layers).queue.settleFolder == .seconds(2))
    #expect(layers.warnings == [])
  }

  @Test(arguments: ["", "\n\n", "# only comments\n", "---\n", "~", "null", "queue:\n", "queue: ~"])
  func `an empty file changes nothing`(yaml: String) throws {
    #expect(try layers(yaml).values == ConfigLayers().values)
  }

  @Test(arguments: ["- a", "[]", "words", "5", "\"\"", "queue: 5", "queue: [a]", "models: x"])
  func `what is not a mapping where one belongs is refused`(yaml: String) throws {
    #expect(try failure(yaml).place.hasPrefix("c.yaml:1:"))
  }

  @Test(
    arguments: [
      ("modles: {}", "c.yaml:1:1", "modles", "models"),
      ("queue:\n  setle: 1", "c.yaml:2:3", "queue.setle", "settle"),
      ("system:\n  log_level: INFO\n  logs: 1", "c.yaml:3:3", "system.logs", nil),
      (
        "models:\n  definitions:\n    a:\n      contxt: 1", "c.yaml:4:7",
        "models.definitions.a.contxt", "context"
      ),
      ("models:\n  definition: {}", "c.yaml:2:3", "models.definition", "definitions"),
      ("lane: []", "c.yaml:1:1", "lane", "lanes"),
      ("models:\n  definitions:\n    \"\": {}", "c.yaml:3:5", "models.definitions.", nil),
    ] as [(String, String, String, String?)])
  func `an unknown key is told with file, line, column and the nearest`(
    yaml: String, place: String, key: String, meant: String?
  ) throws {
    let failure = try failure(yaml)
    #expect(failure.place == place)
    let suggestion = meant.map { "; did you mean \"\($0)\"?" } ?? ""
    #expect(failure.what == "unknown key \"\(key)\"\(suggestion)")
    #expect(!failure.mend.isEmpty)
  }

  @Test(arguments: [
    ("queue:\n  settle: soon", "c.yaml:2:11", "\"queue.settle\" cannot be \"soon\""),
    ("queue: {settle: -1}", "c.yaml:1:17", "\"queue.settle\" cannot be \"-1\""),
    ("queue: {settle: [1]}", "c.yaml:1:17", "\"queue.settle\" cannot be a list"),
    ("queue: {max_input: 1 TB}", "c.yaml:1:20", "\"queue.max_input\" cannot be \"1 TB\""),
    ("execution: {max_retries: 21}", "c.yaml:1:26", "\"execution.max_retries\" cannot be \"21\""),
    ("execution: {max_retries: 1.5}", "c.yaml:1:26", "\"execution.max_retries\" cannot be \"1.5\""),
    ("execution: {token_safety_margin: 0.9}", "c.yaml:1:34", "cannot be \"0.9\""),
    ("system: {log_level: loud}", "c.yaml:1:21", "\"system.log_level\" cannot be \"loud\""),
    ("system: {data_dir: \"\"}", "c.yaml:1:20", "\"system.data_dir\" cannot be empty"),
    ("models: {task_model: }", "c.yaml:1:22", "\"models.task_model\" cannot be empty"),
    ("lanes: [A B]", "c.yaml:1:9", "\"A B\" cannot be the name of a lane"),
    ("lanes: 5 6", "c.yaml:1:8", "\"5 6\" cannot be the name of a lane"),
    ("lanes: [a, a]", "c.yaml:1:12", "the lane \"a\" stands there twice"),
    ("lanes: [../x]", "c.yaml:1:9", "\"../x\" cannot be the name of a lane"),
    ("lanes: [b, inbox]", "c.yaml:1:12", "\"inbox\" cannot be the name of a lane"),
    ("lanes:\n  - b\n  - .hidden", "c.yaml:3:5", "\".hidden\" cannot be the name of a lane"),
    ("lanes: [project.md]", "c.yaml:1:9", "\"project.md\" cannot be the name of a lane"),
    ("lanes: [\"a\\tb\"]", "c.yaml:1:9", "\"a b\" cannot be the name of a lane"),
    ("lanes: [\"a\\0b\"]", "c.yaml:1:9", "cannot be the name of a lane"),
    ("lanes: [[a]]", "c.yaml:1:9", "\"lanes\" cannot be a list with a list in it"),
    ("lanes: {a: b}", "c.yaml:1:8", "\"lanes\" must be a list"),
    ("models: {task_model: \"a\\nb\"}", "c.yaml:1:22", "\"models.task_model\" cannot be"),
    ("system: {data_dir: \"a\\0b\"}", "c.yaml:1:20", "\"system.data_dir\" cannot be"),
    ("models: {definitions: {m: {prompt_price: -1}}}", "c.yaml:1:42", "cannot be \"-1\""),
    ("models: {definitions: {m: {completion_price: inf}}}", "c.yaml:1:46", "cannot be \"inf\""),
    ("models: {servers: {far: }}", "c.yaml:1:25", "the server \"far\" has no kind"),
    (
      "models: {definitions: {m: {slots: 0}}}", "c.yaml:1:35",
      "\"models.definitions.m.slots\" cannot be \"0\""
    ),
  ])
  func `a value of the wrong kind is told with its place`(
    yaml: String, place: String, what: String
  ) throws {
    let failure = try failure(yaml)
    #expect(failure.place == place)
    #expect(failure.what.contains(what), "\(failure.what)")
    #expect(!failure.mend.isEmpty)
  }

  @Test(arguments: [
    "queue: [", "queue:\n\tsettle: 1", "a: b: c", "queue: {settle: 1}\nqueue: {settle: 2}",
    "? [a]\n: b",
  ])
  func `what is no YAML is told with the file and a line`(yaml: String) throws {
    #expect(try failure(yaml).place.hasPrefix("c.yaml:"))
  }

  @Test func `a file of more than a megabyte is refused`() throws {
    let yaml = "# " + String(repeating: "x", count: 1 << 20)
    #expect(try failure(yaml).what.contains("more than"))
  }

  @Test(arguments: [
    "sandbox: {network: true}", "notify: [a]", "serve:",
  ])
  func `what a later version brings is refused as what it is`(yaml: String) throws {
    let failure = try failure(yaml)
    #expect(failure.place.hasPrefix("c.yaml:1:"))
    #expect(failure.what.hasSuffix("is known, but not carried out by this version of tale"))
    #expect(failure.mend.contains("Remove it"))
  }

  @Test
  func `everything that is wrong with a file is found, in its order, and what is good is kept`() {
    var layers = ConfigLayers()
    let problems = layers.addWhatIsGood(
      yaml: """
        modles: {}
        queue:
          settle: 7
          setle: 2
        lanes: [A]
        """, file: "c.yaml")
    #expect(problems.map(\.place) == ["c.yaml:1:1", "c.yaml:4:3", "c.yaml:5:9"])
    #expect(layers.values["queue.settle"]?.content == .number(7))
    #expect(layers.values["lanes"] == ConfigLayers().values["lanes"])
    #expect(ConfigLayers().values["queue.settle"]?.content != .number(7), "a control")
  }

  @Test func `a file with something wrong in it changes nothing`() throws {
    var layers = ConfigLayers()
    _ = try? layers.add(yaml: "queue: {settle: 7}\nlanes: [A]", file: "c.yaml")
    #expect(layers.values == ConfigLayers().values)
  }

  @Test func `a file full of mistakes does not fill the terminal`() {
    var layers = ConfigLayers()
    let yaml = (1...500).map { "wrong\($0): 1" }.joined(separator: "\n")
    #expect(layers.addWhatIsGood(yaml: yaml, file: "c.yaml").count == 100)
  }

  @Test(arguments: [
    "http://127.0.0.1:8080", "https://api.example.org/v1", "http://[::1]:80/", "HTTP://host",
  ])
  func `an address is taken`(url: String) throws {
    let layers = try layers("models: {servers: {s: {kind: openai, url: \"\(url)\"}}}")
    #expect(layers.values["models.servers.s.url"]?.content == .text(url))
  }

  @Test(arguments: [
    "", "host:8080", "ftp://host", "http://", "http://:80", "http:///v1", "http://a b",
    "http://user:marker@host", "http://host?key=marker", "http://host#marker",
  ])
  func `what is no address is refused, and nothing of it is repeated`(url: String) throws {
    let failure = try failure("models: {servers: {s: {kind: openai, url: \"\(url)\"}}}")
    #expect(failure.place == "c.yaml:1:43")
    #expect(!"\(failure)".contains("marker"))
  }

  @Test(arguments: ["sk-marker", "marker key", "1marker", "marker.x", "märker"])
  func `a key in the place of a variable's name is refused, and not repeated`(text: String) throws {
    let failure = try failure("models: {servers: {s: {kind: openai, key_env: \"\(text)\"}}}")
    #expect(failure.place == "c.yaml:1:47")
    #expect(!"\(failure)".contains("rker"))
    #expect(failure.mend.contains("not the key itself"))
  }
}
