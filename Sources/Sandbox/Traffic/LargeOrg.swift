import ChangeEvents
import Foundation
import Store
import Twin

/// Where loading many rows stands, so that a start that was cut off goes on where it was, and a second start adds nothing.
struct LargeOrgProgress: Codable, Sendable, Hashable {
    static let stateKey = "sandbox.rows"

    var rows = 0

    static func read(_ reader: any StoreReader) throws -> LargeOrgProgress {
        guard let bytes = try reader.state(stateKey) else { return LargeOrgProgress() }
        do {
            return try JSONDecoder().decode(LargeOrgProgress.self, from: Data(bytes))
        } catch {
            throw SandboxError(code: .stateDamaged, message: "the place in the rows cannot be read", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }
}

extension Sandbox {
    /// Makes the org large: accounts, contacts and cases, one to three to six, until it has so many rows of this kind. Each
    /// transaction makes some thousand of them; change events are published only where asked for.
    ///
    /// The rows follow from their number and the seed alone.
    public func loadRows(
        _ rows: Int, seed: UInt64, publishes: Bool = false, progress: (Int) -> Void = { _ in }
    ) async throws {
        let agents = Array(organization.users.dropFirst().map(\.id))
        var done = try await twin.store.read { try LargeOrgProgress.read($0).rows }
        while done < rows {
            try Task.checkCancellation()
            let first = done
            let count = min(rows - first, Self.rowsPerTransaction)
            try await transaction(origin: .background, userID: nil, isPublished: publishes) { transaction in
                var maker = LargeOrgMaker(seed: seed, agents: agents, transaction: transaction)
                try maker.make(first..<(first + count))
                try LargeOrgProgress(rows: first + count).write(transaction.writer)
            }
            done += count
            progress(done)
        }
    }

    /// A multiple of the ten rows of a family, so that no contact is parted from its account.
    static let rowsPerTransaction = 5_000
}

/// Makes rows inside one transaction.
private struct LargeOrgMaker {
    /// One account, three contacts, six cases.
    private static let familySize = 10
    private static let contactsPerFamily = 3

    let seed: UInt64
    let agents: [String]
    let transaction: OrgTransaction
    private var account: RecordID?
    private var contacts: [RecordID] = []

    init(seed: UInt64, agents: [String], transaction: OrgTransaction) {
        self.seed = seed
        self.agents = agents
        self.transaction = transaction
    }

    mutating func make(_ rows: Range<Int>) throws {
        for row in rows {
            var random = SeededGenerator(seed: seed &+ UInt64(row) &* 0x9E37_79B9)
            switch row % Self.familySize {
            case 0:
                account = try transaction.create("Account", accountValues(row, &random))
                contacts = []
            case 1...Self.contactsPerFamily:
                contacts.append(try transaction.create("Contact", contactValues(row, &random)))
            default: _ = try transaction.create("Case", caseValues(row, &random))
            }
        }
    }

    private func accountValues(_ row: Int, _ random: inout SeededGenerator) -> [String: FieldValue] {
        let city = pick(TrafficWords.cities, &random)
        return [
            "Name": .string("\(city) \(pick(TrafficWords.firms, &random)) \(row / Self.familySize + 1)"),
            "AccountNumber": .string("R-\(row)"), "BillingCity": .string(city),
            "NumberOfEmployees": .integer(Int64.random(in: 5...5_000, using: &random)),
            "AnnualRevenue": .double(Double(Int.random(in: 100...90_000, using: &random)) * 1_000),
        ]
    }

    private func contactValues(_ row: Int, _ random: inout SeededGenerator) -> [String: FieldValue] {
        let (first, last) = (pick(TrafficWords.firstNames, &random), pick(TrafficWords.lastNames, &random))
        var values: [String: FieldValue] = [
            "FirstName": .string(first), "LastName": .string(last),
            "Email": .string("\(first.lowercased()).\(last.lowercased()).\(row)@customer.example"),
        ]
        if let account { values["AccountId"] = .string(account.string) }
        return values
    }

    private func caseValues(_ row: Int, _ random: inout SeededGenerator) -> [String: FieldValue] {
        let subject = pick(TrafficWords.subjects, &random)
        var values: [String: FieldValue] = [
            "Subject": .string(subject.subject), "Reason": .string(subject.reason),
            "Status": .string(pick(["New", "Working", "Closed", "Closed", "Closed"], &random)),
            "Priority": .string(pick(["Low", "Medium", "High"], &random)),
            "Vehicle_Model__c": .string(pick(TrafficWords.models, &random)),
        ]
        if !contacts.isEmpty { values["ContactId"] = .string(pick(contacts, &random).string) }
        if !agents.isEmpty { values["OwnerId"] = .string(pick(agents, &random)) }
        return values
    }

    private func pick<T>(_ choices: [T], _ random: inout SeededGenerator) -> T {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }
}
