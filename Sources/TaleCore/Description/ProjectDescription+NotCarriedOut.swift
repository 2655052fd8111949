extension ProjectDescription {
  /// What it asks for and this version does not do; nil when there is nothing of the kind.
  ///
  /// A cap that is not held or another model than the one asked for would be worse than a refusal.
  public var notCarriedOut: DescriptionProblem? {
    if budget.timeSeconds != nil { return refusal(of: "budget.time", "Cap the tokens instead.") }
    if budget.cost != nil { return refusal(of: "budget.cost", "Cap the tokens instead.") }
    if thinking == .on { return refusal(of: "thinking: on", "Remove it.") }
    if let model, model != "task" {
      return refusal(
        of: "model: \(model)", "Remove it, or name the model in the configuration as task_model.")
    }
    return nil
  }

  private func refusal(of key: String, _ mend: String) -> DescriptionProblem {
    DescriptionProblem(
      "`\(key)` is not carried out by this version of tale",
      mend: "\(mend) Nothing is run that would ignore it.")
  }
}
