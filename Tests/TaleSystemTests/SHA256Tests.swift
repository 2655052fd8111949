import Glibc
import SystemPackage
import TaleSystem
import TestSupport
import Testing

@Suite struct SHA256Tests {
  /// From FIPS 180-2 and NIST's example values.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func `known vectors`(_ input: String, _ expected: String) {
    #expect(SHA256.of(Array(input.utf8)) == expected)
    var hash = SHA256()
    for byte in input.utf8 { hash.update([byte]) }
    hash.update([])
    #expect(hash.finish() == expected)
  }

  @Test(arguments: [0, 1, 63, 64, 65, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
  func `a file's hash is what sha256sum says`(_ size: Int) throws {
    let folder = try TemporaryFolder()
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let path = try folder.write(bytes, to: folder("x"))
    let end = try Program.run("sha256sum", [path.string])
    #expect(try SHA256.of(fileAt: path) == end.output.prefix(64))
    #expect(SHA256.of(bytes) == end.output.prefix(64))
  }

  @Test func `a link has no hash, and a pipe is never waited for`() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "x")
    try Program.run("ln", ["-s", "x", folder("link").string])
    #expect(throws: SystemFailure.self) { _ = try SHA256.of(fileAt: folder("link")) }
    try Program.run("mkfifo", [folder("pipe").string])
    #expect(try SHA256.of(fileAt: folder("pipe")) == SHA256.of([]))
  }
}
