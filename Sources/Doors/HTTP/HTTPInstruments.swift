/// The numbers that an HTTP door reports.
struct HTTPInstruments: Sendable {
    let registry: MetricsRegistry
    let connections: Gauge
    let takenOver: Counter

    init(registry: MetricsRegistry) {
        self.registry = registry
        connections = registry.gauge(
            "millrace_http_connections", help: "Open HTTP connections, without those handed over.")
        takenOver = registry.counter(
            "millrace_http_taken_over_total", help: "HTTP connections handed over to the push hub.")
    }

    /// Requests that the door answered itself because of their form, their size or the connection's.
    func refusal(status: Int) -> Counter {
        registry.counter(
            "millrace_http_refused_total", help: "Requests refused before a route saw them.",
            labels: ["status": String(status)])
    }

    func request(method: String, status: Int) -> Counter {
        registry.counter(
            "millrace_http_requests_total", help: "Requests answered, by method and status.",
            labels: ["method": method, "status": String(status)])
    }

    var requestSeconds: Histogram {
        registry.histogram("millrace_http_request_seconds", help: "Time from a request's head to its response.")
    }
}
