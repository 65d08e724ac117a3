import Twin
import Logging
import ChangeEvents
import Foundation
import Store

/// A customer of the demo's portal.
public struct DemoCustomer: Codable, Sendable, Hashable {
    public var name: String
    public var contactID: String
    public var accountName: String
}

/// Where loading the sample data stands: one step per account, each in its own transaction, so that a start that was
/// cut off goes on where it was.
struct SampleProgress: Codable, Sendable {
    static let stateKey = "sandbox.sampleData"

    var accountsLoaded = 0
    var customers: [DemoCustomer] = []

    static func read(_ reader: any StoreReader) throws -> SampleProgress {
        guard let bytes = try reader.state(stateKey) else { return SampleProgress() }
        do {
            return try JSONDecoder().decode(SampleProgress.self, from: Data(bytes))
        } catch {
            throw SandboxError(
                code: .stateDamaged, message: "the place in the sample data cannot be read", cause: error)
        }
    }

    func write(_ writer: any StoreWriter) throws {
        try writer.setState(Self.stateKey, to: [UInt8](JSONEncoder().encode(self)))
    }
}

extension Sandbox {
    /// The portal customers of the sample data; empty without it.
    public func demoCustomers() async throws -> [DemoCustomer] {
        try await twin.store.read { try SampleProgress.read($0).customers }
    }

    func loadSampleData() async throws {
        let done = try await twin.store.read { try SampleProgress.read($0).accountsLoaded }
        let accounts = SampleAccount.electricMotors
        guard done < accounts.count else { return }
        let agents = organization.users.dropFirst().map(\.id)
        for index in done..<accounts.count {
            let account = accounts[index]
            try await transaction(
                origin: .background, userID: nil, isPublished: configuration.publishesSampleData
            ) { transaction in
                var progress = try SampleProgress.read(transaction.writer)
                progress.customers += try SampleLoader(transaction: transaction, agents: agents).load(
                    account, number: index)
                progress.accountsLoaded = index + 1
                try progress.write(transaction.writer)
            }
        }
        logger.info("sample data loaded", metadata: ["accounts": "\(accounts.count)"])
    }
}

/// Makes one sample account's records inside a transaction.
private struct SampleLoader {
    let transaction: OrgTransaction
    /// Who works on cases.
    let agents: [String]

    private static let millisecondsPerHour: Int64 = 3_600_000
    private static let hoursPerYear = 8_760

    func load(_ account: SampleAccount, number: Int) throws -> [DemoCustomer] {
        var values: [String: FieldValue] = [
            "Name": .string(account.name), "Type": .string(account.type), "Industry": .string(account.industry),
            "BillingStreet": .string(account.street), "BillingCity": .string(account.city),
            "BillingPostalCode": .string(account.postalCode), "BillingCountry": .string(account.country),
            "Phone": .string(account.phone), "AccountNumber": .string("EM-\(10_400 + number)"),
        ]
        if let website = account.website { values["Website"] = .string(website) }
        if let employees = account.employees { values["NumberOfEmployees"] = .integer(Int64(employees)) }
        if let revenue = account.revenue { values["AnnualRevenue"] = .double(revenue) }
        let accountID = try transaction.create(
            "Account", values, createdAt: before(hours: Self.hoursPerYear + number * 97))
        var customers: [DemoCustomer] = []
        for (position, contact) in account.contacts.enumerated() {
            let contactID = try create(contact, of: account, accountID)
            if contact.isPortalCustomer {
                customers.append(
                    DemoCustomer(
                        name: "\(contact.firstName) \(contact.lastName)", contactID: contactID.string,
                        accountName: account.name))
            }
            for (index, sample) in contact.cases.enumerated() {
                try create(
                    sample, contact, contactID,
                    agent: agents.isEmpty ? nil : agents[(number + position + index) % agents.count])
            }
        }
        return customers
    }

    private func create(_ contact: SampleContact, of account: SampleAccount, _ accountID: RecordID) throws -> RecordID {
        var values: [String: FieldValue] = [
            "AccountId": .string(accountID.string), "Salutation": .string(contact.salutation),
            "FirstName": .string(contact.firstName), "LastName": .string(contact.lastName),
            "Email": .string(contact.email),
            "Phone": .string(contact.phone), "MailingStreet": .string(account.street),
            "MailingCity": .string(account.city),
            "MailingPostalCode": .string(account.postalCode), "MailingCountry": .string(account.country),
        ]
        if let title = contact.title { values["Title"] = .string(title) }
        return try transaction.create("Contact", values, createdAt: before(hours: Self.hoursPerYear / 2))
    }

    private func create(_ sample: SampleCase, _ contact: SampleContact, _ contactID: RecordID, agent: String?) throws {
        var values: [String: FieldValue] = [
            "ContactId": .string(contactID.string), "Subject": .string(sample.subject),
            "Description": .string(sample.description), "Reason": .string(sample.reason),
            "Status": .string(sample.status),
            "Priority": .string(sample.priority), "Origin": .string(sample.origin), "Type": .string("Problem"),
            "Vehicle_Model__c": .string(sample.model), "SuppliedEmail": .string(contact.email),
            "SuppliedName": .string("\(contact.firstName) \(contact.lastName)"),
        ]
        if sample.status == "Escalated" { values["IsEscalated"] = .boolean(true) }
        if let agent { values["OwnerId"] = .string(agent) }
        _ = try transaction.create("Case", values, createdAt: before(hours: sample.hoursAgo))
    }

    private func before(hours: Int) -> Int64 { transaction.now - Int64(hours) * Self.millisecondsPerHour }
}
