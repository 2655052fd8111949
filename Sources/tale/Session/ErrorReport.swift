internal import SystemPackage
internal import TaleConfig
internal import TaleGit
internal import TaleLedger
internal import TaleModels
internal import TaleQueue
internal import TaleRunner
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
    case let refusal as SubmissionRefusal:
      message = refusal.message
      status = refusal.status
    case let failure as ConfigFailure:
      message = "\(failure)"
      // A value of a flag stands in no configuration.
      status = failure.place.hasPrefix("--") ? .usage : .configuration
    case QueueRefusal.system(let failure):
      message = "\(QueueRefusal.system(failure))\(Self.advice(failure))"
      status = .cannotWrite
    case let refusal as QueueRefusal where refusal.isOfUser:
      message = "\(refusal)"
      status = .cannotWrite
    case let refusal as QueueRefusal:
      message = "\(refusal)"
      status = .configuration
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
    case let refusal as TakeoverRefusal:
      message = refusal.message
      status = refusal.status
    case let gone as ProjectGone:
      message = "\(gone)"
      status = .projectFailed
    case let failure as GitFailure:
      message = "\(failure)"
      status = .cannotWrite
    case let trouble as LedgerTrouble:
      message = "\(trouble)"
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

  private static func advice(_ failure: SystemFailure) -> String {
    if failure.isOutOfSpace { return "; free some space, and start again: nothing is lost" }
    switch failure.code {
    case .permissionDenied, .notPermitted: return "; check who may write there"
    case .readOnlyFileSystem: return "; it is mounted read-only"
    case .notDirectory: return "; a part of that path is a file, and no folder"
    default: return ""
    }
  }
}

extension QueueRefusal {
  fileprivate var isOfUser: Bool {
    switch self {
    case .otherUser, .otherUserControl: true
    default: false
    }
  }
}

/// Something that a command cannot do, in words for its user.
struct CommandFailure: Error, CustomStringConvertible {
  let message: String
  let status: ExitStatus
  var description: String { message }

  init(_ message: String, _ status: ExitStatus) {
    self.message = message
    self.status = status
  }
}
