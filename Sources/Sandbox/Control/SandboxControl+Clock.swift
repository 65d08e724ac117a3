package import Doors

extension SandboxControl {
    package func clockDocument() -> JSONValue {
        let now = clock.now
        return Self.object([
            "now": Self.instant(now), "milliseconds": Self.number(now),
            "offset_seconds": .number(String(Double(clock.offset) / 1_000)), "frozen": .boolean(clock.isFrozen),
        ])
    }

    /// One of `{"set": "2026-02-17T04:03:15Z"}`, `{"advance": 3600}` (seconds) and `{"frozen": true}`, or several, in this order.
    package func moveClock(_ document: JSONValue) async throws -> JSONValue {
        var reader = try ControlDocument(document)
        let set = try reader.text("set")
        let advance = try reader.number("advance", in: -Self.advanceSecondsMax...Self.advanceSecondsMax)
        let frozen = try reader.truth("frozen")
        try reader.finish()
        guard set != nil || advance != nil || frozen != nil else {
            throw ControlError(reason: "Nothing to do: give set, advance or frozen.")
        }
        let instant = try set.map { text throws(ControlError) in
            guard let instant = OrgTime.dateTime(text) ?? OrgTime.date(text) else {
                throw ControlError(field: "set", reason: "\(text) is no date and time such as 2026-02-17T04:03:15Z.")
            }
            return instant
        }
        // Both or neither: what is refused changes nothing.
        let milliseconds = Int64(((advance ?? 0) * 1_000).rounded())
        if let instant {
            guard OrgClock.range.contains(instant) else { throw Self.outOfRange("set") }
            guard clock.set(instant + milliseconds) else { throw Self.outOfRange("advance") }
        } else if advance != nil, !clock.advance(milliseconds) {
            throw Self.outOfRange("advance")
        }
        if let frozen { clock.freeze(frozen) }
        // What has become old is gone when this is answered.
        try await sandbox.clockMoved()
        return clockDocument()
    }

    private static func outOfRange(_ field: String) -> ControlError {
        ControlError(field: field, reason: "The clock goes from 2000 to 2999.")
    }

    /// A hundred years.
    private static let advanceSecondsMax = 3_155_760_000.0
}
