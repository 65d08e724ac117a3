internal import ChangeEvents
internal import NIOCore

/// What the messages of the push protocol are made of, besides the values that `ChangeEvents` writes.
extension ByteBuffer {
    /// A member of an object, with the comma before it.
    mutating func writeJSON(member name: StaticString, string text: String) {
        writeStaticString(",\"")
        writeStaticString(name)
        writeStaticString("\":")
        writeJSON(string: text)
    }

    mutating func writeJSON(member name: StaticString, integer: Int64) {
        writeStaticString(",\"")
        writeStaticString(name)
        writeStaticString("\":")
        writeString(String(integer))
    }

    /// A number where a browser reads it exactly, otherwise a string. `-2`, "all that is retained", where no place is known.
    mutating func writeJSON(replayID: ReplayID?) {
        guard let replayID else { return _ = writeStaticString("-2") }
        if let counter = replayID.counter, counter <= Self.exactIntegerMax {
            writeString(String(counter))
        } else {
            writeJSON(string: replayID.description)
        }
    }

    mutating func writeJSON(id: MessageID) {
        switch id {
        case .integer(let integer): writeString(String(integer))
        case .double(let double): writeString(double.isFinite ? String(double) : "null")
        case .string(let string): writeJSON(string: string)
        }
    }

    /// 2^53: up to there a double holds every integer.
    private static let exactIntegerMax: UInt64 = 1 << 53
}
