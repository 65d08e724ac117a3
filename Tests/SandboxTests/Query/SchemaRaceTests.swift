import ChangeEvents
import Dispatch
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

/// Queries beside changes of the org's objects.
struct SchemaRaceTests {
    private static let soql = "SELECT Id, Voltage__c FROM Account WHERE Name = 'A'"

    private func org() async throws -> TestOrg {
        let org = try await TestOrg.open()
        _ = try await org.create("Account", [("Name", .string("A"))])
        return org
    }

    private func addField(_ org: TestOrg) async throws {
        var metadata = FieldMetadata(type: .text, label: "Voltage")
        metadata.length = 20
        try await org.sandbox.changeSchema { [metadata] schema, newID in
            schema.fields.append(
                CustomSchema.Field(
                    object: "Account", name: "Voltage__c",
                    metadata: metadata, id: String(try newID("00N").prefix(15))))
        }
    }

    private func removeField(_ org: TestOrg) async throws {
        try await org.sandbox.changeSchema { schema, _ in schema.fields.removeAll { $0.name == "Voltage__c" } }
    }

    /// The catalogue was taken before the snapshot: a query that met a removal in between named a column that was gone, and
    /// failed inside the org.
    @Test func catalogueIsThatOfTheSnapshot() async throws {
        let org = try await org()
        try await addField(org)
        let (isReading, isRemoved) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let sandbox = org.sandbox
        let context = org.context
        let query = Task {
            try await sandbox.twin.store.read { reader in
                _ = try reader.head()
                isReading.signal()
                isRemoved.wait()
                // The org is without the field now; this snapshot is not.
                let page = try sandbox.query(
                    Self.soql, includesDeleted: false, batchSize: nil, context: context,
                    catalogue: try sandbox.catalogue(in: reader), reader: reader)
                // The store's own description of the table is the snapshot's as well.
                let records = try reader.records(entity: "Account", after: nil, limit: 10)
                return (page.totalSize, records.map { $0.image.fields["Voltage__c"] })
            }
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                isReading.wait()
                continuation.resume()
            }
        }
        try await removeField(org)
        isRemoved.signal()
        let (count, voltages) = try await query.value
        #expect(count == 1)
        #expect(voltages == [.null])
        let refusal = await org.failure { () async throws(OrgError) in
            _ = try await org.sandbox.query(Self.soql, scope: .live, batchSize: nil, context: org.context)
        }
        #expect(refusal?.errorCode == "INVALID_FIELD")
    }

    @Test func queriesBesideAFieldThatComesAndGoesNeverFailInside() async throws {
        let org = try await org()
        let id = try #require(try await org.sandbox.snapshot(entity: "Account").first?.id)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<15 {
                    try await addField(org)
                    try await removeField(org)
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<150 {
                        let refusal = await org.failure { () async throws(OrgError) in
                            _ = try await org.sandbox.query(
                                Self.soql, scope: .live, batchSize: nil, context: org.context)
                        }
                        #expect(refusal == nil || refusal?.errorCode == "INVALID_FIELD")
                        let retrieval = await org.failure { () async throws(OrgError) in
                            _ = try await org.retrieve("Account", id)
                        }
                        #expect(retrieval == nil)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
