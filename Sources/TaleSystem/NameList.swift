internal import CLinux
internal import Glibc
public import SystemPackage

/// The names in a folder, in the order of their bytes, in little room: there may be 100,000.
public struct NameList: Sendable {
  /// All names, each with the zero byte that ends it.
  private var bytes: [UInt8] = []
  /// Where each begins.
  private var starts: [UInt32] = []

  /// Lists a folder, without `.` and `..`.
  public init(_ path: FilePath) throws(SystemFailure) {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw SystemFailure("list", path, Errno(rawValue: errno))
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemFailure("list", path, Errno(rawValue: errno)) }
        break
      }
      withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { name in
          let length = strlen(UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
          if name[0] == UInt8(ascii: "."), length == 1 || (length == 2 && name[1] == name[0]) {
            return
          }
          starts.append(UInt32(bytes.count))
          bytes.append(contentsOf: UnsafeBufferPointer(start: name, count: length + 1))
        }
      }
    }
    bytes.withUnsafeBufferPointer { all in
      guard let base = all.baseAddress else { return }
      starts.sort { a, b in
        strcmp(
          UnsafeRawPointer(base + Int(a)).assumingMemoryBound(to: CChar.self),
          UnsafeRawPointer(base + Int(b)).assumingMemoryBound(to: CChar.self)) < 0
      }
    }
  }

  public var count: Int { starts.count }

  /// A name as the kernel takes it.
  public subscript(index: Int) -> FilePath.Component? {
    withBytes(index) { name in
      name.baseAddress.flatMap {
        FilePath.Component(
          platformString: UnsafeRawPointer($0).assumingMemoryBound(
            to: CInterop.PlatformChar.self))
      }
    }
  }

  /// - Parameter body: gets the name without the zero byte, which follows it in memory.
  public func withBytes<Result>(
    _ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    bytes.withUnsafeBufferPointer { all in
      let start = Int(starts[index])
      var end = start
      while all[end] != 0 { end += 1 }
      return body(UnsafeBufferPointer(rebasing: all[start..<end]))
    }
  }
}

extension FileStatus {
  /// The status of a name in an open folder; a link is not followed. Nil where there is nothing.
  public static func ifPresent(
    _ index: Int, of names: NameList, in folder: borrowing Descriptor
  ) throws(SystemFailure) -> FileStatus? {
    var raw = stat()
    let number = folder.number
    let code = names.withBytes(index) { name -> CInt in
      let pointer = UnsafeRawPointer(name.baseAddress)?.assumingMemoryBound(to: CChar.self)
      guard let pointer else { return ENOENT }
      while true {
        if fstatat(number, pointer, &raw, AT_SYMLINK_NOFOLLOW) == 0 { return 0 }
        if errno != EINTR { return errno }
      }
    }
    if code == 0 { return FileStatus(raw) }
    let failure = SystemFailure(
      "stat", names[index].map(folder.path.appending) ?? folder.path, Errno(rawValue: code))
    if failure.isMissing { return nil }
    throw failure
  }
}
