/// A key for a model's server, read anew for each call and shown nowhere.
public struct ModelKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let read: @Sendable () -> String?

  /// - Parameter read: gives the key, from a file or the environment; nil when there is none.
  ///   White space around it, such as a file's last line end, is not part of it.
  public init(reading read: @escaping @Sendable () -> String?) { self.read = read }

  public init(_ value: String) { read = { value } }

  /// The key itself; nil when there is none.
  func reveal() -> String? {
    guard let text = read() else { return nil }
    let key = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
    return key.isEmpty ? nil : String(key)
  }

  public var description: String { "(hidden)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, unlabeledChildren: [description]) }
}
