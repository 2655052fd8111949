internal import TaleConfig
internal import TaleCore

extension Settings {
  /// Which base budgets the starting rules take for a model.
  func sizeClass(of model: String) -> TokenBudget.ModelClass {
    models.definitions[model].flatMap { TokenBudget.ModelClass(rawValue: $0.sizeClass) } ?? .unknown
  }
}
