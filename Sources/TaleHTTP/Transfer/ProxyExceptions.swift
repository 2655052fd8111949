internal import Glibc

/// Hosts that are reached without a proxy.
enum ProxyExceptions {
  /// What the environment names, and this machine itself: a model's server on loopback must not
  /// be looked for at a proxy. curl does not read the environment's list once it is given one.
  static func list(_ environment: String?) -> String {
    let own = "localhost,127.0.0.0/8,::1"
    guard let environment, !environment.isEmpty else { return own }
    return environment == "*" ? environment : "\(environment),\(own)"
  }

  static var current: String {
    // curl asks in this order, too.
    let value = getenv("no_proxy") ?? getenv("NO_PROXY")
    return list(value.map { String(cString: $0) })
  }
}
