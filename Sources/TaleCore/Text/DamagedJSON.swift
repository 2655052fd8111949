/// A file of tale's own that is not as tale writes it: cut, or changed by somebody.
public struct DamagedJSON: Error, CustomStringConvertible {
  private let what: String

  init(_ error: DecodingError) {
    func name(_ path: [any CodingKey]) -> String {
      path.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      what = "the field \"\(name(context.codingPath + [key]))\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      what = "the field \"\(name(context.codingPath))\" has a value of another kind"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      what = "the field \"\(name(context.codingPath))\" has a value that cannot be"
    default: what = "it is no whole JSON"
    }
  }

  public var description: String { "it is damaged: \(what)" }
}
