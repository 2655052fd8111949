import FoundationEssentials
import TestSupport
import Testing

@Suite struct HouseTests {
  @Test func `imports keep the arrows of the house`() throws {
    let files = try SourceTree.swiftFiles(below: "Sources")
    // A checker that finds no files would hold anything.
    #expect(files.count > 100)
    var imports = 0
    for path in files {
      let text = try SourceTree.text(path)
      imports += Arrows.imports(in: text).count
      for violation in Arrows.violations(in: text, path: path) { Issue.record("\(violation)") }
    }
    #expect(imports > files.count / 2)
  }

  @Test func `every target with Swift files is known to the arrows`() throws {
    let targets = Set(
      try SourceTree.swiftFiles(below: "Sources").compactMap { path in
        path.split(separator: "/").dropFirst().first.map(String.init)
      })
    #expect(targets == Set(Arrows.allowed.keys))
  }

  @Test func `the arrows point down only`() {
    // Whatever a target may import must itself not reach back to it.
    func reach(_ target: String) -> Set<String> {
      var found: Set<String> = []
      var open = Array(Arrows.allowed[target] ?? [])
      while let next = open.popLast() {
        guard found.insert(next).inserted else { continue }
        open += Arrows.allowed[next] ?? []
      }
      return found
    }
    for target in Arrows.allowed.keys { #expect(!reach(target).contains(target), "\(target)") }
  }

  @Test(arguments: [
    ("Sources/TaleCore/A.swift", "import TaleConfig", "TaleConfig"),
    ("Sources/TaleQueue/A.swift", "internal import CGit2", "CGit2"),
    ("Sources/TaleModels/A/B.swift", "import Foundation\n@preconcurrency import CCurl", "CCurl"),
    ("Sources/TaleGit/A.swift", "@testable import TaleCore", "TaleCore"),
    ("Sources/TaleHTTP/A.swift", "  public import struct TaleCore.Plan", "TaleCore"),
    ("Sources/TaleSystem/A.swift", "import TaleCore.Plan", "TaleCore"),
    ("Sources/TaleConfig/A.swift", "import Foundation; import TaleQueue", "TaleQueue"),
    ("Sources/TaleLedger/A.swift", "import\tTaleSystem", "TaleSystem"),
    ("Sources/TaleRunner/A.swift", "import GRDB", "GRDB"),
    ("Sources/TaleRunner/A.swift", "import tale", "tale"),
    ("Sources/tale/A.swift", "import CLinux", "CLinux"),
    ("Sources/TaleCore/A.swift", "import CInotifyTools", "CInotifyTools"),
    ("Sources/TaleModels/A.swift", "import CCrypto // why", "CCrypto"),
  ])
  func `a planted violation is found`(path: String, text: String, module: String) throws {
    let found = Arrows.violations(in: text, path: path)
    #expect(found.count == 1)
    #expect(found.first?.contains("must not import \(module)") == true)
  }

  @Test(arguments: [
    (
      "Sources/TaleCore/A.swift",
      "internal import Yams\n// import TaleConfig\nlet a = \"import CGit2\""
    ),
    ("Sources/TaleGit/A.swift", "internal import CGit2\npublic import SystemPackage"),
    ("Sources/tale/A.swift", "import GRDB\nimport TaleRunner\nimport ArgumentParser"),
  ])
  func `what the arrows allow is not reported`(path: String, text: String) {
    #expect(Arrows.violations(in: text, path: path) == [])
  }

  @Test func `a file of an unknown target is reported`() {
    #expect(Arrows.violations(in: "", path: "Sources/Other/A.swift").count == 1)
  }
}
