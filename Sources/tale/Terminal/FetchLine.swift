internal import Synchronization
internal import TaleCore
internal import TaleModels

/// Shows how far a fetch is: a bar on a terminal, a line for every tenth elsewhere.
final class FetchLine: Sendable {
  private let last = Mutex("")
  private let isLive = Terminal.isLive

  func show(_ progress: FetchProgress) {
    let text = isLive ? live(progress) : plain(progress)
    let isNew = last.withLock { last in
      defer { last = text }
      return last != text
    }
    guard isNew else { return }
    if isLive {
      LiveRegion.draw([text])
    } else {
      Terminal.writeError(text)
    }
  }

  /// Leaves the line, so that something else can be written.
  func end() {
    last.withLock { $0 = "" }
    LiveRegion.clear()
  }

  private func live(_ progress: FetchProgress) -> String {
    let percent = percent(progress)
    let bar =
      String(repeating: "█", count: percent / 5)
      + String(repeating: "░", count: 20 - percent / 5)
    return """
      \(bar) \(percent) % \(progress.step) \(progress.name), \
      \((progress.bytesDone >> 20).grouped) of \((progress.bytesTotal >> 20).grouped) MiB, \
      \(progress.source)
      """
  }

  private func plain(_ progress: FetchProgress) -> String {
    "tale: \(progress.step) \(progress.name) from \(progress.source): \(percent(progress) / 10 * 10) %"
  }

  private func percent(_ progress: FetchProgress) -> Int {
    progress.bytesTotal == 0 ? 0 : min(100, progress.bytesDone * 100 / progress.bytesTotal)
  }
}
