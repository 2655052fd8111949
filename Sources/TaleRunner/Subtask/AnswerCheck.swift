internal import FoundationEssentials
internal import TaleCore
internal import TaleModels

/// Whether an answer can be a subtask's result.
enum AnswerCheck {
  /// The content of the file or the note.
  ///
  /// - Throws: ``UnusableAnswer``, in words that the model can act on.
  static func content(
    of answer: String, finish: ModelAnswer.Finish, for subtask: Subtask
  ) throws(UnusableAnswer) -> [UInt8] {
    if finish == .length {
      throw UnusableAnswer("it was cut off by the token limit; write it shorter")
    }
    guard let path = subtask.output?.description else {
      let note = Fences.strip(answer, path: "note.md")
      if note.isEmpty { throw UnusableAnswer("it is empty") }
      return Array(note.utf8)
    }
    let content = Fences.strip(answer, path: path)
    if content.isEmpty { throw UnusableAnswer("it is empty") }
    if content.utf8.contains(0) { throw UnusableAnswer("it holds a zero byte") }
    if path.lowercased().hasSuffix(".json") { try checkJSON(content) }
    return Array(content.utf8)
  }

  private static func checkJSON(_ content: String) throws(UnusableAnswer) {
    do {
      _ = try JSONDecoder().decode(AnyJSON.self, from: Data(content.utf8))
    } catch {
      throw UnusableAnswer("it is not valid JSON")
    }
  }

  /// Any JSON at all.
  private struct AnyJSON: Decodable {
    init(from decoder: any Decoder) throws {
      if var list = try? decoder.unkeyedContainer() {
        while !list.isAtEnd { _ = try list.decode(AnyJSON.self) }
      } else if let object = try? decoder.container(keyedBy: AnyKey.self) {
        for key in object.allKeys { _ = try object.decode(AnyJSON.self, forKey: key) }
      } else {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() || (try? single.decode(Bool.self)) != nil { return }
        if (try? single.decode(Double.self)) == nil { _ = try single.decode(String.self) }
      }
    }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }
}

/// Why an answer cannot be used.
struct UnusableAnswer: Error, Equatable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
