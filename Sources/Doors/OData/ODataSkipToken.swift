internal import ChangeEvents
internal import Foundation
internal import Matching
internal import SOQL

/// The place where a page ended, as an opaque text in the link to the next: the values of the last row in the order. So a page
/// goes on behind that row, whatever has been inserted or deleted before it, and nothing is kept for a client meanwhile.
struct ODataSkipToken: Hashable {
    /// Of the last row, one for each term of the order.
    var after: [Value]
    /// The order it is a place in: `Name desc,Id`.
    var order: String
    /// Rows of `$top` that are still to come; nil: no bound.
    var left: Int?
    var pageSize: Int

    init(after row: [FieldValue], _ order: [ODataOrder], left: Int?, pageSize: Int) {
        after = row.map { Value($0) }
        self.order = Self.name(of: order)
        self.left = left
        self.pageSize = pageSize
    }

    /// Nil for what was not written by `text`, or is of another order.
    init?(_ text: String, _ order: [ODataOrder]) {
        var base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: base64), let object = Self.object(bytes),
            object.text("order") == Self.name(of: order), let values = object.array("after"),
            values.count == order.count,
            case .number(let size)? = object["size"], let pageSize = Int(size), pageSize > 0
        else { return nil }
        var after: [Value] = []
        for (value, term) in zip(values, order) {
            guard let value = Self.value(value, term.property.type) else { return nil }
            after.append(value)
        }
        switch object["left"] {
        case .null?: left = nil
        case .number(let number)?:
            guard let count = Int(number), count >= 0 else { return nil }
            left = count
        case .boolean?, .string?, .array?, .object?, nil: return nil
        }
        self.after = after
        self.order = Self.name(of: order)
        self.pageSize = pageSize
    }

    private static func object(_ bytes: Data) -> JSONObject? {
        do throws(JSONError) {
            return JSONObject(try JSONParser.parse(bytes))
        } catch {
            // Whoever asked with it learns that it is no token.
            return nil
        }
    }

    var text: String {
        let document = JSONValue.members(
            ("order", .string(order)), ("left", left.map { .number(String($0)) } ?? .null),
            ("size", .number(String(pageSize))), ("after", .array(after.map(Self.json))))
        return Data(document.jsonText.utf8).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    private static func name(of order: [ODataOrder]) -> String {
        order.map { $0.property.name + ($0.isDescending ? " desc" : "") }.joined(separator: ",")
    }

    private static func json(_ value: Value) -> JSONValue {
        switch value {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .integer(let number): .number(String(number))
        case .double(let number): .number(String(number))
        case .string(let text): .string(text)
        case .date(let milliseconds), .dateTime(let milliseconds), .time(let milliseconds):
            .number(String(milliseconds))
        }
    }

    private static func value(_ json: JSONValue, _ type: ODataType) -> Value? {
        switch (type, json) {
        case (_, .null): .null
        case (.text, .string(let text)), (.recordID, .string(let text)): .string(text)
        case (.boolean, .boolean(let flag)): .boolean(flag)
        case (.int32, .number(let number)): Int64(number).map { .integer($0) }
        case (.decimal, .number(let number)), (.double, .number(let number)): Double(number).map { .double($0) }
        case (.date, .number(let number)): Int64(number).map { .date(milliseconds: $0) }
        case (.dateTimeOffset, .number(let number)): Int64(number).map { .dateTime(milliseconds: $0) }
        case (.timeOfDay, .number(let number)): Int64(number).map { .time(milliseconds: $0) }
        case (.text, _), (.recordID, _), (.boolean, _), (.int32, _), (.decimal, _), (.double, _), (.date, _),
            (.dateTimeOffset, _), (.timeOfDay, _):
            nil
        }
    }
}
