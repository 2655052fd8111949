import Testing

@testable import TaleCore

@Suite struct DamagedJSONTests {
  private struct Note: Codable {
    struct Inner: Codable { let count: Int }
    var schema = JSON.schema
    let inner: Inner
    let time: Timestamp
  }

  private static let time = "\"time\": \"2026-11-22T21:30:05.123Z\""

  @Test(arguments: [
    ("", "it is no whole JSON"), ("{\"schema\": 1", "it is no whole JSON"),
    ("{}", "the field \"schema\" is missing"),
    ("{\"schema\": \"1\"}", "the field \"schema\" has a value of another kind"),
    ("{\"schema\": 1}", "the field \"inner\" is missing"),
    ("{\"schema\": 1, \"inner\": {}, \(time)}", "the field \"inner.count\" is missing"),
    (
      "{\"schema\": 1, \"inner\": {\"count\": []}, \(time)}",
      "the field \"inner.count\" has a value of another kind"
    ),
    (
      "{\"schema\": 1, \"inner\": {\"count\": 1}, \"time\": \"noon\"}",
      "the field \"time\" has a value that cannot be"
    ),
  ])
  func `what is damaged is told in words`(text: String, what: String) {
    let failure = #expect(throws: DamagedJSON.self) {
      try JSON.decodeVersioned(Note.self, from: Array(text.utf8))
    }
    #expect(failure.map { "\($0)" } == "it is damaged: \(what)")
  }

  @Test func `what is whole is read, and what is newer is told as that`() throws {
    let whole = "{\"schema\": 1, \"inner\": {\"count\": 1}, \(Self.time)}"
    #expect(try JSON.decodeVersioned(Note.self, from: Array(whole.utf8)).inner.count == 1)
    #expect(throws: NewerSchema.self) {
      try JSON.decodeVersioned(Note.self, from: Array("{\"schema\": 2}".utf8))
    }
  }
}
