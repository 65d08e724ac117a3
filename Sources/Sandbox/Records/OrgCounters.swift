import ChangeEvents
import Foundation
import Store

/// Everything in the org that counts up: record ids, automatic numbers, replay ids, commit numbers. One named value of
/// the store, read at the beginning of a transaction and written with it, so that a rollback gives its numbers back.
struct OrgCounters: Sendable {
    static let stateKey = "sandbox.counters"

    /// The numbers of records and automatic number fields. Most transactions draw none of them.
    private enum Numbers: Sendable {
        /// Their lines, as they are stored.
        case stored([UInt8])
        case read(Drawn)
    }

    private struct Drawn: Sendable {
        /// Last number used, by key prefix.
        var records: [String: UInt64] = [:]
        /// Last number used, by object; by object and field for custom fields.
        var autonumbers: [String: UInt64] = [:]
    }

    private var numbers = Numbers.read(Drawn())
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
        return try OrgCounters(bytes)
    }

    /// `schemaVersion` alone, for readers.
    static func schemaVersion(_ reader: any StoreReader) throws -> UInt64? {
        try find(reader)?.schemaVersion
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: bytes)
    }

    /// `1 replay commit schema`, then a line for each number: `r001 17`, `aCase 1042`. They are read and written with every
    /// transaction, where JSON would cost more than the transaction itself.
    var bytes: [UInt8] {
        var bytes = Array("1 \(replay) \(commit) \(schemaVersion.map { String($0) } ?? "-")".utf8)
        switch numbers {
        case .stored(let lines):
            bytes += lines
        case .read(let drawn):
            for (prefix, number) in drawn.records { bytes += Array("\nr\(prefix) \(number)".utf8) }
            for (key, number) in drawn.autonumbers { bytes += Array("\na\(key) \(number)".utf8) }
        }
        return bytes
    }

    /// Throws `stateDamaged` for what is not in the form of `bytes`; the lines of numbers are looked at when one is drawn.
    init(_ bytes: [UInt8]) throws(SandboxError) {
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        let words = bytes[..<end].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 4, words[0] == "1", let replay = UInt64(words[1]), let commit = Int64(words[2]) else {
            throw Self.damaged
        }
        self.init(replay: replay, commit: commit)
        if words[3] != "-" {
            guard let version = UInt64(words[3]) else { throw Self.damaged }
            schemaVersion = version
        }
        numbers = .stored(Array(bytes[end...]))
    }

    private static let damaged = SandboxError(
        code: .stateDamaged, message: "the org's counters cannot be read")

    /// The numbers, read if they have not been.
    private func drawn() throws(SandboxError) -> Drawn {
        let lines: [UInt8]
        switch numbers {
        case .read(let drawn): return drawn
        case .stored(let stored): lines = stored
        }
        var drawn = Drawn()
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            guard let space = line.lastIndex(of: UInt8(ascii: " ")), let kind = line.first,
                let number = UInt64(String(decoding: line[line.index(after: space)...], as: UTF8.self))
            else { throw Self.damaged }
            let key = String(decoding: line[line.startIndex..<space].dropFirst(), as: UTF8.self)
            switch kind {
            case UInt8(ascii: "r"): drawn.records[key] = number
            case UInt8(ascii: "a"): drawn.autonumbers[key] = number
            default: throw Self.damaged
            }
        }
        return drawn
    }

    /// The id of a new record: key prefix, the org's instance, a reserved character and nine digits of base 62.
    mutating func nextRecordID(prefix: String, instance: String) throws -> RecordID {
        let number = try draw(prefix, from: \.records) { ($0 ?? 0) + 1 }
        guard let id = RecordID(prefix + instance + "0" + Base62.text(number, width: 9)) else {
            throw SandboxError(
                code: .stateDamaged, message: "prefix \(prefix) and instance \(instance) make no record id")
        }
        return id
    }

    /// The next number of an object's automatic number field.
    mutating func nextAutonumber(of field: FieldDefinition, object: String) throws -> UInt64 {
        try draw(field.isCustom ? "\(object).\(field.name)" : object, from: \.autonumbers) { last in
            last.map { $0 + 1 } ?? field.startingNumber
        }
    }

    private mutating func draw(
        _ key: String, from table: WritableKeyPath<Drawn, [String: UInt64]>, _ next: (UInt64?) -> UInt64
    ) throws(SandboxError) -> UInt64 {
        var drawn = try drawn()
        // Not shared while it changes.
        numbers = .stored([])
        let number = next(drawn[keyPath: table][key])
        drawn[keyPath: table][key] = number
        numbers = .read(drawn)
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

    static func random(_ count: Int) -> String {
        String(decoding: (0..<count).map { _ in digits[Int.random(in: 0..<62)] }, as: UTF8.self)
    }
}
