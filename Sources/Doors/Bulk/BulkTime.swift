internal import Foundation

/// Instants of jobs, as both versions of the API write them.
enum BulkTime {
    /// `2026-02-17T04:03:15.000+0000`; jobs know whole seconds.
    static func json(_ milliseconds: Int64) -> String { text(milliseconds) + ".000+0000" }

    /// `2026-02-17T04:03:15.000Z`
    static func xml(_ milliseconds: Int64) -> String { text(milliseconds) + ".000Z" }

    private static func text(_ milliseconds: Int64) -> String {
        let instant = Date(timeIntervalSince1970: Double(milliseconds / 1_000))
        return String(instant.formatted(.iso8601).dropLast())
    }
}
