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
    /// Number of the last commit: that of a database that has been running for a while (orgs show 11 to 19 digits).
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
        if let counters = OrgCounters(bytes) { return counters }
        do {
            // Stores from before the counters had a form of their own.
            return try JSONDecoder().decode(OrgCounters.self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "the org's counters cannot be read", cause: error)
        }
    }

    /// `schemaVersion` alone, for readers: without the numbers behind it.
    static func schemaVersion(_ reader: any StoreReader) throws -> UInt64? {
        guard let bytes = try reader.state(stateKey) else { return nil }
        let first = bytes.prefix { $0 != UInt8(ascii: "\n") }
        guard first.first == UInt8(ascii: "1"), let space = first.lastIndex(of: UInt8(ascii: " ")) else {
            return try find(reader)?.schemaVersion
        }
        return UInt64(String(decoding: first[(space + 1)...], as: UTF8.self))
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: bytes)
    }

    /// `1 replay commit schema`, then a line for each number: `r001 17`, `aCase 1042`. They are read and written with every
    /// transaction, where JSON would cost more than the transaction itself.
    var bytes: [UInt8] {
        var text = "1 \(replay) \(commit) \(schemaVersion.map { String($0) } ?? "-")"
        for (prefix, number) in recordNumbers { text += "\nr\(prefix) \(number)" }
        for (key, number) in autonumbers { text += "\na\(key) \(number)" }
        return Array(text.utf8)
    }

    /// Nil for what is not in the form of `bytes`.
    init?(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first else { return nil }
        let words = first.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 4, words[0] == "1", let replay = UInt64(words[1]), let commit = Int64(words[2]) else {
            return nil
        }
        self.init(replay: replay, commit: commit)
        if words[3] != "-" {
            guard let version = UInt64(words[3]) else { return nil }
            schemaVersion = version
        }
        for line in lines.dropFirst() {
            guard let space = line.lastIndex(of: UInt8(ascii: " ")), let kind = line.first,
                let number = UInt64(String(decoding: line[line.index(after: space)...], as: UTF8.self))
            else { return nil }
            let key = String(decoding: line[line.startIndex..<space].dropFirst(), as: UTF8.self)
            switch kind {
            case UInt8(ascii: "r"): recordNumbers[key] = number
            case UInt8(ascii: "a"): autonumbers[key] = number
            default: return nil
            }
        }
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
        String(unsafeUninitializedCapacity: width) { characters in
            var rest = number
            for index in stride(from: width - 1, through: 0, by: -1) {
                characters[index] = digits[Int(rest % 62)]
                rest /= 62
            }
            return width
        }
    }

    static func random(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        String(decoding: (0..<count).map { _ in digits[Int.random(in: 0..<62, using: &generator)] }, as: UTF8.self)
    }
}
