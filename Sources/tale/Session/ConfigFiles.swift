internal import FoundationEssentials
internal import SystemPackage
internal import TaleConfig
internal import TaleSystem

/// Finds the configuration's files and reads them, the later ones above the earlier.
struct ConfigFiles {
  let variables: [String: String]
  let options: GlobalOptions

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

  /// config/NAME.yaml in the working folder, else beside the queue that a flag or a variable names.
  private func add(_ name: String, isAskedFor: Bool, to layers: inout ConfigLayers) throws {
    var folders = [Session.expand("config", variables)]
    if let queue = options.queue ?? variables["TALE_QUEUE_ROOT"] {
      folders.append(
        Session.expand(queue, variables).removingLastComponent().appending("config"))
    }
    for folder in folders {
      if try add(folder.appending("\(name).yaml"), to: &layers) { return }
    }
    // "default" names what is built in, whether there is a file or not.
    if isAskedFor, name != "default" {
      throw ConfigFailure(
        place: "TALE_ENV", what: "there is no \(name).yaml in \(folders[0])",
        mend: "Make it, or unset TALE_ENV.")
    }
  }

  private func addUserFiles(to layers: ConfigLayers) throws -> ConfigLayers {
    var layers = layers
    let home = variables["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "~/.config"
    _ = try add(
      Session.expand(home, variables).appending("tale").appending("config.yaml"), to: &layers)
    if let file = options.config ?? variables["TALE_CONFIG"] {
      let path = Session.expand(file, variables)
      guard try add(path, to: &layers) else {
        throw ConfigFailure(
          place: path.string, what: "there is no such file", mend: "Name a file that is there.")
      }
    }
    return layers
  }

  /// - Returns: false where there is no such file.
  private func add(_ path: FilePath, to layers: inout ConfigLayers) throws -> Bool {
    let bytes: [UInt8]?
    do {
      bytes = try DurableFile.readIfPresent(path, limit: 1 << 20)
    } catch  where error.code == .notDirectory {
      return false
    } catch {
      throw ConfigFailure(
        place: path.string, what: "\(error)", mend: "A configuration is a readable text file.")
    }
    guard let bytes else { return false }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigFailure(place: path.string, what: "it is not UTF-8", mend: "Save it as UTF-8.")
    }
    try layers.add(yaml: text, file: path.string)
    return true
  }
}
