import ChangeEvents
import Store
import TestSupport
import Testing
@testable import Twin

struct RowComparisonTests {
    private let id = RecordID.test("500", 1)
    private let comparison = RowComparison(
        fields: ["Status", "Age__c", "LastModifiedDate", "SystemModstamp", "LastActivityDate"],
        stamp: "LastModifiedDate", calculated: ["Age__c"])

    private func record(
        _ fields: [String: FieldValue], isDeleted: Bool = false, needsRefetch: Bool = false
    ) -> StoredRecord {
        StoredRecord(
            image: RecordImage(entity: "Case", id: id, fields: fields, isComplete: true), isDeleted: isDeleted,
            commitTimestamp: 0, needsRefetch: needsRefetch)
    }

    private func cause(_ expected: StoredRecord?, _ kept: StoredRecord?) -> Difference.Cause? {
        guard case .different(let difference) = comparison.compare(id, expected: expected, kept: kept) else {
            return nil
        }
        return difference.cause
    }

    @Test func standing() {
        let (live, dead) = (record([:]), record(["Status": .string("last")], isDeleted: true))
        #expect(cause(live, nil) == .missing)
        #expect(cause(nil, live) == .gone)
        #expect(cause(dead, live) == .deleted)
        #expect(cause(live, dead) == .undeleted)
        // A deleted record's last image is its own; one that the org has forgotten stays here as deleted.
        #expect(cause(dead, record([:], isDeleted: true)) == nil)
        #expect(cause(dead, nil) == nil && cause(nil, dead) == nil && cause(nil, nil) == nil)
    }

    @Test func values() {
        let time = FieldValue.dateTime(milliseconds: 1_700_000_000_000)
        let row = record(["Status": .string("New"), "LastModifiedDate": time])
        #expect(cause(row, row) == nil)
        // Absent in a row that is complete is null.
        #expect(cause(record(["Status": .null]), record([:])) == nil)
        #expect(cause(record(["Status": .string("new"), "LastModifiedDate": time]), row) == .values)
        #expect(cause(record(["Status": .string("New"), "LastModifiedDate": .null]), row) == .stale)
        // Whole seconds: what the APIs tell.
        let later = FieldValue.dateTime(milliseconds: 1_700_000_000_999)
        #expect(cause(record(["Status": .string("New"), "LastModifiedDate": later]), row) == nil)
        var formula = row
        formula.image.fields["Age__c"] = .double(3)
        formula.image.fields["LastActivityDate"] = .date(milliseconds: 0)
        formula.image.fields["SystemModstamp"] = later
        #expect(cause(formula, row) == .derived)
        formula.image.fields["Status"] = .null
        #expect(cause(formula, row) == .values)
    }

    @Test func doubtIsNotJudged() {
        let doubtful = record(["Status": .string("?")], needsRefetch: true)
        #expect(comparison.compare(id, expected: record([:]), kept: doubtful) == .undecided)
        #expect(comparison.compare(id, expected: doubtful, kept: record([:])) == .undecided)
        #expect(comparison.compare(id, expected: nil, kept: doubtful) == .undecided)
    }
}
