import Synchronization
import Testing

@testable import Doors

@Suite struct OperationsDoorTests {
    @Test func healthAndMetricsAnswer() async throws {
        let metrics = MetricsRegistry()
        metrics.counter("millrace_z_total", help: "z").increment()
        try await withHTTPDoor(routes: [OperationsDoor(checks: [], metrics: metrics)]) { running in
            let health = try await running.get("/health")
            #expect(health.status == 200)
            #expect(health.body == "{\"status\":\"ok\"}\n")
            let text = try await running.get("/metrics")
            #expect(text.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(text.body.contains("millrace_z_total 1\n"))
            let ready = try await running.get("/ready")
            #expect(ready.status == 200)
            #expect(ready.body == "{\"ready\":true,\"checks\":[]}\n")
        }
    }

    @Test func oneFailingCheckMakesItUnready() async throws {
        let upstream = Switch()
        let door = OperationsDoor(
            checks: [
                .init(name: "store") { .init(isReady: true, detail: "open") },
                .init(name: "upstream") {
                    .init(isReady: upstream.isOn, detail: upstream.isOn ? "live" : "no connection")
                },
            ], metrics: MetricsRegistry())
        try await withHTTPDoor(routes: [door]) { running in
            let unready = try await running.get("/ready")
            #expect(unready.status == 503)
            #expect(
                unready.body
                    == #"{"ready":false,"checks":[{"name":"store","ready":true,"detail":"open"},{"name":"upstream","ready":false,"detail":"no connection"}]}"#
                    + "\n")
            upstream.turnOn()
            let ready = try await running.get("/ready")
            #expect(ready.status == 200)
        }
    }

    private final class Switch: Sendable {
        private let state = Mutex(false)
        var isOn: Bool { state.withLock { $0 } }
        func turnOn() { state.withLock { $0 = true } }
    }
}
