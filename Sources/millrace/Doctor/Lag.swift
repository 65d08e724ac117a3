import Foundation

/// For how long nothing has come from the org, against how long the org keeps what it has to say.
///
/// A running gateway tells it by topic. Of one that does not run there is the last writing to its store: it writes with every
/// message of the org, keepalives included (`TwinSink`), so nothing has come since. What it wrote last need not have come from
/// the org: the silence may be longer, and is never shorter.
enum Lag {
    /// For how long the org keeps events.
    static let retention: Duration = .seconds(72 * 3_600)
    private static let warning: Duration = .seconds(24 * 3_600)
    /// Time enough to be woken by it.
    private static let error: Duration = .seconds(60 * 3_600)

    /// By topic, in the metrics of a gateway.
    static let ageMetric = "millrace_upstream_last_message_age_seconds"
    private static let liveMetric = "millrace_upstream_live"

    /// Of a gateway that runs.
    static func finding(metrics: String, topics: [String]) -> Finding {
        let ages = samples(of: ageMetric, in: metrics)
        let live = samples(of: liveMetric, in: metrics)
        let silent = topics.filter { ages[$0] == nil && live[$0] != 1 }
        let oldest = topics.compactMap { topic in ages[topic].map { (topic: topic, age: $0) } }.max { $0.age < $1.age }
        let cure = "Mend what stands above under gateway."
        if let oldest {
            let silence = Duration.seconds(oldest.age)
            let finding = finding(
                "\(oldest.topic) was last heard \(text(silence)) ago", silence: silence, cure: cure)
            if finding.weight != .ok || silent.isEmpty { return finding }
        }
        guard silent.isEmpty else {
            return .warning(
                "lag", "\(silent.joined(separator: ", ")) has not been heard since the gateway was started",
                advice: "\(cure) The org keeps events for \(hours(retention)) hours.")
        }
        return .ok("lag", "the org is heard")
    }

    /// Of a gateway that does not run.
    static func finding(store: Configuration.Store.Location, now: Date) -> Finding {
        guard case .file(let path) = store else {
            return .ok("lag", "not looked at: PostgreSQL does not tell when the gateway was last there")
        }
        guard let written = lastWriting(to: path) else {
            return .ok("lag", "nothing was heard yet: there is no \(path)")
        }
        let silence = Duration.seconds(max(0, now.timeIntervalSince(written)))
        return finding(
            "the store was last written to \(text(silence)) ago", silence: silence, cure: "Start the gateway.")
    }

    static func finding(_ words: String, silence: Duration, cure: String) -> Finding {
        guard silence < retention else {
            return .error(
                "lag", "\(words): events have been lost, the org keeps them for \(hours(retention)) hours",
                advice: "\(cure) It declares the gap to its clients and reads replicated objects anew.")
        }
        guard silence >= warning else { return .ok("lag", words) }
        let left = hours(retention - silence)
        let message = "\(words): events will be lost " + (left > 0 ? "in \(left) hours" : "within the hour")
        return silence < error ? .warning("lag", message, advice: cure) : .error("lag", message, advice: cure)
    }

    /// Of the database or of its write-ahead file; one without content was made by opening it.
    private static func lastWriting(to path: String) -> Date? {
        [path, path + "-wal"].compactMap { file -> Date? in
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
                let size = attributes[.size] as? NSNumber, size.int64Value > 0
            else { return nil }
            return attributes[.modificationDate] as? Date
        }.max()
    }

    /// Values by topic, of a metric that has no other label.
    static func samples(of name: String, in metrics: String) -> [String: Double] {
        let start = name + "{topic=\""
        var samples: [String: Double] = [:]
        for line in metrics.split(separator: "\n") where line.hasPrefix(start) {
            let parts = line.dropFirst(start.count).split(separator: "\"} ")
            if parts.count == 2, let value = Double(parts[1]) { samples[String(parts[0])] = value }
        }
        return samples
    }

    private static func hours(_ duration: Duration) -> Int { Int(duration / .seconds(3_600)) }

    private static func text(_ duration: Duration) -> String {
        let minutes = Int(duration / .seconds(60))
        if minutes >= 120 { return "\(minutes / 60) hours" }
        return minutes == 1 ? "a minute" : minutes > 1 ? "\(minutes) minutes" : "less than a minute"
    }
}
