internal import SystemPackage
internal import TaleCore
internal import TaleSystem

/// Where a drop that is being accepted came from, so that a crash can put it back.
///
/// A staged folder without it is complete, but for the last rename.
struct Origin: Codable {
  var schema = JSON.schema
  let lane: String
  /// The name's bytes in hexadecimal: a name need not be UTF-8. Empty for a copy, whose original
  /// stands with whoever submitted it.
  let nameBytes: String
  let isFolder: Bool

  /// Of what `tale submit` and `tale run` hand over.
  static let copy = Origin()

  var isCopy: Bool { nameBytes.isEmpty }

  private init() {
    lane = ""
    nameBytes = ""
    isFolder = false
  }

  init(lane: String, name: FilePath.Component, isFolder: Bool) {
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
