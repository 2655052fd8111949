import TaleConfig
import Testing

/// The forms in which values can be written, in files and in variables alike.
@Suite struct SettingFormTests {
  private func read(_ path: String, _ text: String) throws -> SettingValue.Content? {
    let variable = try #require(SettingKey.all.first { $0.path == path }?.variable)
    var layers = ConfigLayers()
    do {
      try layers.add(environment: [variable: text])
    } catch {
      return nil
    }
    return layers.values[path]?.content
  }

  @Test(arguments: [
    ("0", 0), ("0.5", 0.5), ("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("1d", 86_400),
  ])
  func `a time has short forms`(text: String, seconds: Double) throws {
    #expect(try read("queue.settle", text) == .number(seconds))
  }

  @Test(arguments: ["", "-1", "-1s", "s", "1w", "nan", "inf", "1e400", "1e10", "1 s", "one"])
  func `what is no time is refused`(text: String) throws {
    #expect(try read("queue.settle", text) == nil)
  }

  @Test(arguments: [
    ("0", 0), ("1048576", 1 << 20), ("1_048_576", 1 << 20), ("1KiB", 1 << 10), ("1 MiB", 1 << 20),
    ("3 GiB", 3 << 30),
  ])
  func `a size has short forms`(text: String, bytes: Int) throws {
    #expect(try read("queue.max_input", text) == .integer(bytes))
  }

  @Test(arguments: ["", "-1", "MiB", "1 MB", "1.5 GiB", "9999999999 GiB", "many"])
  func `what is no size is refused`(text: String) throws {
    #expect(try read("queue.max_input", text) == nil)
  }

  @Test(arguments: [
    ("urgent,nightly", ["urgent", "nightly"]), ("[a, b-c, d_1]", ["a", "b-c", "d_1"]),
    (" a , b ", ["a", "b"]), ("", []), ("[]", []), ("one", ["one"]),
  ])
  func `lanes are a list of names`(text: String, names: [String]) throws {
    #expect(try read("lanes", text) == .names(names))
  }

  @Test(arguments: [
    "a b", "A", "a/b", "..", "ü", "a,a", ".hidden", "inbox", "-a", "project.md", "a\tb", "a\u{7f}",
    String(repeating: "a", count: 65),
  ])
  func `what is no list of lanes is refused`(text: String) throws {
    #expect(try read("lanes", text) == nil)
  }

  @Test(arguments: [
    ("lanes: [a, b]", ["a", "b"]), ("lanes:\n  - a\n  - b", ["a", "b"]),
    ("lanes: a, b", ["a", "b"]),
    ("lanes: []", []), ("lanes:", []), ("lanes: null", []),
  ])
  func `a file writes lanes in any of YAML's forms`(yaml: String, names: [String]) throws {
    var layers = ConfigLayers()
    try layers.add(yaml: yaml, file: "c.yaml")
    #expect(layers.values["lanes"]?.content == .names(names))
  }

  @Test(arguments: [
    "fallback_model: null", "fallback_model: ~", "fallback_model:", "fallback_model: ''",
  ])
  func `no fallback model can be said in any of YAML's forms`(yaml: String) throws {
    var layers = ConfigLayers()
    try layers.add(yaml: "models: {fallback_model: qwen2.5-coder-0.5b}", file: "a.yaml")
    #expect(try Settings(layers).models.fallback == "qwen2.5-coder-0.5b")
    try layers.add(yaml: "models:\n  \(yaml)", file: "b.yaml")
    #expect(try Settings(layers).models.fallback == nil)
  }

  @Test func `choices are taken in any letter case and kept in the table's`() throws {
    #expect(try read("system.log_level", "debug") == .text("DEBUG"))
    #expect(try read("system.log_level", "loud") == nil)
  }

  @Test func `every key with a variable is found by it`() throws {
    for key in SettingKey.all {
      guard let variable = key.variable, let standard = key.standard else {
        #expect(key.path.contains("*"))
        continue
      }
      #expect(variable == "TALE_" + key.path.uppercased().replacing(".", with: "_"))
      var layers = ConfigLayers()
      try layers.add(environment: [variable: standard])
      #expect(layers.values[key.path]?.source == .environment(variable))
      #expect(layers.values[key.path]?.content == ConfigLayers().values[key.path]?.content)
    }
    #expect(Set(SettingKey.all.map(\.path)).count == SettingKey.all.count)
  }

  @Test func `an unknown variable of tale only warns`() throws {
    var layers = ConfigLayers()
    try layers.add(environment: [
      "TALE_QUEUE_SETLE": "1", "TALE_ENV": "x", "TALE_CONFIG": "y", "HOME": "/", "TALE": "z",
    ])
    #expect(layers.values == ConfigLayers().values)
    #expect(
      layers.warnings == [
        "the environment variable TALE_QUEUE_SETLE is not known and is ignored; did you mean \"TALE_QUEUE_SETTLE\"?"
      ])
  }

  @Test func `a wrong value of a variable is an error that names it`() {
    var layers = ConfigLayers()
    let failure = #expect(throws: ConfigFailure.self) {
      try layers.add(environment: ["TALE_EXECUTION_MAX_RETRIES": "many"])
    }
    #expect(failure?.place == "TALE_EXECUTION_MAX_RETRIES")
    #expect(failure?.mend == "It must be a whole number from 0 to 20.")
  }

  @Test func `a wrong value of a flag is an error that names it`() {
    var layers = ConfigLayers()
    let failure = #expect(throws: ConfigFailure.self) {
      try layers.add(flag: "--settle", path: "queue.settle", text: "x")
    }
    #expect(failure?.place == "--settle")
  }
}
