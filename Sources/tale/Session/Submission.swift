internal import Glibc
internal import SystemPackage
internal import TaleCore
internal import TaleQueue
internal import TaleSystem

/// Takes a file or a folder from anywhere into the queue as a project of its own.
struct Submission {
  let queue: Queue
  let acceptor: Acceptor
  let maxBytes: Int

  /// - Parameters:
  ///   - file: the path of a file or of a folder with a project.md, or `-` for standard input.
  ///   - lane: empty for none.
  /// - Throws: ``SubmissionRefusal``, or what the disk refused.
  func submit(
    _ file: String, lane: String, origin: String, variables: [String: String]
  ) throws -> ProjectID {
    if file == "-" {
      return try id(
        of: file,
        try acceptor.accept(
          copyOf: try standardInput(), name: "stdin.md", lane: lane, origin: origin))
    }
    let (path, kind) = try Self.check(file, variables)
    let name = path.lastComponent?.string ?? "project.md"
    if kind == .folder { return try submit(folder: path, as: file, name, lane, origin) }
    let bytes = try Descriptor.open(path, O_RDONLY, operation: "read").readPrefix(maxBytes + 1)
    return try id(
      of: file, try acceptor.accept(copyOf: bytes, name: name, lane: lane, origin: origin))
  }

  /// Where a file or folder is, if it is one that can be a description.
  ///
  /// - Throws: ``SubmissionRefusal``.
  @discardableResult
  static func check(
    _ file: String, _ variables: [String: String]
  ) throws -> (FilePath, FileStatus.Kind) {
    let path = try Session.expand(file, variables)
    if file == "-" { return (path, .regular) }
    switch try FileStatus.ifPresent(path)?.kind {
    case nil:
      throw SubmissionRefusal(
        file, why: "there is no file \(path)", mend: "Name one that is there.", .usage)
    case .link, .other:
      throw SubmissionRefusal(
        file, why: "\(path) is neither a regular file nor a folder",
        mend: "Name the file or the folder itself, or give it as - on standard input.", .usage)
    case .folder:
      guard try FileStatus.ifPresent(path.appending("project.md"))?.kind == .regular else {
        throw SubmissionRefusal(
          file, why: "the folder \(path) has no project.md that is a regular file",
          mend: "Put the description into it as project.md.", .usage)
      }
      return (path, .folder)
    case .regular: return (path, .regular)
    }
  }

  private func submit(
    folder path: FilePath, as file: String, _ name: String, _ lane: String, _ origin: String
  ) throws -> ProjectID {
    if Self.contains(path, queue.folders.root) {
      throw SubmissionRefusal(
        file, why: "the queue is inside the folder \(path)", mend: "Name a folder beside it.",
        .usage)
    }
    do {
      var leftOut: [FilePath] = []
      let outcome = try acceptor.accept(.init(name: name, lane: lane, origin: origin)) { copy in
        leftOut = try copy.takeInput(path)
        try copy.takeDescriptionFromInput()
      }
      for item in leftOut {
        Terminal.note("\(path.pushing(item)) is a pipe, a socket or a device, and was left out")
      }
      return try id(of: file, outcome)
    } catch let problem as DescriptionProblem {
      throw SubmissionRefusal(file, why: problem.what, mend: problem.mend, .projectFailed)
    }
  }

  private static func contains(_ folder: FilePath, _ other: FilePath) -> Bool {
    other.starts(with: folder)
  }

  /// What comes on standard input, one byte more than allowed at most: then it is refused as too
  /// long.
  private func standardInput() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= maxBytes {
      let got: Int
      do {
        got = try chunk.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
      } catch Errno.badFileDescriptor {
        throw CommandFailure(
          "standard input is closed; give the description there, or name a file instead of -",
          .usage)
      } catch let code as Errno {
        throw SystemFailure("read", "/dev/stdin", code)
      }
      if got == 0 { break }
      bytes += chunk.prefix(min(got, maxBytes + 1 - bytes.count))
    }
    return bytes
  }

  private func id(of file: String, _ outcome: Acceptor.Outcome) throws -> ProjectID {
    switch outcome {
    case .accepted(let id): return id
    case .rejected(let id, let problem):
      throw SubmissionRefusal(
        file, why: problem.what, mend: problem.mend, .projectFailed, id: id, line: problem.line,
        column: problem.column, folder: queue.folders.failed.appending(id.description))
    case .redelivered(let id):
      throw SubmissionRefusal(
        file, why: "it is known as \(id)", mend: "Nothing is to be done.", .projectFailed)
    case .busy, .lost:
      throw SubmissionRefusal(
        file, why: "it changed while it was read", mend: "Try again.", .projectFailed)
    }
  }
}

/// A submission that did not become a project, in words.
struct SubmissionRefusal: Error {
  /// As it was named.
  let file: String
  let why: String
  let mend: String
  /// Of the folder in failed, where there is one.
  let id: ProjectID?
  let line: Int?
  let column: Int?
  let folder: FilePath?
  let status: ExitStatus

  init(
    _ file: String, why: String, mend: String, _ status: ExitStatus, id: ProjectID? = nil,
    line: Int? = nil, column: Int? = nil, folder: FilePath? = nil
  ) {
    self.file = file
    self.why = why
    self.mend = mend
    self.status = status
    self.id = id
    self.line = line
    self.column = column
    self.folder = folder
  }

  /// The same, where the folder in failed is not to be seen.
  var withoutFolder: SubmissionRefusal {
    SubmissionRefusal(file, why: why, mend: mend, status, line: line, column: column)
  }

  var message: String {
    """
    \(file)\(line.map { ":\($0)" } ?? "")\(column.map { ":\($0)" } ?? ""): \(why)\
    \(why.hasSuffix("?") ? "" : ".") \(mend)\(folder.map { " (\($0))" } ?? "")
    """
  }
}
