internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleLedger
internal import TaleModels
internal import TaleQueue
internal import TaleSystem

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look whether everything is in place, and say what is not.",
    discussion: "Exit code 0 when projects can run, 69 when something they need is missing.")

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options, quiet: true)
    let findings = await Examination(session).findings()
    if json {
      try Terminal.json(Examination.Listing(findings: findings))
    } else {
      for finding in findings {
        let mend = finding.mend.map { "; \($0)" } ?? ""
        Terminal.data("\(finding.level.mark) \(finding.what): \(finding.state)\(mend)")
      }
    }
    if findings.contains(where: { $0.level == .missing }) { throw ExitStatus.serviceMissing }
  }
}

/// What `tale doctor` looks at.
struct Examination {
  struct Listing: Codable {
    var schema = JSON.schema
    let findings: [Finding]
  }

  struct Finding: Codable {
    enum Level: String, Codable {
      case good, worthKnowing, missing

      var mark: String {
        switch self {
        case .good: "ok     "
        case .worthKnowing: "note   "
        case .missing: "missing"
        }
      }
    }

    let level: Level
    let what: String
    let state: String
    let mend: String?
  }

  private let session: Session

  init(_ session: Session) { self.session = session }

  func findings() async -> [Finding] {
    [queue(), disk(), await ledger(), server()] + (await models()) + [inotify()]
  }

  private func queue() -> Finding {
    do {
      let queue = try session.openQueue(create: false)
      try queue.checkUser()
      guard access(queue.folders.own.string, W_OK) == 0 else {
        throw SystemFailure("write in", queue.folders.own, Errno(rawValue: errno))
      }
      let waiting = try queue.projects(in: queue.folders.active).count
      return good("queue", "\(queue.folders.root), \(waiting) active")
    } catch QueueRefusal.system(let failure) {
      return missing("queue", failure, "check who may read and write there")
    } catch let failure as SystemFailure {
      return missing("queue", failure, "check who may read and write there")
    } catch {
      // Its own words say what to do.
      return Finding(level: .missing, what: "queue", state: "\(error)", mend: nil)
    }
  }

  private func disk() -> Finding {
    do {
      // A queue that is not there yet is made where its nearest parent is.
      var place = try session.queueRoot
      while try FileStatus.ifPresent(place) == nil { place.removeLastComponent() }
      let free = try FileSystemKind.freeBytes(at: place)
      let state = "\((free >> 20).grouped) MiB free"
      if free < session.settings.queue.reserve {
        return Finding(
          level: .missing, what: "disk", state: state,
          mend: "nothing is accepted below queue.reserve; free some space")
      }
      return good("disk", state)
    } catch {
      return missing("disk", error, "check the queue's folder")
    }
  }

  private func ledger() async -> Finding {
    do {
      try await session.ledger().inspect()
      return good("ledger", "\(try session.dataDirectory.appending("tale.db"))")
    } catch {
      return missing("ledger", error, "projects run without it; check system.data_dir")
    }
  }

  private func server() -> Finding {
    do {
      let catalogue = try ModelCatalogue.builtIn()
      let runtimes = ServerRuntimes(store: .standard(), package: catalogue.server)
      switch try runtimes.installed() {
      case .llamaServer(let path): return good("model server", path)
      case .python(_, let script): return good("model server", script)
      case nil:
        let models = session.settings.models
        let isNeeded =
          models.definitions[models.task].flatMap { models.servers[$0.server] }?.kind == .llamaCpp
        return Finding(
          level: isNeeded ? .missing : .worthKnowing, what: "model server",
          state: "no llama-server on PATH, none fetched", mend: "run: tale models fetch")
      }
    } catch {
      return missing("model server", error, "run: tale models fetch")
    }
  }

  private func models() async -> [Finding] {
    let settings = session.settings.models
    return [
      await model("task model", settings.task, isNeeded: true),
      await model("ux model", settings.ux, isNeeded: false),
    ]
  }

  private func model(_ what: String, _ name: String, isNeeded: Bool) async -> Finding {
    let trouble = isNeeded ? Finding.Level.missing : .worthKnowing
    do {
      let room = try session.models()
      if let why = room.objection(to: name) {
        return Finding(level: .missing, what: what, state: why, mend: nil)
      }
      if case .unreachable(let why)? = try await room.health(of: name) {
        return Finding(
          level: trouble, what: what, state: "\(name): its server does not answer: \(why)",
          mend: "start it, or mend its url in models.servers")
      }
      _ = try room.provider(for: name)
      return good(what, name)
    } catch {
      return Finding(level: trouble, what: what, state: "\(name): \(error)", mend: nil)
    }
  }

  private func inotify() -> Finding {
    let name: FilePath = "/proc/sys/fs/inotify/max_user_watches"
    guard let bytes = try? DurableFile.read(name, limit: 64),
      let watches = Int(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)), watches > 0
    else {
      return Finding(
        level: .worthKnowing, what: "inotify", state: "not available",
        mend: "drops are found every \(session.settings.queue.rescanInterval)")
    }
    return good("inotify", "\(watches.grouped) watches allowed")
  }

  private func good(_ what: String, _ state: String) -> Finding {
    Finding(level: .good, what: what, state: state, mend: nil)
  }

  private func missing(_ what: String, _ error: any Error, _ mend: String) -> Finding {
    Finding(level: .missing, what: what, state: "\(error)", mend: mend)
  }
}
