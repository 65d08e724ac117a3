internal import Foundation

/// Instants as `2026-02-17T04:03:15.250Z`.
///
/// Foundation's style with fractional seconds goes by way of a floating-point number and cuts it off, which makes half of all
/// milliseconds one less.
enum ISOTime {
    static func text(_ milliseconds: Int64) -> String {
        let fraction = (milliseconds % 1_000 + 1_000) % 1_000
        let seconds = Date(timeIntervalSince1970: Double((milliseconds - fraction) / 1_000))
        return "\(seconds.formatted(.iso8601).dropLast()).\(String(fraction + 1_000).dropFirst())Z"
    }
}
