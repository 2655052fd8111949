internal import Glibc
public import SystemPackage
internal import TaleCore
internal import TaleSystem

/// The model files of this user, shared by all checkouts and queues.
public struct ModelStore: Sendable {
  /// `models` and `runtime` are made in it.
  public let cache: FilePath

  public init(cache: FilePath) { self.cache = cache }

  /// `$XDG_CACHE_HOME/tale`, else `~/.cache/tale`.
  public static func standard() -> ModelStore {
    standard { getenv($0).map { String(cString: $0) } }
  }

  static func standard(environment: (String) -> String?) -> ModelStore {
    // A relative path is invalid there and to be ignored (XDG Base Directory Specification 0.8).
    if let base = environment("XDG_CACHE_HOME"), base.hasPrefix("/") {
      return ModelStore(cache: FilePath(base).appending("tale"))
    }
    let home = environment("HOME") ?? "/"
    return ModelStore(cache: FilePath(home).appending(".cache").appending("tale"))
  }

  var folder: FilePath { cache.appending("models") }

  /// Where the model's file is, or will be.
  public func path(of model: CatalogueModel) -> FilePath { folder.appending(model.file) }

  /// The model's file, if it is here and is known to be the right one.
  ///
  /// Quick: a file is hashed once, and then known by its size, inode and time of change.
  public func verified(_ model: CatalogueModel) throws -> FilePath? {
    let path = path(of: model)
    guard let seal = try readSeal(model), let status = try FileStatus.ifPresent(path),
      seal == Seal(model, status)
    else { return nil }
    return path
  }

  /// Remembers that the file now at the model's path was hashed and is right.
  func seal(_ model: CatalogueModel) throws {
    let status = try FileStatus.of(path(of: model))
    try DurableFile.replace(
      auxiliary(model, "verified"), with: try JSON.document(Seal(model, status)))
  }

  /// A file of tale's own beside the model's.
  func auxiliary(_ model: CatalogueModel, _ purpose: String) -> FilePath {
    folder.appending(".\(model.file).\(purpose)")
  }

  private func readSeal(_ model: CatalogueModel) throws -> Seal? {
    let bytes = try DurableFile.readIfPresent(auxiliary(model, "verified"), limit: 1 << 16)
    return bytes.flatMap { try? JSON.decodeVersioned(Seal.self, from: $0) }
  }
}

/// What a file was like when its hash was found to be right.
private struct Seal: Codable, Equatable {
  private(set) var schema = JSON.schema
  let sha256: String
  /// Bytes.
  let size: Int
  let inode: UInt64
  let modifiedSeconds: Int
  let modifiedNanoseconds: Int

  init?(_ model: CatalogueModel, _ status: FileStatus) {
    guard status.kind == .regular, status.size == model.size else { return nil }
    sha256 = model.sha256
    size = status.size
    inode = status.inode
    modifiedSeconds = status.modified.seconds
    modifiedNanoseconds = status.modified.nanoseconds
  }
}
