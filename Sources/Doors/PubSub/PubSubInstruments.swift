/// The numbers that the Pub/Sub door reports.
struct PubSubInstruments: Sendable {
    let registry: MetricsRegistry
    let streams: Gauge
    let keepalives: Counter

    init(registry: MetricsRegistry) {
        self.registry = registry
        streams = registry.gauge("millrace_pubsub_streams", help: "Open Subscribe streams.")
        keepalives = registry.counter(
            "millrace_pubsub_keepalives_total", help: "Messages without events, sent to idle Subscribe streams.")
    }

    func delivered(topic: String) -> Counter {
        registry.counter(
            "millrace_pubsub_delivered_total", help: "Events delivered over the Pub/Sub API.", labels: ["topic": topic])
    }

    func call(method: String, status: String) -> Counter {
        registry.counter(
            "millrace_pubsub_calls_total", help: "Ended calls of the Pub/Sub API.",
            labels: ["method": method, "status": status])
    }
}
