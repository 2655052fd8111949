/// Stops a project: from now on the queue only accepts (`queue.mode`).
struct OnlyAccepts: Error {}
