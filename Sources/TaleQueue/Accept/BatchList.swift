internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The drops that are being taken from the inbox together, so that a crash can put them back.
///
/// On disk before the first of them leaves the inbox, removed when each has its place.
struct BatchList: Codable {
  var schema = JSON.schema
  let drops: [Origin]

  /// Where a drop came from.
  struct Origin: Codable {
    /// Of the project that it becomes.
    let id: ProjectID
    let lane: String
    /// The name's bytes in hexadecimal: a name need not be UTF-8.
    let nameBytes: String
    let isFolder: Bool

    init(id: ProjectID, lane: String, name: FilePath.Component, isFolder: Bool) {
      self.id = id
      self.lane = lane
      self.isFolder = isFolder
      nameBytes = name.bytesInHexadecimal
    }

    /// The name as it was, or nil when the record is damaged.
    var name: FilePath.Component? {
      var bytes: [CInterop.PlatformChar] = []
      var rest = nameBytes[...]
      while rest.count >= 2, let byte = UInt8(rest.prefix(2), radix: 16) {
        bytes.append(CInterop.PlatformChar(bitPattern: byte))
        rest = rest.dropFirst(2)
      }
      guard rest.isEmpty, !bytes.isEmpty else { return nil }
      let path = FilePath(platformString: bytes + [0])
      return path.components.count == 1 ? path.lastComponent : nil
    }
  }

  /// What names of such lists in staging begin with.
  static let prefix = "batch-"

  /// - Returns: where it stands; it and all names in staging are on disk then.
  func write(in folders: QueueFolders) throws(SystemFailure) -> FilePath {
    let bytes: [UInt8]
    do { bytes = try JSON.document(self) } catch {
      preconditionFailure("a list of drops cannot be written as JSON: \(error)")
    }
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    let path = folders.staging.appending("\(Self.prefix)\(number).json")
    #if DEBUG
      if Plant.unlistedDrops.isPlanted { return path }
    #endif
    do throws(SystemFailure) {
      try DurableFile.create(path, with: bytes, synced: true)
      try Folder.sync(folders.staging)
    } catch {
      // Nothing has left the inbox; what even the removal leaves is recovery's.
      try? DurableFile.remove(path)
      throw error
    }
    return path
  }

  /// What a list says of the drops in staging.
  enum Reading {
    /// Empty for one that a crash left half-written: nothing had left the inbox then.
    case drops([Origin])
    /// A newer tale knows.
    case unknown(NewerSchema)
  }

  static func read(_ path: FilePath) throws(SystemFailure) -> Reading {
    let bytes = try DurableFile.read(path, limit: 1 << 24)
    do {
      return .drops(try JSON.decodeVersioned(BatchList.self, from: bytes).drops)
    } catch let newer as NewerSchema {
      return .unknown(newer)
    } catch {
      return .drops([])
    }
  }
}
