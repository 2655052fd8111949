/// The worst that a disk may do: only what was synced is there after a loss of power.
struct DiskModel {
  struct Step: Equatable {
    let operation: String
    let path: String
    let target: String?

    init(operation: String, path: String, target: String?) {
      self.operation = operation
      self.path = path
      self.target = target
    }

    /// A line that ``CrashLibrary`` wrote down.
    init?(_ line: Substring) {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3 else { return nil }
      self.init(operation: fields[0], path: fields[1], target: fields[2].isEmpty ? nil : fields[2])
    }
  }

  private typealias Node = Int

  /// The names in each folder as programs see them, and as they are on disk.
  private var seen: [Node: [String: Node]] = [:]
  private var kept: [Node: [String: Node]] = [:]
  /// Files with content that is not on disk.
  private var dirty: Set<Node> = []
  private var drops: [String: Node] = [:]
  /// What has taken the place of a drop's own node, as a whole and synced copy does.
  private var heirs: [Node: Node] = [:]
  private let root: Node = 0
  private var last: Node = 0

  /// - Parameter start: the drops, on disk with their names.
  init(start: [String]) {
    for path in start { drops[path] = node(at: path) }
  }

  mutating func take(_ step: Step) {
    switch step.operation {
    case "create", "empty", "write", "cut":
      dirty.insert(node(at: step.path, isNew: step.operation == "create"))
    case "mkdir": _ = node(at: step.path, isNew: true)
    case "sync":
      let node = node(at: step.path)
      dirty.remove(node)
      kept[node] = seen[node]
    case "unlink": unlink(step.path)
    case "rename":
      guard let target = step.target else { return }
      let moved = node(at: step.path)
      let folder = node(at: Self.parent(target))
      let replaced = seen[folder]?[Self.name(target)]
      unlink(step.path)
      seen[folder, default: [:]][Self.name(target)] = moved
      if let replaced, drops.values.contains(replaced), !dirty.contains(moved) {
        heirs[replaced] = moved
      }
    default: break
    }
  }

  /// The paths at which a loss of power would leave the drop that stood at `start`.
  func namesOfDrop(_ start: String) -> [String] {
    guard let drop = drops[start] else { return [] }
    return paths { $0 == drop || (heirs[drop] == $0 && !dirty.contains($0)) }
  }

  /// Whether a loss of power would leave this file with all that was written to it.
  func isDurable(_ path: String) -> Bool { paths { !dirty.contains($0) }.contains(path) }

  private func paths(where isWanted: (Node) -> Bool) -> [String] {
    var found: [String] = []
    var waiting: [(Node, String)] = [(root, "")]
    while let (folder, path) = waiting.popLast() {
      for (name, node) in kept[folder] ?? [:] {
        if isWanted(node) { found.append("\(path)/\(name)") }
        waiting.append((node, "\(path)/\(name)"))
      }
    }
    return found
  }

  /// What no step made before was there from the start: on disk, with its name.
  private mutating func node(at path: String, isNew: Bool = false) -> Node {
    var node = root
    let parts = path.split(separator: "/").map(String.init)
    for (index, part) in parts.enumerated() {
      if let next = seen[node]?[part] {
        node = next
        continue
      }
      last += 1
      seen[node, default: [:]][part] = last
      if !isNew || index < parts.count - 1 { kept[node, default: [:]][part] = last }
      node = last
    }
    return node
  }

  private mutating func unlink(_ path: String) {
    let folder = node(at: Self.parent(path))
    seen[folder]?[Self.name(path)] = nil
  }

  private static func parent(_ path: String) -> String {
    path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
  }

  private static func name(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? ""
  }
}
