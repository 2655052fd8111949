import Foundation
import TestSupport

/// A chat server with scripted answers, for the real binary.
final class ScriptedChat: Sendable {
  /// What a call is answered with.
  enum Reply: Sendable {
    case text(String)
    /// Part of an answer, then nothing until the test opens the gate.
    case stall(String, ScriptedServer.Gate)
  }

  /// Tokens as this server reports them, the same for every answer.
  static let promptTokens = 400
  static let completionTokens = 30

  private let server: ScriptedServer

  /// - Parameter reply: given the last user message and the number of the call, from 0.
  init(_ reply: @escaping @Sendable (String, Int) -> Reply) {
    server = ScriptedServer { request, number in
      guard request.method == "POST" else {
        return [.send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")]
      }
      let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
      switch reply(Self.lastMessage(in: request.body), number) {
      case .text(let text):
        return [.send(head)] + Self.pieces(of: text) + [.send(Self.ending)]
      case .stall(let text, let gate):
        return [.send(head)] + Self.pieces(of: text) + [.wait(gate), .send(Self.ending)]
      }
    }
  }

  var calls: Int { server.requests.count { $0.method == "POST" } }

  /// Whether any call held these words, wherever in it.
  func wasTold(_ words: String) -> Bool {
    server.requests.contains { String(decoding: $0.body, as: UTF8.self).contains(words) }
  }

  /// A configuration that sends both roles here.
  var config: String { Self.config(url: server.url) }

  static func config(url: String) -> String {
    """
    models:
      task_model: scripted
      ux_model: scripted
      servers:
        there: {kind: openai, url: "\(url)"}
      definitions:
        scripted: {server: there, context: 8192, slots: 1}
    """
  }

  private static func pieces(of text: String) -> [ScriptedServer.Step] {
    var steps: [ScriptedServer.Step] = []
    var rest = text[...]
    while !rest.isEmpty {
      let piece = rest.prefix(12)
      rest = rest.dropFirst(12)
      steps.append(.send(event(["choices": [["delta": ["content": String(piece)]]]])))
      steps.append(.pause(.milliseconds(5)))
    }
    return steps
  }

  private static var ending: String {
    event(["choices": [["delta": [String: String](), "finish_reason": "stop"] as [String: Any]]])
      + event([
        "choices": [Any](),
        "usage": ["prompt_tokens": promptTokens, "completion_tokens": completionTokens],
      ]) + "data: [DONE]\n\n"
  }

  private static func event(_ body: [String: Any]) -> String {
    var body = body
    body["model"] = "scripted"
    let data = (try? JSONSerialization.data(withJSONObject: body)) ?? Data()
    return "data: \(String(decoding: data, as: UTF8.self))\n\n"
  }

  private static func lastMessage(in body: [UInt8]) -> String {
    let json = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
    let messages = json?["messages"] as? [[String: Any]]
    return messages?.last?["content"] as? String ?? ""
  }
}
