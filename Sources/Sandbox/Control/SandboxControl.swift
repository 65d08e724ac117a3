import Doors

/// The control door without HTTP: faults, clock, truth, and what the sandbox's page shows. Takes and gives JSON; every refusal is
/// a `ControlError`.
package struct SandboxControl: Sendable {
    let sandbox: Sandbox
    let clock: OrgClock

    package init(sandbox: Sandbox, clock: OrgClock) {
        self.sandbox = sandbox
        self.clock = clock
    }

    // Parameters of a query string

    static func integer(
        _ name: String, _ text: String?, in range: ClosedRange<Int>, default standard: Int
    ) throws(ControlError) -> Int {
        guard let text else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw ControlError(
                field: name, reason: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(members.map { .init(name: $0.key, value: $0.value) })
    }

    static func number(_ number: some BinaryInteger) -> JSONValue { .number(String(number)) }

    /// `2026-02-17T04:03:15.250Z`
    static func instant(_ milliseconds: Int64) -> JSONValue {
        .string(OrgTime.dateText(milliseconds) + "T" + OrgTime.timeText(milliseconds))
    }
}
