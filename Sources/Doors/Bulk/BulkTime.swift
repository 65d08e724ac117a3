/// Instants of jobs, as both versions of the API write them.
enum BulkTime {
    /// `2026-02-17T04:03:15.000+0000`; jobs know whole seconds.
    static func json(_ milliseconds: Int64) -> String { "\(xml(milliseconds).dropLast())+0000" }

    /// `2026-02-17T04:03:15.000Z`
    static func xml(_ milliseconds: Int64) -> String { ISOTime.text(milliseconds - milliseconds % 1_000) }
}
