import TaleModels
import TestSupport

/// A model that answers as a test says, and remembers what it was asked.
final class ScriptedModel: ModelProvider, ModelClient {
  enum Step: Sendable {
    case text(String)
    /// Waits until the test opens the gate; a cancelled call ends as a real one does.
    case wait(Gate)
    case act(@Sendable () async throws -> Void)
    case fail(ModelFailure)
    case finish(ModelAnswer.Finish)
    /// Reports these instead of an honest count.
    case usage(ModelUsage)
  }

  /// - Parameters:
  ///   - request: as it would go out.
  ///   - call: 1 for the first one that this model ever got.
  typealias Script = @Sendable (_ request: ModelRequest, _ call: Int) -> [Step]

  struct Call: Sendable {
    let request: ModelRequest
    /// What was reported; nil when no answer came.
    var usage: ModelUsage?

    var prompt: String { request.messages.map(\.content).joined(separator: "\n") }
    var isPlan: Bool { request.schema != nil }
  }

  private struct State {
    var calls: [Call] = []
    var inFlight = 0
    var mostInFlight = 0
    var unavailable: String?
    var continues = false
    var script: Script
  }

  let name = "scripted"
  let slots: Int
  let contextTokens: Int
  private let state: Guarded<State>

  init(slots: Int = 1, contextTokens: Int = 8192, _ script: @escaping Script) {
    self.slots = slots
    self.contextTokens = contextTokens
    state = Guarded(State(script: script))
  }

  var calls: [Call] { state.withLock { $0.calls } }
  var inFlight: Int { state.withLock { $0.inFlight } }
  var mostInFlight: Int { state.withLock { $0.mostInFlight } }
  /// What all answers took, as this model reported it.
  var reportedTokens: (prompt: Int, completion: Int) {
    let usages = calls.compactMap(\.usage)
    return (
      usages.reduce(0) { $0 + $1.promptTokens }, usages.reduce(0) { $0 + $1.completionTokens }
    )
  }

  func follow(_ script: @escaping Script) { state.withLock { $0.script = script } }

  /// Whether it says from now on that it goes on with an answer that was begun.
  func continueAnswers(_ continues: Bool) { state.withLock { $0.continues = continues } }

  /// The server is gone from now on; nil: it is back.
  func breakDown(_ message: String?) { state.withLock { $0.unavailable = message } }

  func ready() async throws -> ReadyModel {
    try Task.checkCancellation()
    if let message = state.withLock({ $0.unavailable }) {
      throw ServerUnavailable(message: message)
    }
    return ReadyModel(
      client: self, contextTokens: contextTokens, continues: state.withLock { $0.continues })
  }

  func generate(
    _ request: ModelRequest, receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    let (number, script) = state.withLock { state in
      state.calls.append(Call(request: request))
      state.inFlight += 1
      state.mostInFlight = max(state.mostInFlight, state.inFlight)
      return (state.calls.count, state.script)
    }
    defer { state.withLock { $0.inFlight -= 1 } }
    let answer = try await play(script(request, number), request, receive)
    state.withLock { $0.calls[number - 1].usage = answer.usage }
    return answer
  }

  private func play(
    _ steps: [Step], _ request: ModelRequest, _ receive: @Sendable (String) async throws -> Void
  ) async throws(ModelFailure) -> ModelAnswer {
    var text = ""
    var finish = ModelAnswer.Finish.stop
    var reported: ModelUsage?
    for step in steps {
      if Task.isCancelled { throw ModelFailure(.cancelled, "cancelled", begun: !text.isEmpty) }
      switch step {
      case .text(let piece):
        text += piece
        do { try await receive(piece) } catch {
          throw ModelFailure(.receiver, "\(error)", begun: true)
        }
      case .wait(let gate):
        do { try await gate.pass() } catch {
          throw ModelFailure(.cancelled, "\(error)", begun: !text.isEmpty)
        }
      case .act(let body):
        do { try await body() } catch { throw ModelFailure(.garbled, "\(error)", begun: true) }
      case .fail(let failure): throw failure
      case .finish(let value): finish = value
      case .usage(let usage): reported = usage
      }
    }
    let honest = ModelUsage(
      promptTokens: request.messages.reduce(8) { $0 + $1.content.utf8.count / 4 },
      completionTokens: text.utf8.count / 4 + 1)
    return ModelAnswer(text: text, finish: finish, usage: reported ?? honest, model: name)
  }
}

extension ScriptedModel {
  /// Plans with this JSON, and answers every subtask with its own heading.
  static func planning(_ plan: String) -> Script {
    { request, _ in [.text(request.schema == nil ? answer(to: request) : plan)] }
  }

  /// Answers every subtask with a line that names it.
  static let echo: Script = { request, _ in [.text(answer(to: request))] }

  static func answer(to request: ModelRequest) -> String {
    "result of \(subtask(request) ?? "-")\n"
  }

  /// The ID of the subtask that a prompt asks for.
  static func subtask(_ request: ModelRequest) -> String? {
    let mark = "# Your task now: "
    guard let user = request.messages.last(where: { $0.role == .user })?.content,
      let range = user.firstRange(of: mark)
    else {
      return nil
    }
    return String(user[range.upperBound...].prefix { !$0.isWhitespace })
  }
}
