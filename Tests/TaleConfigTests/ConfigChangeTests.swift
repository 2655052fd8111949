import TaleCore
import Testing

@testable import TaleConfig

@Suite struct ConfigChangeTests {
  private func layers(_ yaml: String) throws -> ConfigLayers {
    var layers = ConfigLayers()
    try layers.add(yaml: yaml, file: "c.yaml")
    return layers
  }

  @Test func `what can change is taken, what cannot is named and left`() throws {
    var running = ConfigLayers()
    let new = try layers(
      """
      execution: {max_retries: 7}
      lanes: [a]
      queue: {root: /q, settle: 0.5}
      models: {definitions: {mine: {context: 1024}}}
      """)
    let changes = running.take(from: new)
    #expect(
      changes.map(\.path) == [
        "execution.max_retries", "lanes", "models.definitions.mine.context", "queue.root",
      ])
    #expect(changes.map(\.effect) == [.reread, .restart, .restart, .restart])
    #expect(changes.first?.value?.source == .file("c.yaml", line: 1, column: 26))
    let settings = try Settings(running)
    #expect(settings.execution.maxRetries == 7)
    #expect(settings.lanes == ["urgent", "nightly"] && settings.queue.root == nil)
    #expect(settings.models.definitions["mine"] == nil)
    // What still waits is named again, what was taken is not.
    #expect(
      running.take(from: new).map(\.path) == [
        "lanes", "models.definitions.mine.context", "queue.root",
      ])
  }

  @Test func `a value that comes from elsewhere and is the same is no change`() throws {
    var running = ConfigLayers()
    #expect(running.take(from: try layers("queue: {settle: 0.5}\nlanes: urgent, nightly")) == [])
    #expect(running.values["queue.settle"]?.source == .file("c.yaml", line: 1, column: 17))
  }

  @Test func `a key that goes back to what is built in changes back`() throws {
    var running = try layers("execution: {max_retries: 7}\nmodels: {definitions: {m: {slots: 2}}}")
    let changes = running.take(from: ConfigLayers())
    #expect(changes.map(\.path) == ["execution.max_retries", "models.definitions.m.slots"])
    #expect(changes.map { $0.value == nil } == [false, true])
    #expect(try Settings(running).execution.maxRetries == 3)
  }

  @Test func `every key that can be reread takes effect through its settings`() throws {
    // Another value for each, so that none is forgotten in what is taken over.
    for key in SettingKey.all where key.effect == .reread && !key.path.contains("*") {
      let other =
        switch key.kind {
        case .integer(let range): "\(range.lowerBound)"
        case .number(let range): "\(range.upperBound)"
        case .duration: "17"
        case .bytes: "12345"
        case .choice(let names): names.first { $0 != key.standard } ?? names[0]
        default: ""
        }
      let parts = key.path.split(separator: ".")
      var running = ConfigLayers()
      let changes = running.take(from: try layers("\(parts[0]): {\(parts[1]): \(other)}"))
      #expect(changes.map(\.path) == [key.path])
      #expect(running.values[key.path]?.content != ConfigLayers().values[key.path]?.content)
    }
  }

  @Test func `the window of a lane comes, changes and goes while tale runs`() throws {
    var running = ConfigLayers()
    let first = try layers("queue: {windows: {nightly: 22:00-07:00}}")
    #expect(running.take(from: first).map(\.effect) == [.reread])
    #expect(try Settings(running).queue.windows == ["nightly": TimeWindow("22:00-07:00")])
    _ = running.take(from: try layers("queue: {windows: {nightly: [12:00-13:00, 22:00-06:00]}}"))
    let several = try TimeWindow("12:00-13:00, 22:00-06:00")
    #expect(try Settings(running).queue.windows == ["nightly": several])
    let gone = running.take(from: ConfigLayers())
    #expect(gone.map(\.value) == [nil] && gone.map(\.effect) == [.reread])
    #expect(try Settings(running).queue.windows.isEmpty)
  }

  @Test func `the window of a lane that is new waits for the restart as the lane does`() throws {
    var running = ConfigLayers()
    let new = try layers(
      "lanes: [urgent, nightly, weekly]\nqueue: {windows: {weekly: 22:00-07:00}}")
    let changes = running.take(from: new)
    #expect(changes.map(\.path) == ["lanes", "queue.windows.weekly"])
    #expect(changes.map(\.effect) == [.restart, .restart])
    #expect(try Settings(running).queue.windows.isEmpty)
  }
}
