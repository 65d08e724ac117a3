import ChangeEvents
import Doors
import SOQL

/// The rules of a channel member's `filterExpression` beyond its grammar: which fields there are, and which comparisons
/// suit their types.
enum FilterRules {
    static let headerPrefix = "changeeventheader."
    /// Header fields that a filter may use, with what they are compared with.
    private static let headerTypes: [String: LiteralType] = [
        "entityname": .text, "changetype": .text, "changeorigin": .text, "transactionkey": .text,
        "sequencenumber": .number, "committimestamp": .number, "commitnumber": .number, "commituser": .text,
    ]

    private enum LiteralType {
        case text, number, boolean, date, dateTime, time
    }

    static func condition(_ text: String, for event: ChannelEvents.Event) throws(OrgError) -> Condition {
        let condition: Condition
        do throws(SOQLError) {
            condition = try Condition(
                text, dialect: event.product == .data ? .changeEventFilter : .platformEventFilter)
        } catch {
            throw invalid(error.description)
        }
        try check(condition.expression, event)
        return condition
    }

    private static func check(_ expression: Expression, _ event: ChannelEvents.Event) throws(OrgError) {
        switch expression {
        case .and(let operands), .or(let operands):
            for operand in operands { try check(operand, event) }
        case .not(let operand): try check(operand, event)
        case .comparison(let comparison): try check(comparison, event)
        }
    }

    private static func check(_ comparison: Comparison, _ event: ChannelEvents.Event) throws(OrgError) {
        let name = comparison.field.spelling
        let type = try type(of: name, event)
        switch comparison.test {
        case .compare(let operation, let value):
            guard value == .null || fits(value, type) else { throw mismatch(name) }
            if type == .boolean, operation != .equal, operation != .notEqual {
                throw invalid("The field \(name) is a checkbox: it can be compared with = and != only.")
            }
        case .among(let values, _):
            guard values.allSatisfy({ $0 == .null || fits($0, type) }) else { throw mismatch(name) }
        case .like:
            guard type == .text else { throw invalid("LIKE can't be used with the field \(name), which is no text.") }
        case .includes:
            throw invalid("INCLUDES and EXCLUDES can't be used in a filter expression.")
        }
    }

    private static func type(of name: String, _ event: ChannelEvents.Event) throws(OrgError) -> LiteralType {
        if event.product == .data, name.lowercased().hasPrefix(headerPrefix) {
            guard let type = headerTypes[String(name.lowercased().dropFirst(headerPrefix.count))] else {
                throw invalid("The header field \(name) can't be used in a filter expression.")
            }
            return type
        }
        guard let field = field(name, of: event) else {
            throw invalid("The field \(name) isn't a field of \(event.name) that a filter expression can use.")
        }
        switch field.kind.describeType {
        case "boolean": return .boolean
        case "int", "long", "double", "currency", "percent": return .number
        case "date": return .date
        case "datetime": return .dateTime
        case "time": return .time
        default: return .text
        }
    }

    /// A field of the event's body: a compound is named by its components.
    static func field(_ name: String, of event: ChannelEvents.Event) -> FieldDefinition? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            guard let field = event.object.field(name), !field.kind.isCompound, field.compoundName == nil else {
                return nil
            }
            let isInBody = event.product == .event ? field.isCustom || field.name.hasSuffix("__c") : field.isCaptured
            return isInBody && field.kind != .id ? field : nil
        case 2:
            guard event.product == .data, let compound = event.object.field(String(parts[0])), compound.kind.isCompound
            else { return nil }
            return event.object.components(of: compound).first {
                $0.componentName(in: compound).lowercased() == parts[1].lowercased()
            }
        default: return nil
        }
    }

    private static func fits(_ value: Value, _ type: LiteralType) -> Bool {
        switch (value, type) {
        case (.string, .text), (.boolean, .boolean), (.integer, .number), (.double, .number), (.time, .time): true
        case (.date, .date), (.date, .dateTime), (.dateTime, .dateTime), (.dateTime, .date): true
        // `Account.Name = ''` is the same as null.
        case (.string(let text), _): text.isEmpty
        case (.boolean, _), (.integer, _), (.double, _), (.time, _), (.date, _), (.dateTime, _), (.null, _): false
        }
    }

    private static func mismatch(_ name: String) -> OrgError {
        invalid("The value that \(name) is compared with isn't of the field's type.")
    }

    private static func invalid(_ reason: String) -> OrgError {
        .integrity("The filter expression isn't valid. \(reason)", ["filterExpression"])
    }
}
