internal import CLinux
internal import Glibc

/// How wide a terminal shows characters.
public enum TerminalColumns {
  /// Columns of a code point: 0 for marks that combine, 2 for wide ones; 0 for what cannot be shown.
  public static func of(_ scalar: Unicode.Scalar) -> Int {
    _ = Self.isPrepared
    return max(0, Int(tale_columns(scalar.value)))
  }

  /// The C library knows no width outside of ASCII before its locale says UTF-8.
  private static let isPrepared = setlocale(LC_CTYPE, "C.UTF-8") != nil
}
