internal import TaleCore

/// What may be the name of a lane: it is a folder of the inbox, and stands in journals and scripts.
enum LaneName {
  static let maxLength = 64

  /// Names that mean something else where a lane would stand.
  private static let taken: Set<String> = ["inbox"]

  /// Why a lane cannot have this name, as a sentence for its owner; nil when it can.
  static func objection(to name: String) -> String? {
    if taken.contains(name) { return "That is the inbox itself, which needs no lane." }
    let isGood = name.utf8.allSatisfy {
      ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 95
    }
    if name.isEmpty || name.utf8.count > maxLength || !isGood || name.hasPrefix("-") {
      return "A name has 1 to \(maxLength) of a-z, 0-9, - and _, and no - at its start."
    }
    return nil
  }

  /// What is wrong with a list of names as a whole, and how to mend it; nil when nothing is.
  static func problem(in names: [String]) -> (what: String, mend: String)? {
    for name in names {
      if let objection = objection(to: name) {
        return ("\"\(name.shown)\" cannot be the name of a lane", objection)
      }
    }
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      return ("the lane \"\(name)\" stands there twice", "Keep one of them.")
    }
    return nil
  }
}
