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
    #expect(failure?.place == "c.yaml:2")
    #expect(failure?.what == "models.\(role) names the unknown model \"gpt\"")
    #expect(failure?.mend.contains("qwen2.5-coder-1.5b") == true)
  }

  @Test(arguments: [
    ("servers: {far: {url: 'http://x'}}", "the server \"far\" has no kind"),
    ("servers: {far: {kind: openai}}", "the server \"far\" has no url"),
    ("definitions: {m: {server: far}}", "the model \"m\" names the unknown server \"far\""),
  ])
  func `what only the whole can show is told`(yaml: String, what: String) {
    let failure = #expect(throws: ConfigFailure.self) { try settings("models:\n  \(yaml)") }
    #expect(failure?.what == what)
    #expect(failure?.place == "c.yaml:2")
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
