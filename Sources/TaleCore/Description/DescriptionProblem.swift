/// What is wrong with a description, where, and how to mend it.
public struct DescriptionProblem: Error, Equatable, CustomStringConvertible {
  /// 1 is the first line of the file, and the first character of a line; nil: the whole file.
  public let line: Int?
  public let column: Int?
  /// What is wrong, without a full stop.
  public let what: String
  /// What to do about it, as a sentence.
  public let mend: String

  public init(_ what: String, mend: String, line: Int? = nil, column: Int? = nil) {
    self.what = what
    self.mend = mend
    self.line = line
    self.column = column
  }

  /// `4:3: unknown key "modle"; did you mean "model"?`
  public var description: String {
    let place = [line, column].compactMap { $0.map { "\($0):" } }.joined()
    return place.isEmpty ? what : "\(place) \(what)"
  }
}
