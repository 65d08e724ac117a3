public import NIOCore
internal import Synchronization

/// The metrics of one process: hands out instruments and writes them all as Prometheus text.
///
/// Names begin with `millrace_`; counters end in `_total`, times in `_seconds`, sizes in `_bytes`. Asking twice for the same
/// name and labels gives the same instrument, so that components need not know each other. Giving one name two kinds, or a
/// name or label that Prometheus does not accept, is a bug of ours and traps.
///
/// Safe from any thread. The registry's lock is held while an instrument is looked up and while a list of them is copied,
/// never while a closure given to `collect` runs.
public final class MetricsRegistry: Sendable {
    public typealias Labels = KeyValuePairs<String, String>

    private enum Instrument {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    private struct Entry {
        let name: String
        let help: String
        let labels: [MetricLabel]
        let instrument: Instrument
    }

    private struct State {
        var entries: [Entry] = []
        /// Index into `entries`, by name and labels as they are written.
        var places: [String: Int] = [:]
        var collectors: [@Sendable (inout MetricsWriter) -> Void] = []
    }

    private let state = Mutex(State())

    public init() {}

    public func counter(_ name: String, help: String, labels: Labels = [:]) -> Counter {
        let found = instrument(name, help, labels) { .counter(Counter()) }
        guard case .counter(let counter) = found else { preconditionFailure("\(name) is not a counter") }
        return counter
    }

    public func gauge(_ name: String, help: String, labels: Labels = [:]) -> Gauge {
        let found = instrument(name, help, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = found else { preconditionFailure("\(name) is not a gauge") }
        return gauge
    }

    public func histogram(
        _ name: String, help: String, labels: Labels = [:], bounds: [Double] = Histogram.latencySecondsBounds
    ) -> Histogram {
        let found = instrument(name, help, labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = found else { preconditionFailure("\(name) is not a histogram") }
        return histogram
    }

    /// Registers a closure that reports numbers kept elsewhere each time the metrics are read. It runs on the thread that
    /// serves the request and must not block.
    public func collect(_ closure: @escaping @Sendable (inout MetricsWriter) -> Void) {
        state.withLock { $0.collectors.append(closure) }
    }

    /// Everything as Prometheus text, version 0.0.4.
    public func render() -> ByteBuffer {
        let (entries, collectors) = state.withLock { ($0.entries, $0.collectors) }
        var writer = MetricsWriter()
        for entry in entries {
            switch entry.instrument {
            case .counter(let counter):
                writer.write(entry.name, .counter, entry.help, entry.labels, .unsigned(counter.value))
            case .gauge(let gauge):
                writer.write(entry.name, .gauge, entry.help, entry.labels, .signed(gauge.value))
            case .histogram(let histogram):
                writer.write(entry.name, .histogram, entry.help, entry.labels, .histogram(histogram.snapshot))
            }
        }
        for collector in collectors { collector(&writer) }
        return writer.text()
    }

    private func instrument(
        _ name: String, _ help: String, _ labels: Labels, make: () -> Instrument
    ) -> Instrument {
        let labels = MetricLabel.list(labels)
        let key = name + MetricLabel.text(labels)
        return state.withLock { state in
            if let place = state.places[key] { return state.entries[place].instrument }
            let entry = Entry(name: name, help: help, labels: labels, instrument: make())
            state.places[key] = state.entries.count
            state.entries.append(entry)
            return entry.instrument
        }
    }
}
