import NIOCore
import Testing

@testable import Doors

@Suite struct MetricsRegistryTests {
    @Test func textIsPrometheus() {
        let registry = MetricsRegistry()
        let requests = registry.counter(
            "millrace_requests_total", help: "Requests\nserved \\ counted", labels: ["door": "a\"b\\c\nd"])
        requests.increment()
        requests.increment(by: 41)
        registry.counter("millrace_requests_total", help: "ignored", labels: ["door": "push"]).increment()
        registry.gauge("millrace_open", help: "Open.").set(-3)
        let latency = registry.histogram("millrace_wait_seconds", help: "Wait.", bounds: [0.1, 1])
        latency.observe(0.1)
        latency.observe(.milliseconds(500))
        latency.observe(7, times: 2)
        registry.collect { writer in
            writer.counter("millrace_requests_total", help: "", labels: ["door": "loop"], value: 9)
            writer.gauge("millrace_ratio", help: "Ratio.", value: 0.5)
        }
        #expect(
            String(buffer: registry.render()) == #"""
                # HELP millrace_requests_total Requests\nserved \\ counted
                # TYPE millrace_requests_total counter
                millrace_requests_total{door="a\"b\\c\nd"} 42
                millrace_requests_total{door="push"} 1
                millrace_requests_total{door="loop"} 9
                # HELP millrace_open Open.
                # TYPE millrace_open gauge
                millrace_open -3
                # HELP millrace_wait_seconds Wait.
                # TYPE millrace_wait_seconds histogram
                millrace_wait_seconds_bucket{le="0.1"} 1
                millrace_wait_seconds_bucket{le="1.0"} 2
                millrace_wait_seconds_bucket{le="+Inf"} 4
                millrace_wait_seconds_sum 14.6
                millrace_wait_seconds_count 4
                # HELP millrace_ratio Ratio.
                # TYPE millrace_ratio gauge
                millrace_ratio 0.5

                """#)
    }

    @Test func sameNameAndLabelsAreTheSameInstrument() {
        let registry = MetricsRegistry()
        let first = registry.counter("millrace_x_total", help: "x", labels: ["a": "1", "b": "2"])
        let second = registry.counter("millrace_x_total", help: "x", labels: ["b": "2", "a": "1"])
        let other = registry.counter("millrace_x_total", help: "x", labels: ["a": "1"])
        #expect(first === second)
        #expect(first !== other)
    }

    @Test func countersAreSafeFromManyThreads() async {
        let registry = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { registry.counter("millrace_y_total", help: "y").increment() }
                }
            }
        }
        #expect(registry.counter("millrace_y_total", help: "y").value == 8000)
    }

    @Test func histogramBoundsAreInclusive() {
        var snapshot = Histogram.Snapshot(bounds: [1, 2, 3])
        for value in [0.5, 1, 1.5, 2, 3, 4] { snapshot.observe(value) }
        #expect(snapshot.counts == [2, 2, 1, 1])
        #expect(snapshot.count == 6)
        #expect(snapshot.quantile(0.5) == 2)
        #expect(snapshot.quantile(0.99) == .infinity)
        #expect(Histogram.Snapshot(bounds: []).quantile(0.5) == nil)
    }
}
