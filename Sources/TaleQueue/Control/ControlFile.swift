public import SystemPackage
public import TaleCore
public import TaleSystem

/// What somebody wants done with a project, and how they said so.
public struct ControlOrder: Sendable, Hashable {
  public let action: ControlAction
  /// Of the control file; nil for a command that holds the lease itself.
  public let modified: ControlTime?

  public init(_ action: ControlAction, modified: ControlTime? = nil) {
    self.action = action
    self.modified = modified
  }

  public var origin: Event.Controlled.Origin { modified == nil ? .command : .file }
}

/// A file in control/ that says something: `ID.pause`, `ID.resume`, `ID.cancel`, `ID.retry`.
///
/// Its content does not matter.
public struct ControlFile: Sendable, Hashable {
  public let path: FilePath
  public let id: ProjectID
  public let action: ControlAction
  public let modified: ControlTime

  init(_ id: ProjectID, _ action: ControlAction, in folder: FilePath, modified: ControlTime) {
    path = folder.appending(Self.name(of: action, for: id))
    self.id = id
    self.action = action
    self.modified = modified
  }

  /// By which a repeated delivery is recognised.
  public struct Key: Sendable, Hashable {
    public let name: String
    public let modified: ControlTime

    public init(name: String, modified: ControlTime) {
      self.name = name
      self.modified = modified
    }
  }

  public var key: Key { Key(name: Self.name(of: action, for: id), modified: modified) }

  public var order: ControlOrder { ControlOrder(action, modified: modified) }

  public static func name(of action: ControlAction, for id: ProjectID) -> String {
    "\(id).\(action.rawValue)"
  }

  /// Removes it, unless a newer one has taken its name meanwhile.
  ///
  /// Not synced: one that a loss of power brings back is recognised as a repeated delivery.
  public func remove() throws(SystemFailure) {
    guard let status = try FileStatus.ifPresent(path), status.controlTime == modified else {
      return
    }
    try DurableFile.remove(path)
  }
}

extension FileStatus {
  /// The modification time as the journal keeps it.
  public var controlTime: ControlTime {
    ControlTime(seconds: modified.seconds, nanoseconds: modified.nanoseconds)
  }
}
