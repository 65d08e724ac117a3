@testable import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

/// A person's `Name` is in no event: its parts are (`docs/twin.md`, "The rules").
struct PersonNameTests {
    private let id = RecordID.test("003", 1)
    private let parts = ["FirstName", "LastName"]

    private func event(
        _ type: ChangeType, _ values: [String: FieldValue], parts: [String]?, at time: Int64 = 1_000_000
    ) -> ChangeEvent {
        var header = ChangeEventHeader.placeholder
        header.entityName = "Contact"
        header.recordIDs = [id.string]
        header.changeType = type
        header.commitTimestamp = time
        return ChangeEvent(
            header: header, changedFields: [], nulledFields: [], diffFields: [], values: values, enrichedFields: [],
            nameParts: parts)
    }

    private func record(_ fields: [String: FieldValue]) -> StoredRecord {
        StoredRecord(
            image: RecordImage(entity: "Contact", id: id, fields: fields, isComplete: true), isDeleted: false,
            commitTimestamp: 500_000, needsRefetch: false)
    }

    private func after(_ event: ChangeEvent, on record: StoredRecord?) throws -> StoredRecord {
        try #require(RecordChange(event: event, id: id).outcome(on: record).row)
    }

    @Test func aNewPersonHasIt() throws {
        let row = try after(
            event(.create, ["FirstName": .string("Ada"), "LastName": .string("Weir")], parts: parts), on: nil)
        #expect(row.image.fields["Name"] == .string("Ada Weir"))
        #expect(row.image.isComplete && !row.needsRefetch)
        let single = try after(
            event(.create, ["FirstName": .null, "LastName": .string("Weir")], parts: parts), on: nil)
        #expect(single.image.fields["Name"] == .string("Weir"))
    }

    @Test func anotherPartMakesAnotherName() throws {
        let known = record(["FirstName": .string("Ada"), "LastName": .string("Weir"), "Name": .string("Ada Weir")])
        let row = try after(event(.update, ["LastName": .string("Mill")], parts: parts), on: known)
        #expect(row.image.fields["Name"] == .string("Ada Mill") && !row.needsRefetch)
        let gone = try after(event(.update, ["FirstName": .null], parts: parts), on: known)
        #expect(gone.image.fields["Name"] == .string("Weir"))
    }

    @Test func otherChangesLeaveIt() throws {
        let known = record(["FirstName": .string("Ada"), "LastName": .string("Weir"), "Name": .string("as it was")])
        let row = try after(event(.update, ["Phone": .string("1")], parts: nil), on: known)
        #expect(row.image.fields["Name"] == .string("as it was"))
    }

    /// What the org's texts tell of its order is kept.
    @Test func theFamilyNameMayStandFirst() throws {
        let known = record(["FirstName": .string("Ada"), "LastName": .string("Weir"), "Name": .string("Weir Ada")])
        let row = try after(event(.update, ["LastName": .string("Mill")], parts: parts), on: known)
        #expect(row.image.fields["Name"] == .string("Mill Ada"))
    }

    @Test func aNameOfAnotherMakingIsRead() throws {
        let known = record(["FirstName": .string("Ada"), "LastName": .string("Weir"), "Name": .string("Dr. Weir")])
        let row = try after(event(.update, ["LastName": .string("Mill")], parts: parts), on: known)
        #expect(row.image.fields["Name"] == nil && row.needsRefetch && !row.image.isComplete)
        #expect(row.image.fields["LastName"] == .string("Mill"))
    }

    /// The configuration wants the name and not its parts.
    @Test func aNameWithoutItsPartsIsRead() throws {
        let row = try after(event(.create, ["Phone": .string("1")], parts: []), on: nil)
        #expect(row.image.fields["Name"] == nil && row.needsRefetch && !row.image.isComplete)
    }

    @Test func undeletedWithItsName() throws {
        var known = record(["FirstName": .string("Ada"), "LastName": .string("Weir"), "Name": .string("Weir Ada")])
        known.isDeleted = true
        let row = try after(
            event(.undelete, ["FirstName": .string("Eva"), "LastName": .string("Weir")], parts: parts), on: known)
        #expect(row.image.fields["Name"] == .string("Weir Eva"))
    }

    @Test func middleNamesAndSuffixes() {
        let fields: [String: FieldValue] = [
            "FirstName": .string("Ada"), "MiddleName": .string("M."), "LastName": .string("Weir"),
            "Suffix": .string("Jr."),
            "Salutation": .string("Ms."),
        ]
        #expect(PersonName.text { fields[$0] } == .string("Ada M. Weir Jr."))
        #expect(PersonName.text { _ in nil } == .null)
    }
}
