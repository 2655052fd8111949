// swift-tools-version: 6.2
import PackageDescription

// One set of rules for every target: Swift 6 language mode, strict concurrency, no warnings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "tale",
  products: [.executable(name: "tale", targets: ["tale"])],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // System libraries: a module map and a shim each, imported by one target each.
    .systemLibrary(name: "CGit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
    .target(name: "CLinux"),

    .target(name: "TaleCore", dependencies: [yams], swiftSettings: strict),
    .target(
      name: "TaleSystem", dependencies: ["CLinux", "CCrypto", systemPackage], swiftSettings: strict),
    .target(name: "TaleConfig", dependencies: ["TaleCore", yams], swiftSettings: strict),
    .target(
      name: "TaleGit", dependencies: ["TaleSystem", "CGit2", "CZlib", systemPackage],
      swiftSettings: strict),
    .target(name: "TaleHTTP", dependencies: ["CCurl"], swiftSettings: strict),
    .target(
      name: "TaleQueue",
      dependencies: ["TaleCore", "TaleSystem", "CInotifyTools", logging, systemPackage],
      swiftSettings: strict),
    .target(
      name: "TaleLedger", dependencies: ["TaleCore", "TaleSystem", grdb, systemPackage],
      swiftSettings: strict),
    .target(
      name: "TaleModels",
      dependencies: [
        "TaleCore", "TaleSystem", "TaleHTTP", yams, logging, subprocess, systemPackage,
      ],
      // The catalogue, so that an installed tale needs no file beside it.
      resources: [.embedInCode("Catalogue/models.yaml")],
      swiftSettings: strict),
    .target(
      name: "TaleRunner",
      dependencies: [
        "TaleCore", "TaleConfig", "TaleSystem", "TaleGit", "TaleQueue", "TaleLedger", "TaleModels",
        logging, systemPackage,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "tale",
      dependencies: [
        "TaleCore", "TaleConfig", "TaleSystem", "TaleGit", "TaleHTTP", "TaleQueue", "TaleLedger",
        "TaleModels", "TaleRunner", argumentParser, logging, unixSignals, systemPackage, grdb,
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport",
      dependencies: ["TaleCore", "TaleSystem", subprocess, systemPackage],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "TaleCoreTests", dependencies: ["TaleCore", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "TaleSystemTests",
      dependencies: ["TaleSystem", "TestSupport", "QueueStandIn", systemPackage],
      swiftSettings: strict),
    .testTarget(
      name: "TaleConfigTests", dependencies: ["TaleConfig", "TaleCore", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "TaleGitTests", dependencies: ["TaleGit", "TestSupport"], swiftSettings: strict),
    // Checkpoints as a process of its own, for the benchmark.
    .executableTarget(
      name: "CheckpointStandIn", dependencies: ["TaleGit", systemPackage],
      path: "Tests/CheckpointStandIn", swiftSettings: strict),
    .testTarget(
      name: "TaleHTTPTests", dependencies: ["TaleHTTP", "TestSupport"], swiftSettings: strict),
    // A runner as a real process, for kill -9 at every step and for locks of the dead.
    .executableTarget(
      name: "QueueStandIn", dependencies: ["TaleQueue", "TaleCore", "TaleSystem", systemPackage],
      path: "Tests/QueueStandIn", swiftSettings: strict),
    .testTarget(
      name: "TaleQueueTests",
      dependencies: [
        "TaleQueue", "TaleCore", "TaleSystem", "TestSupport", "QueueStandIn", logging,
        systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TaleLedgerTests", dependencies: ["TaleLedger", "TaleCore", "TestSupport", grdb],
      swiftSettings: strict),
    // A model host and a runner as real processes, with short limits, for kill -9.
    .executableTarget(
      name: "ModelHostStandIn", dependencies: ["TaleModels", systemPackage],
      path: "Tests/ModelHostStandIn", swiftSettings: strict),
    .testTarget(
      name: "TaleModelsTests",
      dependencies: [
        "TaleModels", "TaleCore", "TaleSystem", "TaleHTTP", "TestSupport", "ModelHostStandIn",
        subprocess, systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TaleRunnerTests",
      dependencies: [
        "TaleRunner", "TaleCore", "TaleConfig", "TaleSystem", "TaleGit", "TaleQueue", "TaleLedger",
        "TaleModels", "TestSupport", "QueueStandIn", grdb, logging, systemPackage,
      ],
      swiftSettings: strict),
    // Whole nights in a second, from one seed; a program, because it replaces functions of the C
    // library for everything that is linked with it.
    .target(name: "NightEngine", path: "Tests/NightEngine"),
    .executableTarget(
      name: "NightSimulation",
      dependencies: [
        "NightEngine", "TaleRunner", "TaleCore", "TaleConfig", "TaleSystem", "TaleQueue",
        "TaleLedger", "TaleModels", "TestSupport", logging, systemPackage,
      ],
      path: "Tests/NightSimulation", swiftSettings: strict),
    .testTarget(name: "HouseTests", dependencies: ["TestSupport"], swiftSettings: strict),
    // The pages of docs/reference against the code and the real binary.
    .testTarget(
      name: "ReferenceTests",
      dependencies: [
        "tale", "TaleCore", "TaleConfig", "TaleQueue", "TaleLedger", "TaleRunner", "TestSupport",
        grdb, systemPackage,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["tale", "TaleCore", "TaleSystem", "TestSupport", subprocess],
      swiftSettings: strict),
  ]
)
