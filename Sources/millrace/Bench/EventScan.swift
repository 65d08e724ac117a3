/// What the figures need of a message, read in one pass over its bytes: nothing else of it is decoded.
///
/// The pass follows the structure of the JSON, so that a subject which looks like a replay id is none.
struct EventScan: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// A record came, changed or was deleted (`event`), or left the view (`left`).
        case event
        case left
        /// Anything else: an answer, a checkpoint, a gap.
        case message
    }

    var kind = Kind.message
    var key = EventKey()
    /// Hash of `channel`; see `Fingerprint`.
    var channel: UInt64 = 0
    /// `commitTimestamp` of the header, in milliseconds since 1970; a platform event has none.
    var commitMilliseconds: Int64?

    /// The end of the year 9999. A larger number is no time, and its microseconds need not fit into 64 bits.
    static let commitMillisecondsMax: UInt64 = 253_402_300_799_999

    /// Nil for what is no JSON object, and for an event without a replay id.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var pass = Pass(bytes: bytes)
        guard pass.message(into: &self) else { return nil }
        if kind != .message, key.place == .none { return nil }
    }
}

/// Which event a delivery is of: two with the same key on one connection and channel are one event twice.
struct EventKey: Hashable, Sendable {
    /// A place in the log.
    enum Place: Hashable, Sendable {
        case none
        /// Salesforce's are numbers that grow.
        case number(UInt64)
        /// Another replay id, by its fingerprint: it has no order.
        case opaque(UInt64)
    }

    var place = Place.none
    /// Fingerprint of the record's id, or of a platform event's own.
    var record: UInt64 = 0

    /// Nil where the place has no order.
    var number: UInt64? { if case .number(let number) = place { number } else { nil } }
}

/// A hash for telling texts apart, the same in every thread (FNV-1a).
struct Fingerprint: Hashable, Sendable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    init() {}

    init(_ text: String) {
        for byte in text.utf8 { add(byte) }
    }

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
}

extension EventKey.Place {
    /// A replay id as the protocol writes it: a number, or a string of digits or of anything. `-2`, all that is retained, and
    /// other negative ones are no place.
    init(_ text: some Collection<UInt8>) {
        if text.first == 0x2D {
            self = .none
            return
        }
        var number: UInt64 = 0
        var isNumber = !text.isEmpty
        var fingerprint = Fingerprint()
        for byte in text {
            fingerprint.add(byte)
            let (product, isTooBig) = number.multipliedReportingOverflow(by: 10)
            let (sum, isTooBigNow) = product.addingReportingOverflow(UInt64(byte &- 0x30))
            isNumber = isNumber && byte &- 0x30 < 10 && !isTooBig && !isTooBigNow
            number = sum
        }
        self = isNumber ? .number(number) : .opaque(fingerprint.value)
    }
}

/// One pass over the bytes of a message. Every step answers false where the text is no JSON of the expected form.
private struct Pass {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    mutating func message(into scan: inout EventScan) -> Bool {
        guard
            object({ pass, name in
                if pass.isName(name, "type") {
                    guard let type = pass.string() else { return false }
                    scan.kind = pass.isName(type, "event") ? .event : pass.isName(type, "left") ? .left : .message
                    return true
                }
                if pass.isName(name, "channel") {
                    guard let channel = pass.string() else { return false }
                    scan.channel = pass.fingerprint(channel)
                    return true
                }
                return pass.isName(name, "data") ? pass.data(into: &scan) : pass.skipValue()
            })
        else { return false }
        skipSpace()
        return index == bytes.count
    }

    private mutating func data(into scan: inout EventScan) -> Bool {
        inner { pass, name in
            if pass.isName(name, "payload") {
                return pass.inner { pass, name in
                    pass.isName(name, "ChangeEventHeader") ? pass.header(into: &scan) : pass.skipValue()
                }
            }
            guard pass.isName(name, "event") else { return pass.skipValue() }
            return pass.inner { pass, name in
                if pass.isName(name, "replayId") {
                    guard let text = pass.scalar() else { return false }
                    scan.key.place = EventKey.Place(pass.bytes[text])
                    return true
                }
                guard pass.isName(name, "EventUuid"), pass.peek() == UInt8(ascii: "\"") else { return pass.skipValue() }
                guard let text = pass.string() else { return false }
                scan.key.record = pass.fingerprint(text)
                return true
            }
        }
    }

    private mutating func header(into scan: inout EventScan) -> Bool {
        inner { pass, name in
            if pass.isName(name, "recordIds") { return pass.recordIDs(into: &scan) }
            guard pass.isName(name, "commitTimestamp") else { return pass.skipValue() }
            guard let text = pass.scalar() else { return false }
            if case .number(let milliseconds) = EventKey.Place(pass.bytes[text]),
                milliseconds <= EventScan.commitMillisecondsMax
            {
                scan.commitMilliseconds = Int64(milliseconds)
            }
            return true
        }
    }

    private mutating func recordIDs(into scan: inout EventScan) -> Bool {
        guard peek() == UInt8(ascii: "["), take(UInt8(ascii: "[")) else { return skipValue() }
        if take(UInt8(ascii: "]")) { return true }
        var fingerprint = Fingerprint()
        var isFirst = true
        repeat {
            guard let id = string() else { return false }
            if !isFirst { fingerprint.add(UInt8(ascii: ",")) }
            isFirst = false
            for byte in bytes[id] { fingerprint.add(byte) }
        } while take(UInt8(ascii: ","))
        scan.key.record = fingerprint.value
        return take(UInt8(ascii: "]"))
    }

    /// Calls `member` behind each name; it takes the value. What is no object is passed over: the protocol may grow.
    private mutating func inner(_ member: (inout Pass, Range<Int>) -> Bool) -> Bool {
        peek() == UInt8(ascii: "{") ? object(member) : skipValue()
    }

    private mutating func object(_ member: (inout Pass, Range<Int>) -> Bool) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let name = string(), take(UInt8(ascii: ":")), member(&self, name) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    private mutating func skipSpace() {
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
    }

    private mutating func peek() -> UInt8? {
        skipSpace()
        return index < bytes.count ? bytes[index] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        index += 1
        return true
    }

    /// The bytes between the quotation marks, escapes as they stand.
    private mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return start..<index - 1
            }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    /// A string without its marks, a number or a word.
    private mutating func scalar() -> Range<Int>? {
        guard let first = peek() else { return nil }
        if first == UInt8(ascii: "\"") { return string() }
        let start = index
        while index < bytes.count, Self.isOfScalar(bytes[index]) { index += 1 }
        return index > start ? start..<index : nil
    }

    /// Without recursion: what a server nests cannot end this program.
    private mutating func skipValue() -> Bool {
        var depth = 0
        repeat {
            guard let byte = peek() else { return false }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { return false }
                depth -= 1
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { return false }
                index += 1
            default: guard scalar() != nil else { return false }
            }
        } while depth > 0
        return true
    }

    private static func isOfScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."): true
        default: false
        }
    }

    private func isName(_ range: Range<Int>, _ name: StaticString) -> Bool {
        range.count == name.utf8CodeUnitCount
            && UnsafeRawBufferPointer(rebasing: bytes[range]).elementsEqual(
                UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    private func fingerprint(_ range: Range<Int>) -> UInt64 {
        var fingerprint = Fingerprint()
        for byte in bytes[range] { fingerprint.add(byte) }
        return fingerprint.value
    }
}
