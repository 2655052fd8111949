extension Int {
  /// `1 phase`, `2 phases`, `1,200 phases`.
  public func counted(_ noun: String) -> String { "\(grouped) \(noun)\(self == 1 ? "" : "s")" }
}
