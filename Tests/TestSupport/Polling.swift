/// A condition that did not come true in time.
public struct DeadlinePassed: Error, CustomStringConvertible {
    public var description: String
    public init(description: String) { self.description = description }
}

/// Returns as soon as the condition is true; throws past the deadline. For what has no event to wait for. The deadline is for
/// what never comes: a machine with other things to do may be many seconds late.
public func poll(
    _ what: String, deadline: Duration = .seconds(60), every interval: Duration = .milliseconds(5),
    until condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        if ContinuousClock.now >= end { throw DeadlinePassed(description: "not in \(deadline): \(what)") }
        try await Task.sleep(for: interval)
    }
}

/// Like `poll`, for a value that appears.
public func pollValue<T>(
    _ what: String, deadline: Duration = .seconds(60), every interval: Duration = .milliseconds(5),
    until value: () async throws -> T?
) async throws -> T {
    let end = ContinuousClock.now + deadline
    while true {
        if let value = try await value() { return value }
        if ContinuousClock.now >= end { throw DeadlinePassed(description: "not in \(deadline): \(what)") }
        try await Task.sleep(for: interval)
    }
}
