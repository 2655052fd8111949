internal import ArgumentParser
internal import SystemPackage
internal import TaleConfig
internal import TaleCore
internal import TaleModels

struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Show the models and whether they are here; fetch them.",
    subcommands: [ListModelsCommand.self, FetchModelsCommand.self],
    defaultSubcommand: ListModelsCommand.self)
}

struct ListModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the models and whether they are here.")

  @Flag(help: "As JSON.")
  var json = false

  @OptionGroup var options: GlobalOptions

  private struct Listing: Codable {
    var schema = JSON.schema
    var models: [Row]
  }

  private struct Row: Codable {
    let name: String
    let server: String
    /// What the configuration uses it for.
    let roles: [String]
    let isHere: Bool
    let path: String?
    let licence: String?
  }

  func run() throws {
    let session = try Session(options)
    let settings = session.settings.models
    let catalogue = try ModelCatalogue.builtIn()
    let store = ModelStore.standard()
    let rows = try settings.definitions.sorted { $0.key < $1.key }.map { name, model in
      let entry = model.file == nil ? catalogue.model(name) : nil
      let path = try entry.flatMap { try store.verified($0)?.string } ?? model.file
      return Row(
        name: name, server: model.server, roles: roles(of: name, settings),
        isHere: path != nil || settings.servers[model.server]?.kind == .openAI, path: path,
        licence: entry?.licence)
    }
    let room = try session.models()
    if json {
      try Terminal.json(Listing(models: rows))
      return
    }
    for row in rows {
      let use = row.roles.isEmpty ? "not used" : row.roles.joined(separator: ", ")
      let place: String
      if room.objection(to: row.name) != nil {
        place = "at its server, for which this version has no client"
      } else {
        place = row.isHere ? row.path ?? "at its server" : "not here: tale models fetch \(row.name)"
      }
      Terminal.data("\(row.name)  (\(use), server \(row.server))  \(place)")
    }
  }

  private func roles(of name: String, _ models: Settings.Models) -> [String] {
    [
      ("ux", models.ux), ("task", models.task), ("fallback", models.fallback ?? ""),
      ("cloud", models.cloud ?? ""),
    ].filter { $0.1 == name }.map(\.0)
  }
}

struct FetchModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Fetch models, and the server that runs them.",
    discussion: """
      What is here already is not fetched again; what was cut off goes on.
      """)

  @Argument(help: "Models of the catalogue; without one, those that the configuration uses.")
  var names: [String] = []

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let session = try Session(options)
    let catalogue = try ModelCatalogue.builtIn()
    let models = try wanted(session.settings.models, catalogue)
    if models.isEmpty { return }
    // They are kept below the home folder, unless there is another place for such files.
    if session.variables["XDG_CACHE_HOME"]?.hasPrefix("/") != true {
      _ = try Session.expand("~/.cache", session.variables)
    }
    try await Interruptible.run {
      let line = FetchLine()
      defer { line.end() }
      let runtime = try await ServerRuntimes(store: .standard(), package: catalogue.server)
        .ensure { line.show($0) }
      // A system's Python often has no pip of its own; the server's environment always has one.
      let python = if case .python(let executable, _) = runtime { executable } else { "python3" }
      for model in models {
        let isHere = try ModelStore.standard().verified(model) != nil
        let path = try await ModelFetcher(store: .standard(), python: python)
          .fetch(model) { line.show($0) }
        line.end()
        Terminal.note("\(model.name) (\(model.licence)): \(isHere ? "here" : "fetched"), \(path)")
      }
    }
  }

  private func wanted(
    _ settings: Settings.Models, _ catalogue: ModelCatalogue
  ) throws -> [CatalogueModel] {
    if !names.isEmpty {
      return try names.map { name in
        guard let model = catalogue.model(name) else {
          let known = catalogue.models.map(\.name)
          throw CommandFailure(
            """
            the catalogue has no model "\(name.shown)"\
            \(NearestName.suggestion(for: name, in: known, else: ".")) It has: \(known.joined(separator: ", "))
            """, .usage)
        }
        return model
      }
    }
    let used = [settings.task, settings.ux, settings.fallback, settings.cloud].compactMap(\.self)
    let local = used.filter { name in
      let model = settings.definitions[name]
      return model?.file == nil && settings.servers[model?.server ?? ""]?.kind == .llamaCpp
    }
    return catalogue.models.filter { local.contains($0.name) }
  }
}
