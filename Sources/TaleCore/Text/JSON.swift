internal import FoundationEssentials

/// How tale writes and reads JSON, everywhere: keys in snake_case, sorted.
public enum JSON {
  /// The version of every format that this build writes and the newest that it reads.
  public static let schema = 1

  /// One line, keys sorted: the same value gives the same bytes.
  public static func line(_ value: some Encodable) throws -> [UInt8] {
    let encoder = encoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
  }

  /// Indented, for files that people open too.
  public static func document(_ value: some Encodable) throws -> [UInt8] {
    let encoder = encoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
  }

  public static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: some Collection<UInt8>
  ) throws -> Value {
    try decoder().decode(type, from: Data(bytes))
  }

  /// Decodes a format that carries `schema`, and refuses a newer one than this build knows.
  public static func decodeVersioned<Value: Decodable>(
    _ type: Value.Type, from bytes: some Collection<UInt8>
  ) throws -> Value {
    let data = Data(bytes)
    do {
      let found = try decoder().decode(Versioned.self, from: data).schema
      guard found <= schema else { throw NewerSchema(found: found) }
      return try decoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw DamagedJSON(error)
    }
  }

  private static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return encoder
  }

  private static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  private struct Versioned: Decodable { let schema: Int }
}

/// A file of a newer tale.
public struct NewerSchema: Error, CustomStringConvertible {
  public let found: Int

  public var description: String {
    "written by a newer tale (schema \(found), this one reads up to \(JSON.schema)); update tale"
  }
}
