internal import NIOCore

/// One label of a sample.
struct MetricLabel: Hashable, Sendable {
    let name: String
    let value: String

    static func list(_ labels: KeyValuePairs<String, String>) -> [MetricLabel] {
        labels.map { label in
            precondition(isName(label.key, colons: false), "not a label name: \(label.key)")
            return MetricLabel(name: label.key, value: label.value)
        }.sorted { $0.name < $1.name }
    }

    /// `{door="rest",status="200"}`, or nothing for no labels.
    static func text(_ labels: [MetricLabel]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
    }

    static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    static func isName(_ name: String, colons: Bool) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { character in
            switch character {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x3A: colons
            default: false
            }
        }
    }
}

/// Gathers samples and writes them as Prometheus text: the samples of one name together under one help and type line.
///
/// Given to the closures of `MetricsRegistry.collect`; lives for one reading of the metrics, on one thread.
public struct MetricsWriter {
    enum Kind: String { case counter, gauge, histogram }

    enum Value {
        case unsigned(UInt64)
        case signed(Int64)
        case double(Double)
        case histogram(Histogram.Snapshot)
    }

    private struct Family {
        let kind: Kind
        let help: String
        var samples: [(labels: [MetricLabel], value: Value)] = []
    }

    private var names: [String] = []
    private var families: [String: Family] = [:]

    init() {}

    public mutating func counter(_ name: String, help: String, labels: MetricsRegistry.Labels = [:], value: UInt64) {
        write(name, .counter, help, MetricLabel.list(labels), .unsigned(value))
    }

    public mutating func gauge(_ name: String, help: String, labels: MetricsRegistry.Labels = [:], value: Int) {
        write(name, .gauge, help, MetricLabel.list(labels), .signed(Int64(value)))
    }

    public mutating func gauge(_ name: String, help: String, labels: MetricsRegistry.Labels = [:], value: Double) {
        write(name, .gauge, help, MetricLabel.list(labels), .double(value))
    }

    public mutating func histogram(
        _ name: String, help: String, labels: MetricsRegistry.Labels = [:], value: Histogram.Snapshot
    ) {
        write(name, .histogram, help, MetricLabel.list(labels), .histogram(value))
    }

    mutating func write(_ name: String, _ kind: Kind, _ help: String, _ labels: [MetricLabel], _ value: Value) {
        if families[name] == nil {
            precondition(MetricLabel.isName(name, colons: true), "not a metric name: \(name)")
            names.append(name)
            families[name] = Family(kind: kind, help: help)
        }
        precondition(families[name]?.kind == kind, "\(name) has two kinds")
        families[name]?.samples.append((labels, value))
    }

    func text() -> ByteBuffer {
        var text = ByteBuffer()
        for name in names {
            guard let family = families[name] else { continue }
            let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            text.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(family.kind.rawValue)\n")
            for (labels, value) in family.samples {
                switch value {
                case .unsigned(let number): Self.line(name, labels, String(number), into: &text)
                case .signed(let number): Self.line(name, labels, String(number), into: &text)
                case .double(let number): Self.line(name, labels, Self.number(number), into: &text)
                case .histogram(let snapshot): Self.histogram(name, labels, snapshot, into: &text)
                }
            }
        }
        return text
    }

    private static func histogram(
        _ name: String, _ labels: [MetricLabel], _ snapshot: Histogram.Snapshot, into text: inout ByteBuffer
    ) {
        var seen: UInt64 = 0
        for (index, count) in snapshot.counts.enumerated() {
            seen += count
            let bound = index < snapshot.bounds.count ? number(snapshot.bounds[index]) : "+Inf"
            line(name + "_bucket", labels + [MetricLabel(name: "le", value: bound)], String(seen), into: &text)
        }
        line(name + "_sum", labels, number(snapshot.sum), into: &text)
        line(name + "_count", labels, String(seen), into: &text)
    }

    private static func line(_ name: String, _ labels: [MetricLabel], _ value: String, into text: inout ByteBuffer) {
        text.writeString("\(name)\(MetricLabel.text(labels)) \(value)\n")
    }

    /// Prometheus writes infinities and not-a-number its own way.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }
}
