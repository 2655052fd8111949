/// What a model's server says about itself.
public enum ModelServerHealth: Sendable, Equatable {
  /// It answers.
  case ok
  /// It is there and loads its model.
  case loading
  /// No answer, or none that means health; with the reason in one line.
  case unreachable(String)
}
