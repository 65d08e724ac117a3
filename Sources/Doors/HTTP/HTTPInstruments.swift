internal import Synchronization

/// The numbers that an HTTP door reports. One for a door: what a request needs is looked up in the registry once.
final class HTTPInstruments: Sendable {
    let connections: Gauge
    let takenOver: Counter
    let requestSeconds: Histogram
    private let registry: MetricsRegistry
    private let requests = Mutex<[Kind: Counter]>([:])

    private struct Kind: Hashable {
        var method: String
        var status: Int
    }

    init(registry: MetricsRegistry) {
        self.registry = registry
        connections = registry.gauge(
            "millrace_http_connections", help: "Open HTTP connections, without those handed over.")
        takenOver = registry.counter(
            "millrace_http_taken_over_total", help: "HTTP connections handed over to the push hub.")
        requestSeconds = registry.histogram(
            "millrace_http_request_seconds", help: "Time from a request's head to its response.")
    }

    /// Requests that the door answered itself because of their form, their size or the connection's.
    func refusal(status: Int) -> Counter {
        registry.counter(
            "millrace_http_refused_total", help: "Requests refused before a route saw them.",
            labels: ["status": String(status)])
    }

    /// Methods and statuses are few: `method` is one of HTTP's own.
    func request(method: String, status: Int) -> Counter {
        requests.withLock { requests in
            let kind = Kind(method: method, status: status)
            if let known = requests[kind] { return known }
            let counter = registry.counter(
                "millrace_http_requests_total", help: "Requests answered, by method and status.",
                labels: ["method": method, "status": String(status)])
            requests[kind] = counter
            return counter
        }
    }
}
