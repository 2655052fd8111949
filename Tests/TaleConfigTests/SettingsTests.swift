import Testing

@testable import TaleConfig

@Suite struct SettingsTests {
  private func settings(_ yaml: String) throws -> Settings {
    var layers = ConfigLayers()
    try layers.add(yaml: yaml, file: "c.yaml")
    return try Settings(layers)
  }

  @Test(arguments: ["qwen2.5:14b", "a.b.c.d", ".hidden", "end.", "x..y", "plain", "with space"])
  func `a model's name may hold dots`(name: String) throws {
    let found = try settings(
      """
      models:
        task_model: "\(name)"
        servers: {"my.server.1": {kind: openai, url: "http://host:1"}}
        definitions:
          "\(name)": {server: my.server.1, context: 2048, class: large, id: other}
      """)
    #expect(found.models.task == name)
    #expect(
      found.models.definitions[name]
        == .init(
          server: "my.server.1", file: nil, id: "other", context: 2048, slots: 1, threads: nil,
          sizeClass: "large"))
    #expect(found.models.definitions.count == 3)
    #expect(found.models.servers["my.server.1"]?.url == "http://host:1")
  }

  @Test(arguments: ["ux_model", "task_model", "fallback_model", "cloud_model"])
  func `a role that names an unknown model is told with its place`(role: String) {
    let failure = #expect(throws: ConfigFailure.self) {
      try settings("models:\n  \(role): gpt")
    }
    #expect(failure?.place == "c.yaml:2:\(role.count + 5)")
    #expect(failure?.what == "models.\(role) names the unknown model \"gpt\"")
    #expect(failure?.mend.contains("qwen2.5-coder-1.5b") == true)
  }

  @Test(arguments: [
    ("servers: {far: {url: 'http://x'}}", 24, "the server \"far\" has no kind"),
    ("servers: {far: {kind: openai}}", 25, "the server \"far\" has no url"),
    ("servers: {far: {kind: ollama}}", 25, "the server \"far\" has no url"),
    (
      "servers: {far: {kind: anthropic, key_env: K, key_file: k}}", 58,
      "the server \"far\" has both key_env and key_file"
    ),
    ("definitions: {m: {server: far}}", 29, "the model \"m\" names the unknown server \"far\""),
    (
      "definitions: {m: {server: locl}}", 29,
      "the model \"m\" names the unknown server \"locl\"; did you mean \"local\"?"
    ),
    (
      "task_model: qwen2.5-coder-1.5", 15,
      "models.task_model names the unknown model \"qwen2.5-coder-1.5\"; "
        + "did you mean \"qwen2.5-coder-1.5b\"?"
    ),
  ])
  func `what only the whole can show is told with its place`(
    yaml: String, column: Int, what: String
  ) {
    let failure = #expect(throws: ConfigFailure.self) { try settings("models:\n  \(yaml)") }
    #expect(failure?.what == what)
    #expect(failure?.place == "c.yaml:2:\(column)")
  }

  @Test(arguments: ["queue: {rescan_interval: 0}", "execution: {idle_timeout: 0s}"])
  func `a wait of no time, which would never end or never begin, is refused`(yaml: String) {
    let failure = #expect(throws: ConfigFailure.self) { try settings(yaml) }
    #expect(failure?.what.hasSuffix("cannot be 0") == true)
  }

  @Test func `servers of kinds to come are known, with their keys and prices`() throws {
    let found = try settings(
      """
      models:
        servers:
          here: {kind: ollama, url: "http://127.0.0.1:11434"}
          cloud: {kind: anthropic, key_file: ~/key}
        definitions:
          big: {server: cloud, prompt_price: 3, completion_price: 15.5}
      """)
    #expect(found.models.servers["here"]?.kind == .ollama)
    #expect(found.models.servers["cloud"]?.kind == .anthropic)
    #expect(found.models.servers["cloud"]?.keyFile == "~/key")
    #expect(found.models.definitions["big"]?.promptPrice == 3)
    #expect(found.models.definitions["big"]?.completionPrice == 15.5)
    #expect(found.models.definitions["qwen2.5-coder-1.5b"]?.promptPrice == nil)
  }

  @Test(arguments: ["definitions: {plain: {}}", "definitions:\n    plain:"])
  func `a definition that says nothing is one of the local server`(yaml: String) throws {
    let found = try settings("models:\n  task_model: plain\n  \(yaml)")
    #expect(found.models.definitions["plain"]?.server == "local")
  }

  @Test func `an empty definition takes nothing back of an earlier layer`() throws {
    var layers = ConfigLayers()
    try layers.add(
      yaml: """
        models:
          servers: {far: {kind: openai, url: "http://x"}}
          definitions: {m: {server: far}}
        """, file: "a.yaml")
    try layers.add(yaml: "models: {definitions: {m: {}}}", file: "b.yaml")
    #expect(try Settings(layers).models.definitions["m"]?.server == "far")
  }

  @Test func `a definition of a built-in model changes only what it names`() throws {
    let found = try settings("models: {definitions: {qwen2.5-coder-1.5b: {slots: 4, threads: 2}}}")
    let model = try #require(found.models.definitions["qwen2.5-coder-1.5b"])
    #expect(model.slots == 4)
    #expect(model.threads == 2)
    #expect(model.context == 8192)
    #expect(model.sizeClass == "small")
  }
}
