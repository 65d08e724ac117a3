import Foundation
import NIOCore

/// A value of a JSON answer. Whole numbers that fit keep every digit; others are the nearest `Double`.
public enum RESTValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([RESTValue])
    case object([String: RESTValue])

    /// A member of an object; nil: this is none, or has no such member.
    public subscript(name: String) -> RESTValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    /// Nil for everything but a text.
    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    public var boolean: Bool? {
        guard case .boolean(let flag) = self else { return nil }
        return flag
    }
}

extension RESTValue: Decodable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // The frequent ones first: a guess that fails costs more than one that does not.
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .boolean(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .integer(number)
        } else if let number = try? container.decode(Double.self) {
            self = .double(number)
        } else if let members = try? container.decode([String: RESTValue].self) {
            self = .object(members)
        } else {
            self = .array(try container.decode([RESTValue].self))
        }
    }

    /// Throws the decoder's error; whoever asks says what was expected.
    init(json: ByteBuffer) throws {
        self = try JSONDecoder().decode(RESTValue.self, from: Data(json.readableBytesView))
    }
}
