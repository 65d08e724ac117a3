/// Durations in configuration: a whole number and a unit, `25s`, `10m`, `72h`, `500ms`, `7d`.
enum DurationText {
    /// Longest first, for printing.
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Nil where the text is no duration (or beyond 64 bits of milliseconds).
    static func duration(_ text: String) -> Duration? {
        guard let (number, suffix) = Quantity.split(text),
            let unit = units.first(where: { $0.suffix == suffix })?.milliseconds
        else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : .milliseconds(milliseconds)
    }

    /// In the largest unit that divides it.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds != 0, let unit = units.first(where: { milliseconds.isMultiple(of: $0.milliseconds) }) else {
            return "0s"
        }
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}

/// Sizes in configuration: a whole number and a binary unit, `512B`, `64KiB`, `4GiB`.
enum SizeText {
    private static let units: [(suffix: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    static func bytes(_ text: String) -> Int? {
        guard let (number, suffix) = Quantity.split(text), let unit = units.first(where: { $0.suffix == suffix })?.bytes
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : Int(exactly: bytes)
    }

    static func text(_ bytes: Int) -> String {
        guard bytes != 0, let unit = units.first(where: { Int64(bytes).isMultiple(of: $0.bytes) }) else { return "0B" }
        return "\(Int64(bytes) / unit.bytes)\(unit.suffix)"
    }
}

private enum Quantity {
    static func split(_ text: String) -> (number: Int64, suffix: Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        return (number, text[digits.endIndex...])
    }
}
