internal import Glibc

/// The content of an object that others are written as differences to, with an index of its blocks.
struct PackDelta {
  /// Bytes of a block of the base that is found again. Shorter ones hardly save anything.
  private static let block = 16
  /// What one copy, and one insertion, can take at most.
  private static let copyMax = 0xff_ffff
  private static let insertMax = 127

  let base: [UInt8]
  /// Places of blocks in the base, each plus 1, by their hash; 0: none.
  private var table: [Int32]
  private let mask: Int

  init(base: [UInt8]) {
    self.base = base
    let blocks = base.count / Self.block
    var size = 16
    while size < 2 * blocks { size *= 2 }
    mask = size - 1
    table = [Int32](repeating: 0, count: size)
    // From the end, so that of equal blocks the first is found.
    for number in stride(from: blocks - 1, through: 0, by: -1) {
      let place = number * Self.block
      table[base.withUnsafeBytes { Self.hash($0, place) & mask }] = Int32(place + 1)
    }
  }

  /// What makes this content of the base, in git's format; nil where that takes more than `limit`
  /// bytes.
  func delta(to target: [UInt8], limit: Int) -> [UInt8]? {
    var delta = Self.number(base.count) + Self.number(target.count)
    var inserted = 0
    let isSmall = base.withUnsafeBytes { base in
      target.withUnsafeBytes { target in
        var place = 0
        while place + Self.block <= target.count {
          guard let match = match(base, target, place, after: inserted) else {
            place += 1
            // A target that has nothing in common is not worth going through.
            if delta.count + place - inserted > limit { return false }
            continue
          }
          Self.insert(target, inserted..<match.target, into: &delta)
          Self.copy(match.base, match.length, into: &delta)
          place = match.target + match.length
          inserted = place
        }
        Self.insert(target, inserted..<target.count, into: &delta)
        return delta.count <= limit
      }
    }
    return isSmall ? delta : nil
  }

  /// The stretch that both have in common around a block that the base has as well.
  private func match(
    _ base: UnsafeRawBufferPointer, _ target: UnsafeRawBufferPointer, _ place: Int,
    after start: Int
  ) -> (base: Int, target: Int, length: Int)? {
    // Mostly what follows is at the same place.
    var found = Int(table[Self.hash(target, place) & mask]) - 1
    if place + Self.block <= base.count, Self.isSame(base, place, target, place) { found = place }
    guard found >= 0, Self.isSame(base, found, target, place) else { return nil }
    var (from, to) = (found, place)
    var length = Self.block
    while from + length < base.count, to + length < target.count,
      base[from + length] == target[to + length]
    {
      length += 1
    }
    while from > 0, to > start, base[from - 1] == target[to - 1] {
      from -= 1
      to -= 1
      length += 1
    }
    return (from, to, length)
  }

  private static func isSame(
    _ one: UnsafeRawBufferPointer, _ first: Int, _ other: UnsafeRawBufferPointer, _ second: Int
  ) -> Bool {
    one.loadUnaligned(fromByteOffset: first, as: UInt64.self)
      == other.loadUnaligned(fromByteOffset: second, as: UInt64.self)
      && one.loadUnaligned(fromByteOffset: first + 8, as: UInt64.self)
        == other.loadUnaligned(fromByteOffset: second + 8, as: UInt64.self)
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int {
    let one = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    let other = bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
    // Multiplied by odd constants (of the golden ratio and of pi), so that all bits reach the top.
    let mixed = (one &* 0x9e37_79b9_7f4a_7c15) ^ (other &* 0x243f_6a88_85a3_08d3)
    return Int(truncatingIfNeeded: mixed >> 29)
  }

  private static func insert(
    _ target: UnsafeRawBufferPointer, _ range: Range<Int>, into delta: inout [UInt8]
  ) {
    var place = range.lowerBound
    while place < range.upperBound {
      let count = min(insertMax, range.upperBound - place)
      delta.append(UInt8(count))
      delta += target[place..<place + count]
      place += count
    }
  }

  private static func copy(_ place: Int, _ length: Int, into delta: inout [UInt8]) {
    var (place, rest) = (place, length)
    while rest > 0 {
      let count = min(copyMax, rest)
      let at = delta.count
      delta.append(0x80)
      for (bit, shift) in [(0, 0), (1, 8), (2, 16), (3, 24)] {
        let byte = UInt8(truncatingIfNeeded: place >> shift)
        if byte == 0 { continue }
        delta[at] |= 1 << UInt8(bit)
        delta.append(byte)
      }
      for (bit, shift) in [(4, 0), (5, 8), (6, 16)] {
        let byte = UInt8(truncatingIfNeeded: count >> shift)
        if byte == 0 { continue }
        delta[at] |= 1 << UInt8(bit)
        delta.append(byte)
      }
      place += count
      rest -= count
    }
  }

  /// Seven bits in each byte, the lowest first.
  private static func number(_ value: Int) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
}
