/// Header fields in the order they were sent, looked up without regard to letter case.
///
/// Values of fields that carry credentials never appear in its description.
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// One header field.
  public struct Field: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public private(set) var fields: [Field]

  public init(_ fields: [Field] = []) { self.fields = fields }

  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field($0, $1) }
  }

  /// The first value of a field; setting replaces all values of it, setting nil removes it.
  public subscript(name: String) -> String? {
    get { fields.first { Self.same($0.name, name) }?.value }
    set {
      fields.removeAll { Self.same($0.name, name) }
      if let newValue { fields.append(Field(name, newValue)) }
    }
  }

  /// All values of a field that came more than once, in order.
  public func values(_ name: String) -> [String] {
    fields.filter { Self.same($0.name, name) }.map(\.value)
  }

  /// Adds a field beside those of the same name.
  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name, value))
  }

  private static func same(_ first: String, _ second: String) -> Bool {
    first.utf8.elementsEqual(second.utf8) { lowered($0) == lowered($1) }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (65...90).contains(byte) ? byte + 32 : byte
  }
}

extension HTTPHeaders.Field: CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private static let secrets: Set<String> = [
    "authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "set-cookie",
  ]

  public var description: String {
    Self.secrets.contains(name.lowercased()) ? "\(name): (hidden)" : "\(name): \(value)"
  }

  public var debugDescription: String { description }

  // Reflection is what string interpolation of an enclosing value, `dump` and test output use.
  public var customMirror: Mirror { Mirror(self, unlabeledChildren: [description]) }
}
