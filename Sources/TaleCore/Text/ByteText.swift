/// Sizes as people read them.
public enum ByteText {
  /// `512 bytes`, `12.0 KiB`, `3.4 GiB`.
  public static func readable(_ bytes: Int) -> String {
    var size = bytes
    var rest = 0
    var unit = "bytes"
    for next in ["KiB", "MiB", "GiB", "TiB"] where size >= 1024 {
      // Tenths by whole numbers: no rounding up to 1024.0 of a unit.
      rest = size % 1024
      size /= 1024
      unit = next
    }
    return unit == "bytes" ? "\(size) \(unit)" : "\(size).\(rest * 10 / 1024) \(unit)"
  }
}
