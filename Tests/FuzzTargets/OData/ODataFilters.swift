@testable import Doors
@testable import SOQL

/// `$filter`: a filter in parentheses means the same, `not` turns it round, and what has a meaning can be planned.
enum ODataFilters {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        let claim: ODataClaim
        do throws(ODataSyntaxError) {
            claim = try ODataTranslation.claim(text, SampleEntity.account)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            property("an error's place is in the text", holds: (0...text.utf8.count).contains(error.place))
            property(
                "an error is a client's fault", holds: [400, 501].contains(error.error(in: text, of: "$filter").status))
            return
        }
        // One bracket more may be one too many.
        if let inBrackets = attempt({ try ODataTranslation.claim("(\(text))", SampleEntity.account) }) {
            property("a filter in parentheses means the same", holds: inBrackets == claim)
        }
        if let negated = attempt({ try ODataTranslation.claim("not (\(text))", SampleEntity.account) }) {
            property("'not' turns a filter round", holds: negated == claim.negated)
        }
        property(
            "a filter turned round twice is what it was", holds: claim.negated.negated == claim || isNegation(claim))
        guard case .filter(let filter) = claim else { return }
        property("a filter is not deeper than its bound", holds: filter.logicDepth <= ODataTranslation.logicDepthMax)
        plan(filter)
    }

    /// `not not a` is read as `a`, and so has no form of its own.
    private static func isNegation(_ claim: ODataClaim) -> Bool {
        if case .filter(.not(.not)) = claim { true } else { false }
    }

    private static func plan(_ filter: Filter) {
        var query = Query(items: [.rowCount(place: 0)], object: PlacedName(spelling: "Account", place: 0))
        query.filter = filter
        do throws(QueryError) {
            SOQLQueries.check(try SOQLQueries.plan(query, false))
        } catch {
            property(
                "a filter that has a meaning can be planned, but for its size: \(error)",
                holds: error.code == .tooComplicated)
        }
    }
}

/// The account of `SampleSchema` as OData shows it.
enum SampleEntity {
    static let account = ODataEntityType(
        name: "Account",
        properties: [
            property("Id", .recordID), property("Name", .text(lengthMax: 255)), property("OwnerId", .recordID),
            property("Interests__c", .text(lengthMax: 255)), property("IsActive__c", .boolean),
            property("NumberOfEmployees", .int32), property("AnnualRevenue", .decimal(precision: 18, scale: 2)),
            property("Rating__c", .double), property("Since__c", .date), property("CreatedDate", .dateTimeOffset),
            property("Opens__c", .timeOfDay),
            ODataProperty(
                name: "Description", type: .text(lengthMax: 32_000), isNullable: true, isFilterable: false,
                isSortable: false),
        ])

    private static func property(_ name: String, _ type: ODataType) -> ODataProperty {
        ODataProperty(name: name, type: type, isNullable: name != "Id", isFilterable: true, isSortable: true)
    }
}
