internal import TaleCore
internal import TaleSystem

/// Everything that decides how a model server is started; equal specs share one server.
public struct ServerSpec: Sendable, Equatable, Codable {
  /// The program that serves the model.
  public enum Runtime: Sendable, Equatable, Codable {
    /// llama.cpp's own `llama-server`, by its absolute path.
    case llamaServer(executable: String)
    /// tale's script for llama.cpp's server inside Python; both are absolute paths.
    case python(executable: String, script: String)
  }

  /// Version of this format.
  public private(set) var schema = JSON.schema
  /// Absolute path of the GGUF file.
  public var model: String
  /// The model's name in requests, and the first part of the server's folder name.
  public var alias: String
  /// Tokens of context that each slot has.
  public var contextPerSlot: Int
  /// Requests that are worked on side by side.
  public var slots: Int
  public var threads: Int
  public var runtime: Runtime

  public init(
    model: String, alias: String, contextPerSlot: Int, slots: Int, threads: Int, runtime: Runtime
  ) {
    self.model = model
    self.alias = alias
    self.contextPerSlot = contextPerSlot
    self.slots = slots
    self.threads = threads
    self.runtime = runtime
  }

  /// The command that serves the model on a port of 127.0.0.1.
  func command(port: Int) -> [String] {
    let program =
      switch runtime {
      case .llamaServer(let executable): [executable]
      // Isolated: neither the user's packages nor the working folder are imported.
      case .python(let executable, let script): [executable, "-I", "-u", script]
      }
    // Only options that every llama-server of the last years knows; the script takes the same.
    return program + [
      "--model", model, "--alias", alias, "--host", "127.0.0.1", "--port", "\(port)",
      "--ctx-size", "\(contextPerSlot * slots)", "--parallel", "\(slots)",
      "--threads", "\(threads)",
    ]
  }

  /// The name of this server's folder: `<alias>-<8 hexadecimal digits>`.
  var folderName: String {
    get throws {
      let name = alias.prefix(100).map { character -> Character in
        let plain = character.isASCII && (character.isLetter || character.isNumber)
        return plain || "._-".contains(character) ? character : "-"
      }
      // A leading dot would hide the folder, or name its parent.
      let visible = String(name.first == "." ? ["-"] + name.dropFirst() : name)
      return "\(visible)-\(SHA256.of(try encoded()).prefix(8))"
    }
  }

  func encoded() throws -> [UInt8] { try JSON.document(self) }
}
