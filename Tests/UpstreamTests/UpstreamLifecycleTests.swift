import ChangeEvents
import GRPCCore
import TestSupport
import Testing

@testable import Upstream

/// How an Upstream starts and ends; over real connections.
@Suite(.timeLimit(.minutes(5)))
struct UpstreamLifecycleTests {
    static let cases = "/data/CaseChangeEvent"

    @Test func aMistakeOfOursStopsItsTopicAndNoOther() async throws {
        let other = "/event/Low_Ink__e"
        try await Harness.with(
            topics: [Upstream.Topic(Self.cases), Upstream.Topic(other)],
            prepare: { bus, _, _ in
                bus.publish(5, to: other)
                bus.change { state in
                    state.faults[Self.cases] = [
                        .refuse(
                            .invalidArgument,
                            errorCode: "sfdc.platform.eventbus.grpc.subscription.fetch.requested.events.invalid")
                    ]
                }
            }
        ) { harness in
            try await poll("stopped") { try harness.status(Self.cases).state == .stopped }
            #expect(try harness.status(Self.cases).lastError?.code == .requestInvalid)
            harness.bus.publish(5, to: other)
            try await harness.stored(10, of: other)
        }
    }

    @Test func gracefulShutdownStoresTheMessageInHandAndReturns() async throws {
        try await Harness.with(
            topics: [Upstream.Topic(Self.cases), Upstream.Topic("/event/Quiet__e")],
            prepare: { bus, _, sink in
                bus.publish(100, to: Self.cases)
                sink.change { $0.isHolding = true }
            }
        ) { harness in
            try await poll("a message is being stored") { harness.sink.change { $0.receiveCalls } == 1 }
            harness.upstream.beginGracefulShutdown()
            try await poll("the quiet topic has stopped") { try harness.status("/event/Quiet__e").state == .stopped }
            harness.sink.change { $0.isHolding = false }
            try await poll("stopped") { try harness.status(Self.cases).state == .stopped }
            #expect(harness.sink.counters(Self.cases) == Array(1...7))
            #expect(harness.sink.change { $0.receiveCalls } == 1)
            try await poll("the streams have ended") { harness.bus.seen.allSatisfy(\.hasEnded) }
        }
    }

    @Test func runReturnsAfterGracefulShutdownAndThrowsWhenCancelled() async throws {
        try await FakeEventBus.with { bus, busPort in
            try await FakeLoginHost.with { _, hostPort in
                bus.publish(1, to: Self.cases)
                for isGraceful in [true, false] {
                    let sink = FakeSink()
                    let upstream = Upstream(
                        configuration: .init(
                            org: Harness.org(login: hostPort, pubSub: busPort), topics: [.init(Self.cases)],
                            timing: Harness.fast),
                        sink: sink, logger: LogRecorder().logger())
                    let run = Task { try await upstream.run() }
                    try await poll("running") { sink.count(Self.cases) == 1 }
                    if isGraceful {
                        upstream.beginGracefulShutdown()
                        try await run.value
                        await #expect(throws: UpstreamError.self) { try await upstream.run() }
                    } else {
                        run.cancel()
                        await #expect(throws: CancellationError.self) { try await run.value }
                    }
                }
            }
        }
    }

    /// In the login, while connecting, while subscribing, while storing: wherever it happens to be.
    @Test func cancellingAtAnyInstantIsSafeAndLosesNothing() async throws {
        var random = SeededRandom()
        try await FakeEventBus.with { bus, busPort in
            try await FakeLoginHost.with { _, hostPort in
                let names = (1...3).map { "/event/Topic\($0)__e" }
                for name in names { bus.publish(2000, to: name) }
                let sink = FakeSink()
                var timing = Harness.fast
                timing.silenceMax = .seconds(20)
                let configuration = Upstream.Configuration(
                    org: Harness.org(login: hostPort, pubSub: busPort), topics: names.map { Upstream.Topic($0) },
                    timing: timing)
                for _ in 0..<40 {
                    let upstream = Upstream(configuration: configuration, sink: sink, logger: LogRecorder().logger())
                    let run = Task { try await upstream.run() }
                    // Not a wait for something: the random instant is what is tested.
                    try await Task.sleep(for: .microseconds(random.int(0..<120_000)))
                    run.cancel()
                    await #expect(throws: CancellationError.self, "seed \(random.seed)") { try await run.value }
                }
                let upstream = Upstream(configuration: configuration, sink: sink, logger: LogRecorder().logger())
                let run = Task { try await upstream.run() }
                try await poll("the rest", deadline: .seconds(60)) { names.allSatisfy { sink.count($0) >= 2000 } }
                upstream.beginGracefulShutdown()
                try await run.value
                for name in names { #expect(sink.counters(name) == Array(1...2000), "seed \(random.seed)") }
            }
        }
    }

    @Test func whatCannotWorkIsRefusedAtStart() async throws {
        let good = Upstream.Configuration(org: Harness.org(login: 1, pubSub: 1), topics: [.init(Self.cases)])
        var noTopics = good
        noTopics.topics = []
        var twice = good
        twice.topics = [.init(Self.cases), .init(Self.cases)]
        var badTopic = good
        badTopic.topics = [.init("CaseChangeEvent")]
        var badKey = good
        badKey.org.login.privateKeyPEM = "-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----"
        var http = good
        http.org.usesPlaintext = false
        var noCA = good
        noCA.org.trustRoots = .file(path: "/nonexistent/ca.pem")
        for configuration in [noTopics, twice, badTopic, badKey, http, noCA] {
            let upstream = Upstream(configuration: configuration, sink: FakeSink(), logger: LogRecorder().logger())
            do {
                try await upstream.run()
                Issue.record("started")
            } catch let error as UpstreamError {
                #expect(error.code == .configuration)
                #expect(!error.description.contains("MIIsecret"))
            }
        }
    }
}
