public import SystemPackage
internal import TaleCore

/// Where everything in a queue stands.
public struct QueueFolders: Sendable, Equatable {
  public let root: FilePath
  /// Sub-folders of the inbox, in the order in which their projects run.
  public let lanes: [String]

  public init(root: FilePath, lanes: [String]) {
    self.root = root
    self.lanes = lanes
  }

  public var inbox: FilePath { root.appending("inbox") }
  public var active: FilePath { root.appending("active") }
  public var outbox: FilePath { root.appending("outbox") }
  public var failed: FilePath { root.appending("failed") }
  public var control: FilePath { root.appending("control") }
  /// tale's own; its presence marks a queue.
  public var own: FilePath { root.appending(".tale") }
  public var staging: FilePath { own.appending("staging") }
  public var marker: FilePath { own.appending("queue.json") }
  public var acceptLock: FilePath { own.appending("accept.lock") }
  public var sequence: FilePath { own.appending("sequence") }
  /// What became of control files for projects that have ended or are not known.
  public var controlLog: FilePath { own.appending("log").appending("control.jsonl") }
  /// Held while such a control file is answered.
  public var controlLock: FilePath { own.appending("control.lock") }
  public var acceptedLog: FilePath { own.appending("accepted.jsonl") }

  /// The inbox's folder of a lane; an empty name is the inbox itself.
  public func inbox(lane: String) -> FilePath {
    lane.isEmpty ? inbox : inbox.appending(lane)
  }

  /// Where a drop stands in staging until it has a folder.
  func drop(_ id: ProjectID) -> FilePath { staging.appending("\(id).\(Self.dropExtension)") }
  static let dropExtension = "drop"

  /// Every folder that a queue has.
  var all: [FilePath] {
    [inbox, active, outbox, failed, control, own, staging] + lanes.map(inbox(lane:))
  }
}
