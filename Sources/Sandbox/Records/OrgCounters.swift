import ChangeEvents
import Foundation
import Store

/// Everything in the org that counts up: record ids, automatic numbers, replay ids, commit numbers. One named value of
/// the store, read at the beginning of a transaction and written with it, so that a rollback gives its numbers back.
struct OrgCounters: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.counters"

    /// Last number used, by key prefix.
    private var recordNumbers: [String: UInt64] = [:]
    /// Last number used, by object; by object and field for custom fields.
    private var autonumbers: [String: UInt64] = [:]
    /// Of the org's objects; nil in stores from before they could change.
    var schemaVersion: UInt64?
    /// Counter of the last replay id.
    private(set) var replay: UInt64
    /// Number of the last commit: that of a database that has been running for a while (11 digits and more).
    private(set) var commit: Int64

    init(replay: UInt64, commit: Int64) {
        self.replay = replay
        self.commit = commit
    }

    static func read(_ reader: any StoreReader) throws -> OrgCounters {
        guard let counters = try find(reader) else {
            throw SandboxError(code: .stateDamaged, message: "the org's counters are missing from the store")
        }
        return counters
    }

    /// Nil in a store whose org has not been founded.
    static func find(_ reader: any StoreReader) throws -> OrgCounters? {
        guard let bytes = try reader.state(stateKey) else { return nil }
        do {
            return try JSONDecoder().decode(OrgCounters.self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "the org's counters cannot be read", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }

    /// The id of a new record: key prefix, the org's instance, a reserved character and nine digits of base 62.
    mutating func nextRecordID(prefix: String, instance: String) throws -> RecordID {
        let number = recordNumbers[prefix, default: 0] + 1
        recordNumbers[prefix] = number
        guard let id = RecordID(prefix + instance + "0" + Base62.text(number, width: 9)) else {
            throw SandboxError(
                code: .stateDamaged, message: "prefix \(prefix) and instance \(instance) make no record id")
        }
        return id
    }

    /// The next number of an object's automatic number field.
    mutating func nextAutonumber(of field: FieldDefinition, object: String) -> UInt64 {
        let key = field.isCustom ? "\(object).\(field.name)" : object
        let number = autonumbers[key].map { $0 + 1 } ?? field.startingNumber
        autonumbers[key] = number
        return number
    }

    /// `skipping`: numbers that other events of the org's bus have taken.
    mutating func nextReplayID(skipping: UInt64) -> ReplayID {
        replay += 1 + skipping
        return ReplayID(counter: replay)
    }

    mutating func nextCommit(step: Int64) -> Int64 {
        commit += max(1, step)
        return commit
    }
}

/// Numbers in digits, capitals and small letters, in this order: as record ids count.
enum Base62 {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func text(_ number: UInt64, width: Int) -> String {
        var rest = number
        var characters = [UInt8](repeating: digits[0], count: width)
        for index in stride(from: width - 1, through: 0, by: -1) where rest > 0 {
            characters[index] = digits[Int(rest % 62)]
            rest /= 62
        }
        return String(decoding: characters, as: UTF8.self)
    }

    static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        String(decoding: (0..<count).map { _ in digits[Int.random(in: 0..<62, using: &generator)] }, as: UTF8.self)
    }
}
