internal import GRDB
internal import SystemPackage
internal import TaleConfig
internal import TaleGit
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

/// The one place where an error becomes a message and an exit code.
struct ErrorReport {
  let message: String
  let status: ExitStatus

  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure:
      message = failure.message
      status = failure.status
    case let failure as ConfigFailure:
      message = "\(failure)"
      status = .configuration
    case let refusal as QueueRefusal:
      message = "\(refusal)"
      status = Self.status(of: refusal)
    case let unavailable as ServerUnavailable:
      message = "the model server cannot be had: \(unavailable)"
      status = .serviceMissing
    case let failure as FetchFailure:
      message = "\(failure)"
      status = .serviceMissing
    case let failure as CatalogueFailure:
      message = "\(failure)"
      status = .configuration
    case let failure as SystemFailure:
      message = "\(failure)\(Self.advice(failure))"
      status = .cannotWrite
    case let failure as JournalFailure:
      message = "\(failure)"
      status = .cannotWrite
    case let failure as GitFailure:
      message = "\(failure)"
      status = .cannotWrite
    case let failure as DatabaseError:
      message = """
        the ledger cannot be used: \(failure); it can be deleted, and is made anew from the \
        projects' journals
        """
      status = .cannotWrite
    case is CancellationError:
      message = "interrupted; what was running is saved and goes on at the next start"
      status = .interrupted
    default:
      // Whatever it is, nobody should take it for done or for a wrong argument.
      message = "\(error)".isEmpty ? "failed: \(type(of: error))" : "\(error)"
      status = .projectFailed
    }
  }

  private static func status(of refusal: QueueRefusal) -> ExitStatus {
    switch refusal {
    case .system: .cannotWrite
    case .notAQueue, .network, .notAFolder, .otherDisk, .otherOwner, .newer: .configuration
    }
  }

  private static func advice(_ failure: SystemFailure) -> String {
    if failure.isOutOfSpace { return "; free some space, and start again: nothing is lost" }
    switch failure.code {
    case .permissionDenied, .notPermitted: return "; check who may write there"
    case .readOnlyFileSystem: return "; it is mounted read-only"
    default: return ""
    }
  }
}

/// Something that a command cannot do, in words for its user.
struct CommandFailure: Error {
  let message: String
  let status: ExitStatus

  init(_ message: String, _ status: ExitStatus) {
    self.message = message
    self.status = status
  }
}
