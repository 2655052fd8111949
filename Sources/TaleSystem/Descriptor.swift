internal import CLinux
internal import Glibc
public import SystemPackage

/// An open file descriptor with one owner, closed once, never inherited by children.
public struct Descriptor: ~Copyable, Sendable {
  /// The kernel's number; valid as long as this value lives.
  public let number: CInt
  /// Where it was opened, for messages.
  public let path: FilePath

  init(number: CInt, path: FilePath) {
    self.number = number
    self.path = path
  }

  deinit { close(number) }

  /// Opens a path. `O_CLOEXEC` is always added.
  public static func open(
    _ path: FilePath, _ flags: CInt, mode: UInt32 = 0o666, operation: String = "open"
  ) throws(SystemFailure) -> Descriptor {
    let number = try retrying(operation, path) {
      path.withPlatformString { tale_open($0, flags | O_CLOEXEC, mode) }
    }
    return Descriptor(number: number, path: path)
  }

  /// Opens `path` beneath this folder: never through a link, never above it (openat2(2)).
  public func openBeneath(
    _ relative: FilePath, _ flags: CInt, mode: UInt32 = 0o666
  ) throws(SystemFailure) -> Descriptor {
    let whole = path.pushing(relative)
    let number = try retrying("open", whole) {
      relative.withPlatformString { tale_open_beneath(self.number, $0, flags | O_CLOEXEC, mode) }
    }
    return Descriptor(number: number, path: whole)
  }

  /// Writes all the bytes, or throws.
  public func write(_ bytes: some Collection<UInt8>) throws(SystemFailure) {
    let copy = ContiguousArray(bytes)
    var offset = 0
    while offset < copy.count {
      let written = try retrying("write", path) {
        copy.withUnsafeBytes { buffer in
          Glibc.write(number, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
        }
      }
      offset += written
    }
  }

  /// Reads from the current position up to the end, at most `limit` bytes.
  ///
  /// - Throws: `EFBIG` when there is more than `limit`.
  public func readAll(limit: Int) throws(SystemFailure) -> [UInt8] {
    var result: [UInt8] = []
    while true {
      let chunk = try readChunk(upTo: min(65_536, limit - result.count + 1))
      if chunk.isEmpty { return result }
      result.append(contentsOf: chunk)
      if result.count > limit { throw SystemFailure("read", path, .fileTooLarge) }
    }
  }

  /// Reads from the current position, at most `limit` bytes; what comes after is not read.
  public func readPrefix(_ limit: Int) throws(SystemFailure) -> [UInt8] {
    var result: [UInt8] = []
    while result.count < limit {
      let chunk = try readChunk(upTo: min(65_536, limit - result.count))
      if chunk.isEmpty { break }
      result.append(contentsOf: chunk)
    }
    return result
  }

  /// Reads the next bytes, at most `count`; empty at the end.
  public func readChunk(upTo count: Int) throws(SystemFailure) -> [UInt8] {
    // Not filled with zeros first: most files are far shorter than what may be read.
    var failure: SystemFailure?
    let chunk = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      do throws(SystemFailure) {
        length = try retrying("read", path) { Glibc.read(number, buffer.baseAddress, count) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return chunk
  }

  /// Reads at a place, at most `count` bytes, wherever reading stands; empty behind the end.
  public func readChunk(at offset: Int, upTo count: Int) throws(SystemFailure) -> [UInt8] {
    var failure: SystemFailure?
    let chunk = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      do throws(SystemFailure) {
        length = try retrying("read", path) {
          pread(number, buffer.baseAddress, count, off_t(offset))
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return chunk
  }

  /// The last byte, wherever reading and writing stand; nil for an empty file.
  public func lastByte() throws(SystemFailure) -> UInt8? {
    let size = try status().size
    guard size > 0 else { return nil }
    var byte: UInt8 = 0
    _ = try retrying("read", path) { pread(number, &byte, 1, off_t(size - 1)) }
    return byte
  }

  /// Makes content and size survive a loss of power (fsync(2)).
  public func sync() throws(SystemFailure) {
    _ = try retrying("sync", path) { fsync(number) }
  }

  /// Cuts or extends the file to `size` bytes.
  public func truncate(to size: Int) throws(SystemFailure) {
    _ = try retrying("truncate", path) { ftruncate(number, off_t(size)) }
  }

  /// Sets when the content last changed, as cp -p does.
  public func setModified(_ time: FileStatus.Instant) throws(SystemFailure) {
    let value = timespec(tv_sec: time.seconds, tv_nsec: time.nanoseconds)
    _ = try retrying("set the time of", path) { futimens(number, [value, value]) }
  }

  public func status() throws(SystemFailure) -> FileStatus {
    var raw = stat()
    _ = try retrying("stat", path) { fstat(number, &raw) }
    return FileStatus(raw)
  }
}

/// Runs a call that signals failure with -1, again while it is interrupted.
func retrying<Number: FixedWidthInteger>(
  _ operation: String, _ path: FilePath, _ call: () -> Number
) throws(SystemFailure) -> Number {
  while true {
    let result = call()
    if result != -1 { return result }
    let code = Errno(rawValue: errno)
    if code != .interrupted { throw SystemFailure(operation, path, code) }
  }
}
