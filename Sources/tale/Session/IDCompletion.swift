internal import ArgumentParser
internal import TaleCore
internal import TaleQueue

/// What a shell offers where a project's ID is wanted: the IDs of the queue.
enum IDCompletion {
  static let kind = CompletionKind.custom { words, _, _ in ids(for: words) }

  /// Shells show a list this long, not longer.
  private static let maxShown = 200

  /// The newest projects of the queue that the words name; none where anything is wrong, because
  /// a message in the middle of a line that is being typed helps nobody.
  private static func ids(for words: [String]) -> [String] {
    do {
      let session = try Session(GlobalOptions.parse(placeOptions(in: words)), quiet: true)
      let queue = try session.openQueue(create: false)
      let folders = [queue.folders.active, queue.folders.outbox, queue.folders.failed]
      let all = try folders.flatMap { try queue.projects(in: $0) }.map(\.id.description)
      return all.sorted().suffix(maxShown).reversed()
    } catch {
      return []
    }
  }

  /// `--queue X` and `--config X`, which say where to look.
  private static func placeOptions(in words: [String]) -> [String] {
    var found: [String] = []
    for (word, next) in zip(words, words.dropFirst()) where !next.isEmpty {
      if word == "--queue" || word == "--config" { found += [word, next] }
    }
    return found
  }
}
