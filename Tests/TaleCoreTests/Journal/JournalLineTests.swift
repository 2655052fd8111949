import TaleCore
import Testing

@Suite struct JournalLineTests {
  /// One line of each kind, as events.jsonl has it. Changing one changes the format.
  static let golden: [(event: String, line: String)] = [
    (
      "accepted",
      #"{"bytes":120,"event":"accepted","from":"20261121-213005-word-counter-aaaa","id":"20261122-213005-word-counter-k3f9","lane":"urgent","modified":1800000000,"name":"word-counter.md","number":1,"origin":"inbox","priority":5,"schema":1,"sequence":7,"sha256":"ab12","time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "leased",
      #"{"event":"leased","number":1,"pid":4711,"schema":1,"time":"2027-01-15T08:00:00.123Z","version":"0.1.0"}"#
    ),
    (
      "moved",
      #"{"detail":"until 22:00","event":"moved","from":"running","number":1,"reason":"window","schema":1,"time":"2027-01-15T08:00:00.123Z","to":"paused"}"#
    ),
    (
      "planned",
      #"{"commit":"c0ffee","estimate":{"seconds_high":40,"seconds_low":30,"tokens_high":20,"tokens_low":10},"event":"planned","number":1,"origin":"model","phases":2,"schema":1,"subtasks":5,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "reserved",
      #"{"attempt":2,"call":3,"estimated":240,"event":"reserved","max_tokens":500,"model":"m","number":1,"purpose":"subtask","role":"task","schema":1,"strategy":"first","subtask":"1.2","time":"2027-01-15T08:00:00.123Z","tokens":1500}"#
    ),
    (
      "settled",
      #"{"answer":"text","booked":150,"call":3,"completion_tokens":50,"detail":"why","event":"settled","milliseconds":2000,"number":1,"outcome":"cut","prompt_tokens":100,"schema":1,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "attempt_failed",
      #"{"call":3,"event":"attempt_failed","number":1,"schema":1,"subtask":"1.2","time":"2027-01-15T08:00:00.123Z","why":"it is empty"}"#
    ),
    (
      "committed",
      #"{"bytes":10,"commit":"c0ffee","event":"committed","number":1,"path":"src/a.py","schema":1,"subtask":"1.2","time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "controlled",
      #"{"action":"pause","answer":"it is paused","event":"controlled","modified":{"nanoseconds":7,"seconds":1800000000},"number":1,"origin":"file","schema":1,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "restored",
      #"{"abandoned":"refs/tale/abandoned/2","commit":"c0ffee","done":["1.1"],"event":"restored","number":1,"previous":"beef","schema":1,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "noted",
      #"{"event":"noted","level":"warning","message":"mind this","number":1,"schema":1,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
    (
      "ended",
      #"{"event":"ended","number":1,"outcome":"done","reason":"all 5 subtasks","schema":1,"time":"2027-01-15T08:00:00.123Z"}"#
    ),
  ]

  static func event(_ name: String) throws -> Event? {
    switch name {
    case "accepted":
      .accepted(
        .init(
          id: try Lines.projectID(), sequence: 7, name: "word-counter.md", lane: "urgent",
          origin: "inbox", sha256: "ab12", bytes: 120, modified: 1_800_000_000, priority: 5,
          from: try Lines.projectID("20261121-213005-word-counter-aaaa")))
    case "leased": .leased(.init(pid: 4711, version: "0.1.0"))
    case "moved": Lines.moved(.running, .paused, .window, detail: "until 22:00")
    case "planned":
      .planned(
        .init(
          origin: .model, phases: 2, subtasks: 5, commit: "c0ffee",
          estimate: .init(tokensLow: 10, tokensHigh: 20, secondsLow: 30, secondsHigh: 40)))
    case "reserved":
      .reserved(
        .init(
          call: 3, purpose: .subtask, subtask: "1.2", attempt: 2, role: "task", model: "m",
          tokens: 1500, maxTokens: 500, estimated: 240, strategy: "first"))
    case "settled":
      .settled(
        .init(
          call: 3, outcome: .cut, promptTokens: 100, completionTokens: 50, booked: 150,
          milliseconds: 2000, answer: "text", detail: "why"))
    case "attempt_failed": .attemptFailed(.init(call: 3, subtask: "1.2", why: "it is empty"))
    case "committed":
      .committed(.init(subtask: "1.2", commit: "c0ffee", path: "src/a.py", bytes: 10))
    case "noted": .noted(.init(.warning, "mind this"))
    case "controlled":
      .controlled(
        .init(
          action: .pause, origin: .file, modified: .init(seconds: 1_800_000_000, nanoseconds: 7),
          answer: "it is paused"))
    case "restored":
      .restored(
        .init(
          commit: "c0ffee", previous: "beef", abandoned: "refs/tale/abandoned/2", done: ["1.1"]))
    case "ended": .ended(.init(outcome: .done, reason: "all 5 subtasks"))
    default: nil
    }
  }

  private static let time = Timestamp(milliseconds: 1_800_000_000_123)

  @Test(arguments: golden.map(\.event))
  func `an event is written as the format says and read back the same`(name: String) throws {
    let golden = try #require(Self.golden.first { $0.event == name }).line
    let line = JournalLine(
      number: 1, time: Self.time, event: try #require(try Self.event(name)))
    #expect(String(decoding: try JSON.line(line), as: UTF8.self) == golden + "\n")
    #expect(try JSON.decodeVersioned(JournalLine.self, from: Array(golden.utf8)) == line)
    #expect(!line.event.sentence.isEmpty)
    #expect(!line.event.sentence.contains("\n"))
  }

  @Test func `what is not known is left out and read back as not known`() throws {
    let event = Event.settled(
      .init(
        call: 1, outcome: .failed, promptTokens: nil, completionTokens: nil, booked: 9,
        milliseconds: 1))
    let line = JournalLine(number: 2, time: Self.time, event: event)
    let text = String(decoding: try JSON.line(line), as: UTF8.self)
    #expect(!text.contains("tokens"))
    #expect(try JSON.decode(JournalLine.self, from: Array(text.utf8)) == line)
  }

  @Test func `any text survives the way through a line, and a line stays one line`() throws {
    for text in ["\"quoted\\", "a\nb\r\n\u{85}\u{2028}", "", "\u{0}\u{7}", "ü🦆", "</script>"] {
      let line = JournalLine(number: 1, time: Self.time, event: .noted(.init(.info, text)))
      let bytes = try JSON.line(line)
      #expect(bytes.count { $0 == UInt8(ascii: "\n") } == 1)
      #expect(try JSON.decode(JournalLine.self, from: bytes) == line)
    }
  }

  @Test func `a line of a newer schema is refused and told as such`() throws {
    let newer = Self.golden[8].line.replacing("\"schema\":1", with: "\"schema\":2")
    let failure = #expect(throws: NewerSchema.self) {
      try JSON.decode(JournalLine.self, from: Array(newer.utf8))
    }
    #expect(failure?.found == 2)
    #expect("\(try #require(failure))".contains("update tale"))
  }

  @Test func `a newer file is refused even where its fields are unknown`() {
    #expect(throws: NewerSchema.self) {
      try JSON.decodeVersioned(Plan.self, from: Array(#"{"schema":2,"shape":"new"}"#.utf8))
    }
  }

  @Test(arguments: [
    "", "{", "null", #"{"schema":1}"#, #"{"event":"noted"}"#,
    #"{"event":"unheard","number":1,"schema":1,"time":"2027-01-15T08:00:00.123Z"}"#,
    #"{"event":"noted","level":"info","message":"m","number":1,"schema":1,"time":"yesterday"}"#,
  ])
  func `what is no line is refused`(text: String) {
    #expect(throws: (any Error).self) {
      try JSON.decodeVersioned(JournalLine.self, from: Array(text.utf8))
    }
  }
}
