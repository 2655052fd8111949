internal import Logging
internal import TaleConfig
internal import TaleRunner
internal import TaleSystem

/// Reads the configuration anew while `tale watch` runs (SIGHUP).
actor Rereading {
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  private let executor = ThreadExecutor(name: "reread")
  private let session: Session
  private let live: LiveSettings
  /// As they count now.
  private var layers: ConfigLayers

  init(_ session: Session, _ live: LiveSettings) {
    self.session = session
    self.live = live
    layers = session.layers
  }

  /// Takes over what can change; whatever is wrong is said, and everything stays as it was.
  func reread() {
    let logger = session.logger
    do {
      let new = try session.layersNow()
      // Also what waits for the restart must be good, or that would be the bad surprise.
      _ = try Session.settings(new)
      var next = layers
      let changes = next.take(from: new)
      let settings = try Settings(next)
      layers = next
      session.level.set(settings.logLevel)
      live.replace(with: settings)
      if changes.isEmpty { logger.notice("configuration read anew: nothing changed") }
      for change in changes { say(change, logger) }
    } catch {
      let report = ErrorReport(error)
      logger.error("configuration not read anew, everything stays as it was: \(report.message)")
    }
  }

  private func say(_ change: ConfigChange, _ logger: Logger) {
    let value = change.value.map {
      "is now \($0.content.text.isEmpty ? "\"\"" : $0.content.text) (\($0.source))"
    }
    let what = "\(change.path) \(value ?? "is gone")"
    switch change.effect {
    case .reread: logger.notice("configuration read anew: \(what)")
    case .restart: logger.warning("\(what), which takes effect at the next start of tale watch")
    }
  }
}
