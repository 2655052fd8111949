internal import FoundationEssentials
internal import Glibc
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleSystem

/// Finds the configuration's files and reads them, the later ones above the earlier.
struct ConfigFiles {
  let variables: [String: String]
  let options: GlobalOptions

  private static let maxBytes = 1 << 20

  func load() throws -> ConfigLayers {
    var layers = ConfigLayers()
    let name = variables["TALE_ENV"].flatMap { $0.isEmpty ? nil : $0 }
    guard let name, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
    else {
      if let name {
        throw ConfigFailure(
          place: "TALE_ENV", what: "\"\(name)\" cannot be the name of a configuration",
          mend: "Use letters, digits and hyphens.")
      }
      try add("development", isAskedFor: false, to: &layers)
      return try addUserFiles(to: layers)
    }
    try add(name, isAskedFor: true, to: &layers)
    return try addUserFiles(to: layers)
  }

  /// A file's text.
  ///
  /// - Returns: nil where there is no such file.
  /// - Throws: ``ConfigFailure`` for what is no readable text.
  static func text(at path: FilePath) throws(ConfigFailure) -> String? {
    let kind: FileStatus.Kind
    var bytes: ArraySlice<UInt8> = []
    do throws(SystemFailure) {
      let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK, operation: "read")
      kind = try file.status().kind
      if kind == .regular { bytes = try file.readPrefix(maxBytes + 1)[...] }
    } catch {
      return try absence(of: path, error)
    }
    // The device is how one says that there is to be no file.
    guard kind == .regular || path == "/dev/null" else {
      throw ConfigFailure(
        place: path.string, what: kind == .folder ? "it is a folder" : "it is no regular file",
        mend: "Name a YAML file.")
    }
    if bytes.count > maxBytes {
      throw ConfigFailure(
        place: path.string, what: "it has more than \(maxBytes.grouped) bytes",
        mend: "A configuration is a short text; name the right file.")
    }
    // A mark of the byte order, as editors on Windows put it there.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let line = badLine(of: bytes)
      throw ConfigFailure(
        place: "\(path):\(line)", what: "it is not text in UTF-8", mend: "Save it as UTF-8.")
    }
    return text
  }

  private static func absence(
    of path: FilePath, _ failure: SystemFailure
  ) throws(ConfigFailure) -> String? {
    if failure.isMissing || failure.code == .notDirectory {
      guard (try? FileStatus.of(path))?.kind == .link else { return nil }
      throw ConfigFailure(
        place: path.string, what: "it is a link to a file that is not there",
        mend: "Mend the link or remove it.")
    }
    throw ConfigFailure(
      place: path.string, what: "it cannot be read: \(failure.code)",
      mend: "Give this user the right to read it, or name another file.")
  }

  /// The first line that is not UTF-8.
  private static func badLine(of bytes: ArraySlice<UInt8>) -> Int {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let good = lines.prefix { String(validating: $0, as: UTF8.self) != nil }
    return good.count + 1
  }

  /// config/NAME.yaml in the working folder, else beside the queue that a flag or a variable names.
  private func add(_ name: String, isAskedFor: Bool, to layers: inout ConfigLayers) throws {
    // Without a working folder there is nothing in it.
    var folders = [try? Session.expand("config", variables)].compactMap(\.self)
    if let queue = options.queue ?? variables["TALE_QUEUE_ROOT"], !queue.isEmpty {
      let beside = try Session.expand(queue, variables).removingLastComponent().appending("config")
      if !folders.contains(beside) { folders.append(beside) }
    }
    for folder in folders {
      if try add(folder.appending("\(name).yaml"), to: &layers) { return }
    }
    // "default" names what is built in, whether there is a file or not.
    if isAskedFor, name != "default" {
      let places = folders.map(\.string).joined(separator: " or ")
      throw ConfigFailure(
        place: "TALE_ENV", what: "there is no \(name).yaml in \(places)",
        mend: "Make it, or unset TALE_ENV.")
    }
  }

  private func addUserFiles(to layers: ConfigLayers) throws -> ConfigLayers {
    var layers = layers
    if let folder = userFolder {
      _ = try add(folder.appending("tale").appending("config.yaml"), to: &layers)
    }
    let named = variables["TALE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    if let file = options.config ?? named {
      let path = try Session.expand(file, variables)
      guard try add(path, to: &layers) else {
        throw ConfigFailure(
          place: path.string,
          what:
            "there is no such file, and \(options.config == nil ? "TALE_CONFIG" : "--config") names it",
          mend: "Name a file that is there.")
      }
    }
    return layers
  }

  /// Nil for a user without a home. A relative path is invalid in XDG_CONFIG_HOME and to be
  /// ignored (XDG Base Directory Specification 0.8).
  private var userFolder: FilePath? {
    if let own = variables["XDG_CONFIG_HOME"], own.hasPrefix("/") { return FilePath(own) }
    return try? Session.expand("~/.config", variables)
  }

  /// - Returns: false where there is no such file.
  private func add(_ path: FilePath, to layers: inout ConfigLayers) throws -> Bool {
    guard let text = try Self.text(at: path) else { return false }
    try layers.add(yaml: text, file: path.string)
    return true
  }
}
