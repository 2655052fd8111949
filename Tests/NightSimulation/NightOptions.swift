import Glibc

/// What the command line asks for.
struct NightOptions {
  var seed: UInt64?
  var from: UInt64 = 1
  var count: UInt64 = .max
  var minutes: Double?
  var workers = 2
  var isKept = false
  var isTold = false
  /// Whether planted mistakes are looked for.
  var plantsMistakes = false
  var mistake: Mistake?

  static let usage = """
    usage: NightSimulation [--seed S | --from S] [--count N] [--minutes M] [--workers N] [--keep] [--tell]
           NightSimulation --controls
      --seed S     this night alone, twice, which must come out the same
      --from S     from this seed on; 1 without it
      --count N    so many nights
      --minutes M  as many nights as there is time for
      --workers N  processes; 2 without it
      --keep       leave the files of a night in which something was wrong
      --controls   plant mistakes, one after the other, each of which some night must find
      --mistake M  with this one: \(Mistake.allCases.map(\.rawValue).joined(separator: ", "))
      --tell       write everything that happens to standard error

    """

  /// Nil: it was said what is wrong.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    func number<Number: LosslessStringConvertible>(_: Number.Type) -> Number? {
      rest.popFirst().flatMap { Number($0) }
    }
    var isUnderstood = true
    while let option = rest.popFirst() {
      switch option {
      case "--seed":
        seed = number(UInt64.self)
        isUnderstood = isUnderstood && seed != nil
      case "--from": from = number(UInt64.self) ?? 1
      case "--count":
        count = number(UInt64.self) ?? 0
        isUnderstood = isUnderstood && count > 0
      case "--minutes":
        minutes = number(Double.self)
        isUnderstood = isUnderstood && minutes != nil
      case "--workers": workers = number(Int.self) ?? 2
      case "--controls": plantsMistakes = true
      case "--mistake":
        mistake = rest.popFirst().flatMap(Mistake.init)
        isUnderstood = isUnderstood && mistake != nil
      case "--keep": isKept = true
      case "--tell": isTold = true
      default: isUnderstood = false
      }
    }
    guard isUnderstood, plantsMistakes || seed != nil || count < .max || minutes != nil else {
      say(Self.usage, to: 2)
      return nil
    }
  }
}
