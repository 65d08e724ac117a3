import ChangeEvents
import TestSupport
import Testing

@testable import Upstream

/// An Upstream between a fake org and a fake sink, running.
struct Harness {
    let bus: FakeEventBus
    let host: FakeLoginHost
    let sink: FakeSink
    let log: LogRecorder
    let upstream: Upstream

    /// Pauses of milliseconds, so that a test of ten interruptions takes a fraction of a second. Silence lasts longer than
    /// any test waits: none is to pass by it.
    static var fast: Upstream.Timing {
        var timing = Upstream.Timing()
        timing.silenceMax = .seconds(120)
        timing.retryInitial = .milliseconds(5)
        timing.retryMax = .milliseconds(50)
        timing.limitRetryInitial = .milliseconds(20)
        timing.limitRetryMax = .milliseconds(100)
        timing.refusedRetry = .milliseconds(50)
        timing.slotRetry = .milliseconds(50)
        timing.loginFailureHold = .milliseconds(1)
        return timing
    }

    static func org(login: Int, pubSub: Int) -> OrgConnection {
        OrgConnection(
            login: OrgConnection.Login(
                url: "http://127.0.0.1:\(login)", clientID: "the-app", username: "integration@electricmotors.example",
                privateKeyPEM: TestKeys.privatePEM),
            pubSubHost: "127.0.0.1", pubSubPort: pubSub, usesPlaintext: true)
    }

    /// `prepare` sets the fakes up before anything runs. The Upstream is cancelled when `body` has returned, unless it
    /// has ended by itself.
    static func with(
        topics: [Upstream.Topic], timing: Upstream.Timing = fast,
        prepare: (FakeEventBus, FakeLoginHost, FakeSink) -> Void = { _, _, _ in },
        _ body: @escaping @Sendable (Harness) async throws -> Void
    ) async throws {
        try await FakeEventBus.with { bus, busPort in
            try await FakeLoginHost.with { host, hostPort in
                let sink = FakeSink()
                let log = LogRecorder()
                prepare(bus, host, sink)
                let upstream = Upstream(
                    configuration: Upstream.Configuration(
                        org: org(login: hostPort, pubSub: busPort), topics: topics, timing: timing),
                    sink: sink, logger: log.logger())
                let harness = Harness(bus: bus, host: host, sink: sink, log: log, upstream: upstream)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await upstream.run() }
                    group.addTask {
                        try await body(harness)
                        throw CancellationError()
                    }
                    defer { group.cancelAll() }
                    do {
                        // The Upstream may end before the body does, which then looks at what is left.
                        while try await group.next() != nil {}
                    } catch is CancellationError {}
                }
            }
        }
    }

    func status(_ topic: String) throws -> Upstream.Status.Topic {
        try #require(upstream.status.topics.first { $0.name == topic })
    }

    /// Waits until the sink has so many events of the topic.
    func stored(_ count: Int, of topic: String) async throws {
        try await poll("\(count) events of \(topic), log:\n\(log.text.suffix(2000))") { sink.count(topic) >= count }
    }
}
