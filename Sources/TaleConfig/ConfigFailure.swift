/// A configuration that cannot be used: where, what, and what to do.
public struct ConfigFailure: Error, Equatable, CustomStringConvertible {
  /// `config/development.yaml:3:5`, a variable, or a flag.
  public let place: String
  public let what: String
  public let mend: String

  public init(place: String, what: String, mend: String) {
    self.place = place
    self.what = what
    self.mend = mend
  }

  public var description: String {
    // A suggestion ends with a mark of its own.
    "\(place): \(what)\(what.hasSuffix("?") ? "" : ".") \(mend)"
  }
}
