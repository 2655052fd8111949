import NightEngine
import SystemPackage
import TaleCore
import TaleModels

/// A model that answers well, badly, slowly or not at all, as the night's chance has it, and writes
/// down what it was asked.
struct ModelStandIn: ModelProvider, ModelClient {
  let name = "stand-in"
  let slots: Int
  /// Of the lives' doors, from 1: what one is told another does not know.
  private let door: Int64
  private let record: FilePath
  /// On the morning after it makes no trouble.
  private let isKind: Bool
  private let mistake: Mistake?

  init(slots: Int, record: FilePath, isKind: Bool, _ mistake: Mistake?) {
    self.mistake = mistake
    self.slots = slots
    Machine.state.pointee.doors += 1
    door = Machine.state.pointee.doors
    self.record = record
    self.isKind = isKind
  }

  func ready() async throws -> ReadyModel {
    try Task.checkCancellation()
    return ReadyModel(client: self, contextTokens: 8192)
  }

  func generate(
    _ request: ModelRequest, receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    let state = Machine.state
    state.pointee.calls += 1
    let (number, marker) = (state.pointee.calls, Self.marker(request))
    let subtask = request.schema == nil ? Self.subtask(request) : "plan"
    let begun =
      "begun \(number) \(state.pointee.lives) \(state.pointee.now) \(Machine.wall.milliseconds) "
      + "\(marker) \(subtask) \(door)"
    Place.add(begun, to: record)
    Machine.note(begun)
    var spent = ModelUsage(
      promptTokens: request.messages.reduce(8) { $0 + $1.content.utf8.count / 4 },
      completionTokens: 0)
    do throws(ModelFailure) {
      let answer = try await play(request, marker, subtask, &spent, receive)
      note(number, answer.finish == .stop ? "answered" : "cut", answer.usage)
      return answer
    } catch {
      if !error.begun { spent = ModelUsage(promptTokens: 0, completionTokens: 0) }
      var outcome = "failed"
      if case .limited(.some(let wait)) = error.kind { outcome = "limited:\(wait.milliseconds)" }
      note(number, outcome, spent)
      throw error
    }
  }

  private func note(_ number: Int64, _ outcome: String, _ usage: ModelUsage) {
    Place.add(
      "ended \(number) \(outcome) \(usage.promptTokens) \(usage.completionTokens) \(Machine.state.pointee.now)",
      to: record)
  }

  private func play(
    _ request: ModelRequest, _ marker: String, _ subtask: String, _ spent: inout ModelUsage,
    _ receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    var chance = MachineChance()
    try await wait(.milliseconds(Int.random(in: 1...800, using: &chance)), begun: false)
    if Machine.state.pointee.now < Machine.state.pointee.server_down_until {
      throw ModelFailure(.unreachable, "connection refused")
    }
    let humour = isKind ? 99 : Int.random(in: 0..<40, using: &chance)
    switch humour {
    case 0:
      throw ModelFailure(
        .limited(retryAfter: .seconds(Int.random(in: 1...300, using: &chance))), "429")
    case 1: throw ModelFailure(.unavailable(retryAfter: nil), "503")
    case 2: throw ModelFailure(.loading, "loading the model")
    case 3: throw ModelFailure(.unreachable, "connection refused")
    case 4: throw ModelFailure(.garbled, "no JSON", begun: false)
    default: break
    }
    var text =
      request.schema == nil
      ? Drop.answer(marker, mistake == .spoil ? "9.9" : subtask) : Self.plan(marker, &chance)
    var finish = ModelAnswer.Finish.stop
    if humour == 5 { text = "" }
    if humour == 6 {
      text = String(repeating: "and so on and ", count: 40)
      finish = .length
    }
    if humour == 7, request.schema != nil { text = "{\"phases\": [" }
    if humour == 8 {
      // Chatter: far more than was asked for, until the limit.
      text = String(repeating: "well, ", count: request.maxTokens / 2)
      finish = .length
    }
    let seconds = isKind ? 1 : [2, 15, 60, 240][Int.random(in: 0..<4, using: &chance)]
    var sent = ""
    for piece in Self.pieces(text, &chance) {
      let pause = Int.random(in: 1...max(2, seconds * 200), using: &chance)
      try await wait(.milliseconds(pause), begun: !sent.isEmpty)
      spent.completionTokens = sent.utf8.count / 4 + 1
      if humour == 9, !sent.isEmpty { throw ModelFailure(.broken, "cut off", begun: true) }
      if humour == 10, !sent.isEmpty {
        try await wait(request.idleTimeout, begun: true)
        throw ModelFailure(.idle, "silent", begun: true)
      }
      do { try await receive(piece) } catch {
        throw ModelFailure(.receiver, "\(error)", begun: true)
      }
      sent += piece
    }
    spent.completionTokens = min(sent.utf8.count / 4 + 1, request.maxTokens)
    return ModelAnswer(text: text, finish: finish, usage: spent, model: name)
  }

  private func wait(_ duration: Duration, begun: Bool) async throws(ModelFailure) {
    do { try await MachineClock().sleep(for: duration) } catch {
      throw ModelFailure(.cancelled, "cancelled", begun: begun)
    }
  }

  private static func pieces(_ text: String, _ chance: inout MachineChance) -> [String] {
    var pieces: [String] = []
    var rest = text[...]
    let size = max(1, text.count / Int.random(in: 1...6, using: &chance))
    while !rest.isEmpty {
      pieces.append(String(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return pieces
  }

  /// The mark of the project that a request speaks of.
  static func marker(_ request: ModelRequest) -> String {
    let mark = "Its mark is "
    for message in request.messages {
      guard let range = message.content.firstRange(of: mark) else { continue }
      return String(message.content[range.upperBound...].prefix { $0 != "." })
    }
    return "-"
  }

  private static func subtask(_ request: ModelRequest) -> String {
    let mark = "# Your task now: "
    guard let user = request.messages.last?.content, let range = user.firstRange(of: mark) else {
      return "-"
    }
    return String(user[range.upperBound...].prefix { !$0.isWhitespace })
  }

  /// A plan as the schema wants it; mostly a usable one.
  private static func plan(_ marker: String, _ chance: inout MachineChance) -> String {
    let count = Int.random(in: 1...3, using: &chance)
    let isCircular = Int.random(in: 0..<8, using: &chance) == 0
    let subtasks = (1...count).map { number in
      let needs = isCircular ? "\"file-9.txt\"" : number > 1 ? "\"file-1.txt\"" : ""
      return """
        {"title":"Write file \(number)","instructions":"Of \(marker).","output":"file-\(number).txt",\
        "needs":[\(needs)]}
        """
    }
    return """
      {"goal":"\(marker)","phases":[{"title":"All","subtasks":[\(subtasks.joined(separator: ","))]}]}
      """
  }
}
