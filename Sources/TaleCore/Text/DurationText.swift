/// Lengths of time as people write them.
public enum DurationText {
  /// A hundred years: more is a slip, and no sum of such times can overflow.
  public static let maxSeconds = 100 * 366 * 86400

  /// Seconds of `90`, `90s`, `15m`, `2h`, `1h30m`, `1d`; nil for anything else.
  public static func seconds(_ text: String) -> Int? {
    if let plain = Int(text) { return (0...maxSeconds).contains(plain) ? plain : nil }
    var total = 0
    var digits = ""
    for character in text {
      if character.isASCII, character.isNumber {
        digits.append(character)
        continue
      }
      let unit: Int
      switch character {
      case "s": unit = 1
      case "m": unit = 60
      case "h": unit = 3600
      case "d": unit = 86400
      default: return nil
      }
      guard let number = Int(digits), number < 1_000_000 else { return nil }
      total += number * unit
      guard total <= maxSeconds else { return nil }
      digits = ""
    }
    return digits.isEmpty && !text.isEmpty ? total : nil
  }

  /// `45 s`, `12 min`, `1 h 05 min`.
  public static func readable(seconds: Int) -> String {
    let seconds = min(seconds, maxSeconds)
    return switch seconds {
    case ..<90: "\(max(0, seconds)) s"
    case ..<5400: "\((seconds + 30) / 60) min"
    default:
      "\((seconds + 30) / 3600) h \((seconds + 30) % 3600 / 60 < 10 ? "0" : "")\((seconds + 30) % 3600 / 60) min"
    }
  }
}
