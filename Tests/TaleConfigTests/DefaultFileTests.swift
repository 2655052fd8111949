import TaleConfig
import TestSupport
import Testing

/// config/default.yaml says what is built in, so it must not say anything else.
@Suite struct DefaultFileTests {
  @Test func `the file of defaults gives exactly what is built in`() throws {
    var layers = ConfigLayers()
    let builtIn = layers.values
    try layers.add(yaml: try SourceTree.text("config/default.yaml"), file: "default.yaml")
    #expect(Set(layers.values.keys) == Set(builtIn.keys))
    for (path, value) in layers.values {
      #expect(value.content == builtIn[path]?.content, "\(path)")
      // Read alone: every value stands in the file itself.
      guard case .file = value.source else {
        Issue.record("\(path) is not in config/default.yaml")
        continue
      }
    }
  }

  @Test func `the file of defaults explains every key with its meaning`() throws {
    let text = try SourceTree.text("config/default.yaml")
    for key in SettingKey.all {
      let last = String(key.path.split(separator: ".").last ?? "")
      let name = last == "*" ? "NAME" : last
      let explained =
        key.path.contains("*")
        ? text.contains("#   \(name): \(key.meaning)\n")
        : text.contains("# \(key.meaning)\n") && text.contains("\(name): ")
      #expect(explained, "\(key.path): \(key.meaning)")
    }
  }

  @Test func `the file for development says what it is for and changes nothing`() throws {
    let text = try SourceTree.text("config/development.yaml")
    var layers = ConfigLayers()
    try layers.add(yaml: text, file: "development.yaml")
    #expect(layers.values == ConfigLayers().values)
    #expect(text.contains("TALE_ENV"))
    // What it shows as an example works when the marks are taken away.
    let example = text.split(separator: "\n").filter { $0.hasPrefix("#   ") }
      .map { $0.dropFirst(4) }.joined(separator: "\n")
    try layers.add(yaml: example, file: "example.yaml")
    #expect(try Settings(layers).models.task == "qwen2.5-coder-0.5b")
  }
}

/// The files beside it, and the page that says which keys can change while tale runs.
@Suite struct ConfigFolderTests {
  private func settings(_ file: String) throws -> Settings {
    var layers = ConfigLayers()
    try layers.add(yaml: try SourceTree.text("config/\(file)"), file: file)
    return try Settings(layers)
  }

  @Test(arguments: ["default.yaml", "development.yaml", "workstation.yaml"])
  func `every configuration that comes along is good`(file: String) throws {
    _ = try settings(file)
  }

  @Test func `the workstation has an Ollama and a model in the cloud`() throws {
    let models = try settings("workstation.yaml").models
    #expect(models.ux == "phi-3-mini" && models.task == "qwen2.5:14b")
    #expect(models.fallback == "qwen2.5:7b")
    #expect(models.servers["ollama"]?.kind == .ollama)
    #expect(models.servers["ollama"]?.url == "http://127.0.0.1:11434")
    let cloud = try #require(models.cloud.flatMap { models.definitions[$0] })
    #expect(models.servers[cloud.server]?.kind == .anthropic)
    #expect(models.servers[cloud.server]?.keyVariable == "ANTHROPIC_API_KEY")
    #expect(cloud.promptPrice != nil && cloud.completionPrice != nil)
  }

  @Test func `what holds places, models and folders waits for a restart`() {
    let reread = SettingKey.all.filter { $0.effect == .reread }.map(\.path)
    #expect(reread.allSatisfy { !$0.hasPrefix("models.") && $0 != "queue.root" && $0 != "lanes" })
    #expect(reread.contains("execution.max_retries") && reread.contains("system.log_level"))
    #expect(SettingKey.of("models.definitions.a.b.context")?.effect == .restart)
  }
}
