import ChangeEvents

@testable import Doors
@testable import SOQL

/// The path and the options of an OData request: an order ends with the key, columns are there once, the place of a page
/// that is written is read the same, and a path that is read prints as one that is.
enum ODataRequests {
    private static let allowed: Set<String> = [
        "$select", "$filter", "$orderby", "$top", "$skip", "$count", "$search", "$skiptoken", "$format",
    ]

    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        let pieces = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path(pieces[0])
        let options: ODataOptions
        do throws(ODataError) {
            options = try ODataOptions(pieces.count == 2 ? String(pieces[1]) : text, allowed: allowed)
        } catch {
            property("an error is said in OData's form", holds: error.status >= 400 && !error.message.isEmpty)
            return
        }
        check(options)
    }

    private static func path(_ text: Substring) {
        guard let path = attempt({ try ODataPath(text, rootSegments: 0) }) else { return }
        let printed: String
        switch path {
        case .serviceDocument: printed = ""
        case .metadata: printed = "$metadata"
        case .set(let name): printed = FormEncoding.encoded(name)
        case .count(let name): printed = FormEncoding.encoded(name) + "/$count"
        case .entity(let name, let key):
            printed = FormEncoding.encoded("\(name)('\(key.replacing("'", with: "''"))')")
        }
        // A set's name is anything but what begins with a dollar sign.
        property(
            "a path that is written is read the same",
            holds: attempt { try ODataPath(printed, rootSegments: 0) } == path)
    }

    private static func check(_ options: ODataOptions) {
        let type = SampleEntity.account
        _ = attempt { try options.claim(type) }
        _ = attempt { try options.flag("$count") }
        if let top = attempt({ try options.number("$top", max: ODataOptions.topMax) }), let top {
            property("a number is within its bounds", holds: (0...ODataOptions.topMax).contains(top))
        }
        let selected = attempt { try options.select(type) }
        if let selected, let selected {
            property("a property is selected once", holds: Set(selected).count == selected.count)
        }
        guard let order = attempt({ try options.order(type) }) else { return }
        property("an order has the key", holds: order.contains { $0.property.name == ODataEntityType.key })
        property("a property is ordered by once", holds: Set(order.map(\.property)).count == order.count)
        let columns = ODataColumns(type, shown: (selected ?? nil) ?? type.properties, order: order)
        property("a column is read once", holds: Set(columns.properties).count == columns.properties.count)
        property("each term of the order has its column", holds: columns.order.count == order.count)
        checkToken(options["$skiptoken"], order)
    }

    private static func checkToken(_ text: String?, _ order: [ODataOrder]) {
        let row = order.map { value(of: $0.property.type) }
        let token = ODataSkipToken(after: row, order, left: 7, pageSize: 100)
        property("a place that is written is read the same", holds: ODataSkipToken(token.text, order) == token)
        guard let text, let token = ODataSkipToken(text, order) else { return }
        property("a place has a value for each term", holds: token.after.count == order.count && token.pageSize > 0)
        property("a place that is read is written the same", holds: ODataSkipToken(token.text, order) == token)
        var query = Query(
            items: [.term(.field(FieldPath(spelling: "Id", place: 0)), alias: nil)],
            object: PlacedName(spelling: "Account", place: 0))
        query.order = order.map(\.term)
        query.after = token.after
        if let plan = attempt({ try SOQLQueries.plan(query, false) }) { SOQLQueries.check(plan) }
    }

    private static func value(of type: ODataType) -> FieldValue {
        switch type {
        case .text: .string("O'Brien ü")
        case .recordID: .string("001xx0000000001AAA")
        case .timeOfDay: .time(milliseconds: 37_800_000)
        case .boolean: .boolean(true)
        case .int32: .integer(-7)
        case .decimal, .double: .double(0.1)
        case .date: .date(milliseconds: 86_400_000)
        case .dateTimeOffset: .null
        }
    }
}
